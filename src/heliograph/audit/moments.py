"""Moments as people write them: a date, a time, or how long ago."""

from __future__ import annotations

import datetime as dt
import re
import time

from heliograph import ArgumentError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def moment_of(text: str) -> int:
    """Return a moment in microseconds since the epoch.

    Args:
        text: Such as ``"2026-01-31"``, ``"2026-01-31T12:00+01:00"``, or ``"7d"`` for how long
            ago. Without a zone, it is that of this machine.

    Raises:
        ArgumentError: If the text is none.
    """
    ago = re.fullmatch(r"(\d{1,9})([smhdw])", text)
    if ago:
        return time.time_ns() // 1000 - int(ago[1]) * _SECONDS[ago[2]] * 1_000_000
    try:
        found = dt.datetime.fromisoformat(text).astimezone(dt.UTC)
    except (OverflowError, ValueError):
        msg = f"{text!r} is no time: write 2026-01-31, 2026-01-31T12:00, or 2h or 7d for an age."
        raise ArgumentError(msg) from None
    return int(found.timestamp() * 1_000_000)
