"""The latest of what was seen, within a number of bytes, for readers that each know their place."""

from __future__ import annotations

from collections import deque
from itertools import islice
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Ring(Generic[T]):
    """Keeps the latest things within a size and a count; the oldest are given up first.

    Args:
        max_bytes: The most that they may need together. One that needs more is never kept.
        max_count: The most of them.
    """

    def __init__(self, max_bytes: int, max_count: int) -> None:
        self._max_bytes = max_bytes
        self._max_count = max_count
        self._kept: deque[tuple[T, int]] = deque()
        self._lock = Lock()
        self._bytes = 0
        self._ever = 0

    def add(self, it: T, size: int) -> None:
        """Keep a thing that needs *size* bytes."""
        kept = self._kept
        with self._lock:
            kept.append((it, size))
            self._ever += 1
            self._bytes += size
            while self._bytes > self._max_bytes or len(kept) > self._max_count:
                self._bytes -= kept.popleft()[1]

    @property
    def bytes(self) -> int:
        """What is kept needs as many bytes."""
        return self._bytes

    @property
    def position(self) -> int:
        """How many things were ever added."""
        return self._ever

    def after(self, position: int, most: int | None = None) -> tuple[list[T], int, int]:
        """Return what was added since a position, the position to ask from next, and the lost.

        A position that is not of this ring, as it is beyond its end, counts as 0.

        Args:
            position: Where to begin.
            most: Return no more than this, and the rest next time.
        """
        with self._lock:
            ever, first = self._ever, self._ever - len(self._kept)
            position = position if 0 <= position <= ever else 0
            begin = max(position - first, 0)
            wanted = islice(self._kept, begin, None if most is None else begin + most)
            found = [it for it, _ in wanted]
        return found, first + begin + len(found), max(first - position, 0)
