"""What watching may cost at most, and whether it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.engines import Blinker
from benchmarks.tables import Table, factor, number
from benchmarks.watched import SIZES, UNWATCHED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.harness import Row, Timings

    Cost = Callable[[Timings], float]


@dataclass(frozen=True)
class Goal:
    """What one row is to cost at most, when it is watched in one way.

    `cost` takes the figure from the row's timings, and `shown` writes it.
    """

    row: str
    way: str
    most: float
    cost: Cost
    shown: Callable[[float], str]


def _times_blinker(way: str) -> Cost:
    return lambda timings: timings[way].over(timings[Blinker.name])


def _beyond_unwatched(way: str) -> Cost:
    return lambda timings: timings[way].beyond(timings[UNWATCHED])


def _each_more(timings: Timings) -> float:
    one, three = (_times_blinker(way)(timings) for way in ("counts", "three count"))
    return (three - one) / 2


def _nanoseconds(value: float) -> str:
    return f"{number(value)} ns"


def _of_sizes(way: str, most: dict[int, float]) -> Iterator[Goal]:
    for size, limit in most.items():
        yield Goal(SIZES[size], way, limit, _times_blinker(way), factor)


def _beyond(way: str, most: dict[int, float]) -> Iterator[Goal]:
    cost = _beyond_unwatched(way)
    for size, limit in most.items():
        yield Goal(SIZES[size], f"{way}, beyond unwatched", limit, cost, _nanoseconds)


IN_C = (
    *_of_sizes("counts", {0: 1.5, 1: 0.5, 10: 0.3, 100: 0.3}),
    *_of_sizes("reads deliveries", {0: 1.8, 1: 0.8, 10: 0.6, 100: 0.6}),
    *(Goal(name, "each of two more", 0.1, _each_more, factor) for name in SIZES.values()),
    # Asked once for each send: where that takes microseconds, ten nanoseconds are noise.
    *_beyond("another signal", {0: 10, 1: 10, 3: 10}),
    *_beyond("measures receivers", {size: 400 + 250 * size for size in SIZES}),
)
IN_PYTHON = tuple(_of_sizes("counts", {0: 7, 1: 1.5, 10: 0.8}))


def goals_table(
    title: str, measured: Sequence[tuple[Row, Timings]], goals: Sequence[Goal]
) -> Table:
    """One line per goal whose row was measured: what it costs, at most, and whether it holds."""
    by_name = {row.name: timings for row, timings in measured}
    lines = [_line(goal, by_name[goal.row]) for goal in goals if goal.row in by_name]
    return Table(title, ["row", "watched by what", "costs", "at most", "holds"], lines, words=2)


def _line(goal: Goal, timings: Timings) -> list[str]:
    cost = goal.cost(timings)
    holds = "yes" if cost <= goal.most else "no"
    return [goal.row, goal.way, goal.shown(cost), goal.shown(goal.most), holds]
