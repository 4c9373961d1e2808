"""A stack that ends soon, so that what happens at its end is not far away."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


@contextmanager
def no_collector() -> Iterator[None]:
    """Let the collector run nothing in the block that others have left to it."""
    if not gc.isenabled():  # It is a block inside of another one.
        yield
        return
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def room_for(frames: int) -> Iterator[None]:
    """Let so many calls be under way inside of each other in the block, and no more."""
    frame: FrameType | None = sys._getframe()
    depth = 0
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    before = sys.getrecursionlimit()
    # For what the collector runs there would be no room.
    with no_collector():
        sys.setrecursionlimit(depth + frames)
        try:
            yield
        finally:
            sys.setrecursionlimit(before)
