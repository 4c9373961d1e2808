"""What wings stand on that deliver later or elsewhere: deliveries that wait, and their times."""

from __future__ import annotations

from heliograph.core.sending.arrivals import Arrival, current_arrival
from heliograph.core.sending.postponed import Postponed
from heliograph.core.timings import load_timing

__all__ = ["Arrival", "Postponed", "current_arrival", "load_timing"]
