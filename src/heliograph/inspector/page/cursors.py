"""Writes and reads how far a browser has come in what each process has seen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST = 64
"""Processes that a cursor names: those that ended long ago fall out of it."""

_PLACE = re.compile(r"([0-9]{1,12}-[0-9a-f]{1,20}):([0-9]{1,18})")


def written(places: Mapping[str, int]) -> str:
    """Return the cursor for a position in each process.

    Example:
        >>> written({"4711-1a2b": 17, "4712-1a2c": 3})
        '4711-1a2b:17,4712-1a2c:3'
    """
    latest = list(places.items())[-MOST:]
    return ",".join(f"{process}:{position}" for process, position in latest)


def read(cursor: str) -> dict[str, int]:
    """Return the positions of a cursor; one that nobody has written is at the beginning."""
    places = [_PLACE.fullmatch(it) for it in cursor.split(",")[:MOST]]
    if not all(places):
        return {}
    return {it[1]: int(it[2]) for it in places if it}
