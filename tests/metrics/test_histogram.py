"""Histograms: buckets, quantiles and sums."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.metrics import Histogram
from heliograph.metrics.histogram import SECONDS, Filling

durations = st.lists(st.floats(0.0, 1e3), min_size=1, max_size=50)


def test_a_value_that_equals_a_bound_is_below_it() -> None:
    """As Prometheus counts: `le` is less than or equal."""
    seen = Histogram.of([0.1, 0.2, 0.3], bounds=(0.1, 0.2))

    assert (seen.counts, seen.count) == ((1, 1, 1), 3)
    assert seen.cumulative() == [(0.1, 1), (0.2, 2), (inf, 3)]


@given(st.lists(durations, max_size=4))
def test_values_are_counted_as_one_by_one(batches: list[list[float]]) -> None:
    """Many values at once are counted as each alone would be."""
    filling = Filling(SECONDS)
    counts = [0] * (len(SECONDS) + 1)
    for batch in batches:
        for value in batch:
            counts[bisect_left(SECONDS, value)] += 1
        filling.add(list(batch))

    seen = filling.histogram()
    assert seen.counts == tuple(counts)
    assert seen.sum == pytest.approx(sum(map(sum, batches)))


@given(st.lists(st.floats(1e-7, 70.0), min_size=1), st.floats(0.0, 1.0))
def test_a_quantile_is_in_the_bucket_of_the_value(values: list[float], q: float) -> None:
    """It is wrong by less than the bucket is wide."""
    values.sort()
    exact = values[max(0, -int(-q * len(values) // 1) - 1)]
    bucket = bisect_left(SECONDS, exact)

    found = Histogram.of(values).quantile(q)

    low = SECONDS[bucket - 1] if bucket else 0.0
    assert low * 0.999 <= found <= SECONDS[bucket] * 1.001


def test_quantiles_of_nothing_and_of_too_much() -> None:
    """Without values it is 0.0; above the last bound it is that bound."""
    assert Histogram.of([], bounds=(1.0,)).quantile(0.5) == 0.0
    assert Histogram.of([], bounds=(1.0,)).mean == 0.0
    assert Histogram.of([5.0, 7.0], bounds=(1.0,)).quantile(0.5) == 1.0
    assert Histogram.of([5.0, 7.0], bounds=(1.0,)).mean == 6.0


def test_wider_buckets_are_exact() -> None:
    """1, 2 and 5 of each power of ten are bounds of durations, which are at most twice apart."""
    wide = [0.001, 0.002, 0.005, 0.01]
    seen = Histogram.of([0.0005, 0.0015, 0.002, 0.007, 2.0])

    assert seen.cumulative(wide) == [(0.001, 1), (0.002, 3), (0.005, 3), (0.01, 4), (inf, 5)]
    assert max(high / low for low, high in pairwise(SECONDS)) <= 2.0
