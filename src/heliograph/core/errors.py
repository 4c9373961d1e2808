"""Everything that the core raises, and the one thing it warns of."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Each class says that it is of the front door, where everybody imports it: tracebacks and
# filters of warnings name it so.


class SignalError(Exception):
    """Base class of every error that Heliograph raises itself."""

    __module__ = "heliograph"

    def __reduce__(self) -> tuple[Any, ...]:
        """Come back from a copy or a pickle as it is, whatever its ``__init__`` asks for."""
        return _made_again, (type(self), *self.args), vars(self)


class ReceiverError(SignalError, TypeError):
    """Something that cannot be a receiver was connected."""

    __module__ = "heliograph"


class ArgumentError(SignalError, TypeError, ValueError):
    """A name, an option, a declaration or a payload is not one that Heliograph can take.

    It is a `TypeError` and a `ValueError` at once: which of the two a caller
    of Blinker would expect depends on the argument.
    """

    __module__ = "heliograph"


class UnknownSignalError(SignalError, KeyError):
    """A namespace was asked for a signal that it has not got."""

    __module__ = "heliograph"

    def __str__(self) -> str:
        # A KeyError shows its message as it would show a key: in quotes.
        return Exception.__str__(self)


class AsyncReceiverError(SignalError, RuntimeError):
    """`Signal.send` met an async receiver and was given nothing to run it with."""

    __module__ = "heliograph"


class StateError(SignalError, RuntimeError):
    """Something was asked for what it cannot do now: it is over, say, or has not begun."""

    __module__ = "heliograph"


class LostEmissionsError(SignalError, OverflowError):
    """A stream was not read as fast as its signal was sent.

    Attributes:
        lost: How many emissions are missing here.
    """

    __module__ = "heliograph"

    def __init__(self, message: str, lost: int) -> None:
        super().__init__(message)
        self.lost = lost


class ReceiverWarning(UserWarning):
    """Something will not do what it looks like: a receiver that nobody will call, for one."""

    __module__ = "heliograph"


def _made_again(kind: type[SignalError], *args: object) -> SignalError:
    return kind.__new__(kind, *args)
