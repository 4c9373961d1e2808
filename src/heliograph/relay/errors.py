"""What can stand against a signal that is to cross to other processes."""

from __future__ import annotations

from heliograph import ArgumentError, StateError


class RelayError(StateError):
    """The relay cannot do that now: it is not running, or its broker does not play along."""


class UnavailableError(RelayError):
    """The broker cannot be reached, or does not answer. Another try may succeed."""


class RefusedError(RelayError):
    """The broker refuses us, or is none: a wrong password, no rights, another protocol."""


class FullError(RelayError):
    """There is no room: the stream of the broker, or what waits for it here, is full."""


class UnconfirmedError(RelayError):
    """A send that was to be confirmed was not.

    Attributes:
        id: The id of what was sent: one that has arrived all the same carries it.
        certain: Whether it certainly did not reach the broker; otherwise nobody knows.
    """

    def __init__(self, message: str, envelope_id: str, *, certain: bool) -> None:
        super().__init__(message)
        self.id: str = envelope_id
        self.certain: bool = certain


class EnvelopeError(ArgumentError):
    """What arrived is no envelope of ours, or its payload does not fit the declaration.

    Attributes:
        reason: One word, under which it is counted.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason: str = reason
