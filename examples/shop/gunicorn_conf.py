"""What gunicorn needs for metrics of several workers: an empty folder, and no dead gauges."""

from __future__ import annotations

from heliograph.metrics.prometheus import child_exit, on_starting

__all__ = ["child_exit", "on_starting"]
