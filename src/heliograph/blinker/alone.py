"""Makes all other threads wait for a moment, while none is half-way through a change."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from threading import get_ident
from time import sleep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_TURN = 0.25
"""Seconds for which this thread runs alone, at least, once it is its turn."""

_PAUSE = 0.02
"""Seconds after which waiting threads use the new interval."""

_TRIES = 20
"""How often to wait for threads that are half-way through: some may wait for this thread."""


@contextmanager
def alone(half_way: Callable[[FrameType], bool]) -> Iterator[None]:
    """Run a short block during which no other thread runs.

    The block must not wait for anything. In an interpreter without a GIL, other threads go on
    all the same.

    Args:
        half_way: Tells whether a thread with this frame has to get on first.
    """
    if len(sys._current_frames()) == 1:
        yield
        return
    interval, collects = sys.getswitchinterval(), gc.isenabled()
    # Finalizers may wait for other threads.
    gc.disable()
    try:
        _wait_for_a_turn(interval, half_way)
        yield
    finally:
        sys.setswitchinterval(interval)
        if collects:
            gc.enable()


def _wait_for_a_turn(interval: float, half_way: Callable[[FrameType], bool]) -> None:
    for _ in range(_TRIES):
        # A waiting thread asks for the interpreter after the interval that was set when it began
        # to wait: so make all of them begin again, with a long interval.
        sys.setswitchinterval(_TURN)
        sleep(min(2 * interval, _PAUSE))
        frames = sys._current_frames()
        frames.pop(get_ident(), None)  # A library that replaces threads may use other ids.
        if not any(half_way(frame) for top in frames.values() for frame in _below(top)):
            return
        sys.setswitchinterval(interval)
        sleep(min(interval, _PAUSE))


def _below(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
