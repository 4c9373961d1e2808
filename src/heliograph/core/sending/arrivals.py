"""Arrival: whence the delivery has come that the current context works on."""

from __future__ import annotations

from contextvars import ContextVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Arrival:
    """A delivery of what another process has sent, while its receiver works on it.

    Attributes:
        origin: The process that sent it, as its relay calls itself.
        envelope: The id of the envelope in which it has come, or None.
        receiver: The receiver; None if it is not there any more. What it calls, and what it
            sends, works on the arrival as well.
    """

    __slots__ = ("envelope", "origin", "receiver")

    def __init__(
        self, origin: str, envelope: str | None, receiver: Callable[..., Any] | None
    ) -> None:
        self.origin: str = origin
        self.envelope: str | None = envelope
        self.receiver: Callable[..., Any] | None = receiver


ARRIVAL: ContextVar[Arrival | None] = ContextVar("heliograph_arrival", default=None)


def current_arrival() -> Arrival | None:
    """Return the arrival that the current context works on; None outside of one."""
    return ARRIVAL.get()
