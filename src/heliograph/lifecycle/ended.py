"""Ended: which runs have ended, known to a process and to all that it forks."""

from __future__ import annotations

from itertools import count
from mmap import mmap

_PLACES = 65_536


class Ended:
    """Which runs have ended, in memory that is shared with the processes that are forked later.

    Parent and child both learn of ends; the one that claims an end first tells of it.
    """

    def __init__(self) -> None:
        self._starts = memoryview(mmap(-1, _PLACES * 8)).cast("Q")
        self._ends = memoryview(mmap(-1, _PLACES * 8)).cast("Q")
        self._numbers = count(1)

    def number(self) -> int:
        """Return the number of a new run; only the parent gives them out."""
        return next(self._numbers)

    def begin(self, number: int) -> bool:
        """Return whether nobody has begun this run before."""
        return _write(self._starts, number)

    def claim(self, number: int) -> bool:
        """Return whether nobody has claimed the end of this run."""
        return _write(self._ends, number)


def _write(places: memoryview, number: int) -> bool:
    place = number % _PLACES
    # A place is taken over by a later run's number: that never hides an end.
    first: bool = places[place] != number
    places[place] = number
    return first
