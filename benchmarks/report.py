"""Turns what was measured into tables for readers and plain values for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.engines import ENGINES, Blinker, PlainLoop
from benchmarks.harness import Row, Timings
from benchmarks.memory import STAGES, Stages
from benchmarks.tables import factor, number, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.imports import Import

Measured = tuple[Row, Timings]

NAMES = tuple(engine.name for engine in ENGINES)
OURS = tuple(engine.name for engine in ENGINES if engine.ours)


def timings_table(title: str, measured: Sequence[Measured]) -> str:
    """One line per row: the minimum on every engine, then what it means for ours."""
    head = [
        "ns, minimum",
        *NAMES,
        *(f"× faster than\n{Blinker.name}:\n{ours}" for ours in OURS),
        *(f"× time of\n{PlainLoop.name}:\n{name}" for name in (*OURS, Blinker.name)),
    ]
    lines = [[row.name, *_cells(timings)] for row, timings in measured]
    return table(title, head, lines)


def _cells(timings: Timings) -> list[str]:
    return [
        *(number(timings[name].minimum if name in timings else None) for name in NAMES),
        *(factor(ratio(timings, Blinker.name, ours)) for ours in OURS),
        *(factor(ratio(timings, name, PlainLoop.name)) for name in (*OURS, Blinker.name)),
    ]


def ratio(timings: Timings, dividend: str, divisor: str) -> float | None:
    """Return how many times as long one engine took as the other, if both did it."""
    if dividend not in timings or divisor not in timings:
        return None
    return timings[dividend].over(timings[divisor])


def growth_table(title: str, measured: Iterable[Measured]) -> str:
    """One line per operation and engine, one column per size, the last divided by the first."""
    by_name: dict[str, dict[int, Timings]] = {}
    for row, timings in measured:
        by_name.setdefault(row.name, {})[row.size] = timings
    sizes = sorted({size for by_size in by_name.values() for size in by_size})
    head = ["ns, minimum", "engine", *map(number, sizes), "growth"]
    lines = [
        [name if first else "", engine, *_growth_cells(by_size, engine)]
        for name, by_size in by_name.items()
        for first, engine in _marked(_present(by_size))
    ]
    return table(title, head, lines, words=2)


def _present(by_size: Mapping[int, Timings]) -> list[str]:
    return [name for name in NAMES if all(name in timings for timings in by_size.values())]


def _marked(names: Iterable[str]) -> Iterable[tuple[bool, str]]:
    return ((place == 0, name) for place, name in enumerate(names))


def _growth_cells(by_size: Mapping[int, Timings], engine: str) -> list[str]:
    minima = [by_size[size][engine].minimum for size in sorted(by_size)]
    return [*map(number, minima), factor(minima[-1] / minima[0])]


def memory_table(weights: Mapping[str, Mapping[str, Stages]], connections: int) -> str:
    """One line per gauge and engine, one column per stage."""
    head = ["bytes per connection", "engine", *STAGES]
    lines = [
        [gauge, engine, *(number(stages[stage]) for stage in STAGES)]
        for gauge, by_engine in weights.items()
        for engine, stages in by_engine.items()
    ]
    return table(f"Memory: 1 receiver, {connections:,} senders", head, lines, words=2)


def imports_table(measured: Sequence[Import]) -> str:
    """One line per module."""
    head = ["import", "modules loaded", "ms, median", "ms, minimum"]
    lines = [
        [each.module, str(len(each.loaded)), f"{each.median_ms:.1f}", f"{each.minimum_ms:.1f}"]
        for each in measured
    ]
    return table("Import, in a fresh interpreter", head, lines)


def plain(measured: Iterable[Measured]) -> list[dict[str, object]]:
    """Return the timings as values that JSON can hold."""
    return [
        {"row": row.name, "size": row.size, "engines": _plain_engines(timings)}
        for row, timings in measured
    ]


def _plain_engines(timings: Timings) -> dict[str, dict[str, float | None]]:
    return {
        name: {
            "minimum_ns": timing.minimum,
            "median_ns": timing.median,
            "of_blinker": ratio(timings, name, Blinker.name),
            "of_plain_loop": ratio(timings, name, PlainLoop.name),
        }
        for name, timing in timings.items()
    }
