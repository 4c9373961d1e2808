"""Single values that a histogram could be of: for libraries that take one value at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heliograph.metrics.histogram import Histogram


def increase(before: Histogram | None, after: Histogram) -> Histogram:
    """Return what was added between two histograms of the same values."""
    if before is None:
        return after
    counts = tuple(late - early for early, late in zip(before.counts, after.counts, strict=True))
    return type(after)(after.bounds, counts, after.sum - before.sum)


def values_of(histogram: Histogram) -> Iterator[tuple[float, int]]:
    """Yield values and how often each occurs: in the right buckets, and with the right sum.

    Each bucket's values are taken to be one value, as far between its bounds as in all other
    buckets. So far that the sum is right: it lies between the sums of all lower and of all upper
    bounds, as each value lies between its own.
    """
    bounds = (0.0, *histogram.bounds)
    # What is above the last bound may be anywhere.
    rest = histogram.sum - bounds[-1] * histogram.counts[-1]
    highest = max(bounds[-1] * 2, rest, 1.0)
    buckets = [
        (low, high, count)
        for low, high, count in zip(bounds, (*bounds[1:], highest), histogram.counts, strict=True)
        if count
    ]
    low_sum = sum(low * count for low, _, count in buckets)
    width = sum((high - low) * count for low, high, count in buckets)
    part = min(1.0, max(0.0, (histogram.sum - low_sum) / width)) if width else 0.0
    for low, high, count in buckets:
        yield low + (high - low) * part, count
