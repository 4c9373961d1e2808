"""Lays overlapping work out in lanes, so that what shares a lane is inside of or after the other.

Viewers draw a lane as nested bars. Receivers that run one after the other nest by themselves; tasks
and threads that they start overlap, and outlive them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(slots=True)
class Bar:
    """A piece of work, with the work that was started inside of it.

    Attributes:
        name: What it is called.
        kind: What sort of work it is.
        start: Nanoseconds since any moment that all bars share.
        end: Nanoseconds since the same moment.
        details: What else is told of it; as JSON.
        inside: The bars of what was started inside of it, whether or not they end in time.
    """

    name: str
    kind: str
    start: int
    end: int
    details: dict[str, Any] = field(default_factory=dict)
    inside: list[Bar] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Placed:
    """A bar at its place.

    Attributes:
        bar: The bar.
        lane: The number of its lane.
        moved: Where it was started, if that is in another lane.
    """

    bar: Bar
    lane: int
    moved: Placed | None = None


def lay_out(bars: Iterable[Bar]) -> list[Placed]:
    """Give each bar, and all inside of it, a lane; the first one if nothing else is there then.

    In one lane, two bars lie apart, or one of them inside of the other.
    """
    ends: list[int] = []
    placed: list[Placed] = []
    # Those that wait, by their start. The number keeps their order, as bars cannot be compared.
    waiting: list[tuple[int, int, Bar, Placed | None]] = []
    count = 0
    for bar in bars:
        heappush(waiting, (bar.start, count, bar, None))
        count += 1
    while waiting:
        _, _, bar, origin = heappop(waiting)
        lane = next((at for at, end in enumerate(ends) if end <= bar.start), len(ends))
        ends[lane : lane + 1] = [bar.end]
        for it, started_in in _nested(Placed(bar, lane, origin), placed):
            heappush(waiting, (it.start, count, it, started_in))
            count += 1
    return placed


def _nested(outer: Placed, placed: list[Placed]) -> Iterator[tuple[Bar, Placed]]:
    """Place a bar with what fits inside of it; yield what does not, and where it was started."""
    placed.append(outer)
    free = outer.bar.start
    for it in sorted(outer.bar.inside, key=lambda it: it.start):
        if free <= it.start and it.end <= outer.bar.end:
            free = it.end
            yield from _nested(Placed(it, outer.lane), placed)
        else:
            yield it, outer
