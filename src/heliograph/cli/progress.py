"""Shows on a terminal how far a long run has got; anywhere else, nothing."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Protocol, Self

from heliograph.describe import describe_duration

if TYPE_CHECKING:
    from collections.abc import Callable

_PATIENCE = 0.7
"""Seconds before anything is shown: what is over by then needs no progress."""
_EVERY = 0.2
_CLEAR = "\r\x1b[K"


class Counts(Protocol):
    """Who knows how many steps are done."""

    done: int
    title: str


def how_far(counts: Counts, steps: int | None) -> str:
    """Return which step is under way, and of how many, if that is known."""
    if steps is None:
        return f"{counts.title} ({counts.done + 1:,})"
    return f"{counts.title} ({min(counts.done + 1, steps):,} of {steps:,})"


class Progress:
    """A line that is written again and again, and is gone in the end.

    Attributes:
        text: Returns what to show.
    """

    def __init__(self) -> None:
        self.text: Callable[[], str] = str
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._shown = False
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *leaving: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        self.clear()

    def clear(self) -> None:
        """Take the line away, before something else is written."""
        with self._lock:
            if self._shown:
                sys.stderr.write(_CLEAR)
                sys.stderr.flush()
                self._shown = False

    def _run(self) -> None:
        started, wait = time.monotonic(), _PATIENCE
        while not self._over.wait(wait):
            wait = _EVERY
            line = f"{self.text()}, {describe_duration(time.monotonic() - started)}"
            with self._lock:
                # Short, as what goes on in the next line cannot be taken away.
                sys.stderr.write(f"{_CLEAR}{line[:70]}")
                sys.stderr.flush()
                self._shown = True
