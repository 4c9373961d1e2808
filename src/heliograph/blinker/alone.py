"""Lets a program's other threads wait for a moment, at a place where none is half-way through."""

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
"""Seconds that nobody else runs, at least, once it is this thread's turn."""

_PAUSE = 0.02
"""Seconds after which whoever waits for the interpreter waits with the new interval."""

_TRIES = 20
"""How often to wait for others who are half-way through, some of whom may wait for this thread."""


@contextmanager
def alone(half_way: Callable[[FrameType], bool]) -> Iterator[None]:
    """Run a block during which no other thread does, as long as it takes no longer than a moment.

    It must not wait for anything. An interpreter without a GIL has nothing like it: there,
    other threads go on.

    Args:
        half_way: Tells of a frame whether others should get on first, if it is one of theirs.
    """
    if len(sys._current_frames()) == 1:
        yield
        return
    interval, collects = sys.getswitchinterval(), gc.isenabled()
    # Finalizers may wait for others.
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
        # Whoever waits for the interpreter asks for it when an interval is over, which is that
        # of when it began to wait: so let them all begin again, with a long one.
        sys.setswitchinterval(_TURN)
        sleep(min(2 * interval, _PAUSE))
        frames = sys._current_frames()
        frames.pop(get_ident(), None)  # What replaces threads may have another name for it.
        if not any(half_way(frame) for top in frames.values() for frame in _below(top)):
            return
        sys.setswitchinterval(interval)
        sleep(min(interval, _PAUSE))


def _below(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
