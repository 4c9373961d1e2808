"""Delivered: what a receiver can know of the envelope that it was called for."""

from __future__ import annotations

from contextvars import ContextVar

import msgspec


class Delivered(msgspec.Struct, frozen=True):
    """The envelope that the current context works on.

    Attributes:
        id: Its id: the same in every try, and in every process.
        signal: The name of its signal.
        origin: The process that has sent it.
        sender: The name of its sender.
        group: The group that works on it; None for receivers of each process.
        tries: Which try this is, from 1 on.
        time: When it was sent, in seconds since the epoch.
        hops: How many processes had passed on what led to it.
        traceparent: The span in which it was sent, as W3C's Trace Context writes it.
        forward: Whether what is sent here may cross again, though each process gets it.
    """

    id: str
    signal: str
    origin: str
    sender: str | None
    group: str | None
    tries: int
    time: float
    hops: int = 0
    traceparent: str | None = None
    forward: bool = False


CURRENT: ContextVar[Delivered | None] = ContextVar("heliograph_delivered", default=None)


def current() -> Delivered | None:
    """Return the envelope that the current context works on; None outside of a delivery."""
    return CURRENT.get()
