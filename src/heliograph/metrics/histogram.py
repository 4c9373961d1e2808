"""Histogram: how many values there were of which size, without the values."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SECONDS: tuple[float, ...] = tuple(
    float(f"{digits}e{power}") for power in range(-7, 2) for digits in (1, 1.5, 2, 3, 5, 7)
)
"""Bounds from 100 nanoseconds to 70 seconds: each is at most twice the one before, so that a
quantile is wrong by less than that. Every 1, 2 and 5 is among them, so that wider buckets can be
summed up without an error."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many values there were of which size.

    Attributes:
        bounds: The upper bounds of the buckets; a value that equals a bound is below it.
        counts: How many values are in each bucket; the last one is for all above the last bound.
        sum: The sum of all values.

    Example:
        >>> seen = Histogram.of([0.1, 0.2, 0.4, 3.0], bounds=(0.25, 0.5, 1.0))
        >>> seen.counts, seen.count
        ((2, 1, 0, 1), 4)
        >>> seen.quantile(0.5)
        0.25
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum: float

    @classmethod
    def of(cls, values: Iterable[float], bounds: tuple[float, ...] = SECONDS) -> Histogram:
        """Return the histogram of some values."""
        filling = Filling(bounds)
        filling.add(list(values))
        return filling.histogram()

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self.counts)

    @property
    def mean(self) -> float:
        """The mean of the values; 0.0 if there were none."""
        return self.sum / self.count if self.count else 0.0

    def quantile(self, q: float) -> float:
        """Return the value below which the part *q* of all values is, as buckets let one tell.

        Inside a bucket the values are taken to be spread evenly, as Prometheus does. For a value
        above the last bound it is that bound, and 0.0 if there were no values.

        Args:
            q: From 0.0 to 1.0: 0.5 is the median.
        """
        wanted, below = q * self.count, 0
        for position, count in enumerate(self.counts[:-1]):
            if count and below + count >= wanted:
                low = self.bounds[position - 1] if position else 0.0
                return low + (self.bounds[position] - low) * (wanted - below) / count
            below += count
        return self.bounds[-1] if self.count else 0.0

    def cumulative(self, bounds: Sequence[float] | None = None) -> list[tuple[float, int]]:
        """Return pairs of an upper bound and how many values are not above it; infinity is last.

        Args:
            bounds: Fewer bounds than those of the histogram, in order; by default all of them.
        """
        wanted = set(self.bounds if bounds is None else bounds) | {inf}
        pairs, below = [], 0
        for bound, count in zip((*self.bounds, inf), self.counts, strict=True):
            below += count
            if bound in wanted:
                pairs.append((bound, below))
        return pairs

    def widened(self, bounds: tuple[float, ...]) -> Histogram:
        """Return the same values in wider buckets.

        Args:
            bounds: Some of the bounds of the histogram, in order.
        """
        below = [0, *(count for _, count in self.cumulative(bounds))]
        counts = tuple(high - low for low, high in pairwise(below))
        return Histogram(bounds, counts, self.sum)


class Filling:
    """A histogram while values are added to it. Whoever adds holds a lock."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds: tuple[float, ...] = bounds
        self.counts: list[int] = [0] * (len(bounds) + 1)
        self.sum: float = 0.0

    def add(self, values: list[float]) -> None:
        """Add many values at once, which takes less than half the time; sorts the list."""
        values.sort()
        self.sum += sum(values)
        bounds, many, done = self.bounds, len(values), 0
        while done < many:
            bucket = bisect_left(bounds, values[done])
            end = bisect_right(values, bounds[bucket], done) if bucket < len(bounds) else many
            self.counts[bucket] += end - done
            done = end

    def histogram(self) -> Histogram:
        """Return what was added so far."""
        return Histogram(self.bounds, tuple(self.counts), self.sum)
