"""Everything that the core raises, and the one thing it warns of."""

from __future__ import annotations


class SignalError(Exception):
    """Base class of every error that Heliograph raises itself."""


class ReceiverError(SignalError, TypeError):
    """Something that cannot be a receiver was connected."""


class ArgumentError(SignalError, TypeError, ValueError):
    """A name, an option, a declaration or a payload is not one that Heliograph can take.

    It is a `TypeError` and a `ValueError` at once: which of the two a caller
    of Blinker would expect depends on the argument.
    """


class UnknownSignalError(SignalError, KeyError):
    """A namespace was asked for a signal that it has not got."""

    def __str__(self) -> str:
        # A KeyError shows its message as it would show a key: in quotes.
        return Exception.__str__(self)


class AsyncReceiverError(SignalError, RuntimeError):
    """`Signal.send` met an async receiver and was given nothing to run it with."""


class StateError(SignalError, RuntimeError):
    """Something was asked for what it cannot do now: it is over, say, or has not begun."""


class LostEmissionsError(SignalError, OverflowError):
    """A stream was not read as fast as its signal was sent.

    Attributes:
        lost: How many emissions are missing here.
    """

    def __init__(self, message: str, lost: int) -> None:
        super().__init__(message)
        self.lost = lost


class ReceiverWarning(UserWarning):
    """Something is written in a way that cannot do what it seems to, such as to connect."""
