"""What metrics have counted, as tests compare it: numbers by name and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heliograph.metrics import Histogram

if TYPE_CHECKING:
    from heliograph.metrics import Metrics


def series_of(metrics: Metrics, name: str) -> dict[tuple[str, ...], float | tuple[int, float]]:
    """Give the values of a metric by labels: numbers, and count and sum of histograms."""
    [family] = [it for it in metrics.families() if it.about.name == name]
    return {
        labels: (it.count, it.sum) if isinstance(it, Histogram) else it
        for labels, it in family.series.items()
    }
