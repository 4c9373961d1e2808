"""Adds up what receivers take, for the request that the current context works on."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from heliograph import add_instrument, remove_instrument
from heliograph.describe import label_of, name_of
from heliograph.inspector.page.server_timing import LIMIT, Timing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heliograph import Emission, Signal

_CURRENT: ContextVar[Timings | None] = ContextVar("heliograph_timings", default=None)


class Timings:
    """What receivers have taken so far. It keeps names and sums alone."""

    __slots__ = ("_calls", "_labels", "_seconds", "owner")

    def __init__(self, owner: Stopwatch) -> None:
        self.owner: Stopwatch = owner
        self._seconds: dict[str, float] = {}
        self._calls: dict[str, int] = {}
        self._labels: dict[Signal, str] = {}

    def add(self, emission: Emission) -> None:
        """Add an emission that has ended."""
        signal = emission.signal
        if signal not in self._labels:
            # Looking for the variable of a signal without a name takes milliseconds.
            self._labels[signal] = label_of(signal)
        for it in emission.deliveries:
            name = f"{self._labels[signal]}/{name_of(it.receiver)}"
            self._seconds[name] = self._seconds.get(name, 0.0) + it.duration
            self._calls[name] = self._calls.get(name, 0) + 1

    def so_far(self) -> list[Timing]:
        """Return one value for each receiver of each signal."""
        # A copy, as a thread that the request has started may still send.
        seconds = self._seconds.copy()
        return [Timing(name, took, self._calls[name]) for name, took in seconds.items()]


class Stopwatch:
    """The instrument that times receivers, for as long as somebody asks.

    Args:
        limit: Bytes that all Server-Timing headers of a response may have together.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self._added = False

    @contextmanager
    def timed(self) -> Iterator[Timings]:
        """Add up what is sent in this context, and in those that are started from it."""
        if not self._added:
            # Only now, as a program that is never asked shall not pay.
            self._added = True
            add_instrument(self)
        timings = Timings(self)
        token = _CURRENT.set(timings)
        try:
            yield timings
        finally:
            _CURRENT.reset(token)

    def stop(self) -> None:
        """See no more sends, until somebody asks again."""
        self._added = False
        remove_instrument(self)

    def __call__(self, emission: Emission) -> None:
        """Add an emission to the timings of its context."""
        timings = _CURRENT.get()
        # Where two applications are nested, the inner one tells.
        if timings is not None and timings.owner is self:
            timings.add(emission)
