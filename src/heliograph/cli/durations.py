"""Durations as they are written on the command line: 5ms, 0.2s."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    _FloatType = click.ParamType["float"]
else:
    _FloatType = click.ParamType  # Older ones are not generic.

_DURATION = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(us|µs|ms|s)?")
_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}


class DurationType(_FloatType):
    """Reads a duration, in seconds if it has no unit; gives seconds."""

    name = "duration"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return seconds; raise `click.BadParameter` if it is no duration."""
        found = _DURATION.fullmatch(value.strip())
        if found is None:
            self.fail(f"{value!r} is no duration: write 5ms, 1.5s or 200us.", param, ctx)
        return float(found[1]) * _UNITS[found[2] or "s"]
