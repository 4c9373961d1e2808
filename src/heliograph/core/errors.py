"""The errors that the core raises, and its warning."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Each class names the front door as its module, as users import it from there: tracebacks and
# warning filters then name it so.


class SignalError(Exception):
    """Base class of every error that Heliograph raises itself."""

    __module__ = "heliograph"

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle the error without calling its ``__init__``, whatever that needs."""
        return _made_again, (type(self), *self.args), vars(self)


class ReceiverError(SignalError, TypeError):
    """Something that cannot be a receiver was connected."""

    __module__ = "heliograph"


class ArgumentError(SignalError, TypeError, ValueError):
    """Heliograph cannot accept a name, an option, a declaration or a payload.

    It is a `TypeError` and a `ValueError` at once: which of the two callers of
    Blinker expect depends on the argument.
    """

    __module__ = "heliograph"


class UnknownSignalError(SignalError, KeyError):
    """A namespace was asked for a signal that it doesn't have."""

    __module__ = "heliograph"

    def __str__(self) -> str:
        # A KeyError shows its message as it would show a key: in quotes.
        return Exception.__str__(self)


class AsyncReceiverError(SignalError, RuntimeError):
    """`Signal.send` met an async receiver and has no ``_async_wrapper`` to run it."""

    __module__ = "heliograph"


class StateError(SignalError, RuntimeError):
    """An object cannot do that in its present state: it has ended, say, or has not begun."""

    __module__ = "heliograph"


class LostEmissionsError(SignalError, OverflowError):
    """A stream was full, so emissions were lost: its signal was sent faster than it was read.

    Attributes:
        lost: How many emissions were lost here.
    """

    __module__ = "heliograph"

    def __init__(self, message: str, lost: int) -> None:
        super().__init__(message)
        self.lost = lost


class ReceiverWarning(UserWarning):
    """Code will not do what it seems to do: a receiver that will never be called, for one."""

    __module__ = "heliograph"


def _made_again(kind: type[SignalError], *args: object) -> SignalError:
    return kind.__new__(kind, *args)
