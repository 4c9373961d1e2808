"""Writes how long receivers took as the value of a Server-Timing header, in bounds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LIMIT = 2000
"""Bytes of all Server-Timing headers of a response: nginx refuses 4 kB of headers as they come."""

_LONGEST = 120
# What a header can carry everywhere: servers and browsers disagree on all else.
_FOREIGN = re.compile(r"[^ -~]")


@dataclass(frozen=True, slots=True)
class Timing:
    """What one receiver of one signal took, in all of its calls.

    Attributes:
        name: The signal and the receiver.
        seconds: The sum of all calls.
        calls: How many there were.
    """

    name: str
    seconds: float
    calls: int


def header_value(timings: Iterable[Timing], limit: int = LIMIT) -> str:
    """Return the value of the header: the slowest first, and how many are left out.

    The names of the metrics are numbers with a letter, as browsers cut names at the first
    character that is no token; the true name is the description.

    Args:
        timings: One for each receiver.
        limit: Bytes that the value may have.

    Example:
        >>> header_value([Timing("order-placed/send_receipt", 0.0031, 1)])
        'h1;dur=3.1;desc="order-placed/send_receipt"'
    """
    slowest = sorted(timings, key=lambda it: -it.seconds)
    kept: list[str] = []
    # Of all lengths that fit, the longest: the note on the others is part of each.
    best = _joined(kept, len(slowest))
    for number, timing in enumerate(slowest, 1):
        kept.append(_entry(number, timing))
        value = _joined(kept, len(slowest) - number)
        if len(value) <= limit:
            best = value
        elif len(", ".join(kept)) > limit:
            break
    return best if len(best) <= limit else ""


def _joined(entries: Sequence[str], others: int) -> str:
    if not others:
        return ", ".join(entries)
    noun = "other" if others == 1 else "others"
    return ", ".join((*entries, f'more;desc="{others} {noun}"'))


def _entry(number: int, timing: Timing) -> str:
    calls = f" x {timing.calls}" if timing.calls > 1 else ""
    shown = quoted(_shortened(timing.name) + calls)
    return f"h{number};dur={round(timing.seconds * 1000, 3):g};desc={shown}"


def _shortened(name: str) -> str:
    half = _LONGEST // 2
    return name if len(name) <= _LONGEST else f"{name[:half]}...{name[-half:]}"


def quoted(text: str) -> str:
    """Return text as a quoted string of a header (RFC 9110), with "?" for what that cannot hold."""
    escaped = _FOREIGN.sub("?", text).replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'


def room_beside(existing: Iterable[tuple[str, str]], limit: int) -> int:
    """Return how many bytes are left beside a response's own headers.

    Args:
        existing: The names and values of the headers that the application announced.
        limit: Bytes that all Server-Timing headers may have together.

    Returns:
        0 if other origins may read timings: they were told of the application's, not of these.
    """
    taken = 0
    for name, value in existing:
        if name.lower() == "timing-allow-origin":
            return 0
        if name.lower() == "server-timing":
            taken += len(value) + len(", ")
    return max(0, limit - taken)
