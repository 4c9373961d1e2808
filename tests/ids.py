"""Ids of parameters that are the same in every process, by which a run is divided among several."""

from __future__ import annotations

import re


def without_address(parameter: object) -> str:
    """Say what a parameter is, without numbers that say where something is in memory."""
    return re.sub(r" at 0x[0-9a-fA-F]+|\d{12,}", "", repr(parameter))
