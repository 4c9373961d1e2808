"""Counts and durations of signals, receivers and requests: exact, cheap and bounded."""

from __future__ import annotations

from heliograph.metrics.families import Description, Family
from heliograph.metrics.histogram import Histogram
from heliograph.metrics.metrics import Metrics
from heliograph.metrics.snapshot import (
    Health,
    ReceiverFigures,
    SignalFigures,
    Slowest,
    Snapshot,
)

__all__ = [
    "Description",
    "Family",
    "Health",
    "Histogram",
    "Metrics",
    "ReceiverFigures",
    "SignalFigures",
    "Slowest",
    "Snapshot",
]
