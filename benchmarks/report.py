"""Turns what was measured into tables for readers and plain values for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.engines import Blinker
from benchmarks.loops import CLoop, PlainLoop
from benchmarks.memory import STAGES
from benchmarks.requests import NOTHING
from benchmarks.roster import ENGINES
from benchmarks.served_apps import OURS as INSTALLED
from benchmarks.served_apps import PLAIN, THEIRS
from benchmarks.tables import DASH, Table, factor, hundredths, number, tenths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from benchmarks.attached import Share
    from benchmarks.harness import Row, Timing, Timings
    from benchmarks.imports import Import
    from benchmarks.lifecycle import Lived
    from benchmarks.memory import Stages
    from benchmarks.requests import Served
    from benchmarks.suites import Suite

Measured = tuple["Row", "Timings"]

NAMES = tuple(engine.name for engine in ENGINES)
OURS = tuple(engine.name for engine in ENGINES if engine.ours)


# Every time as a part of the loops' times, and Blinker's time as a multiple of ours.
RATIOS = (
    *((ours, loop) for loop in (PlainLoop.name, CLoop.name) for ours in OURS),
    *((Blinker.name, ours) for ours in OURS),
)


def ratios_table(title: str, measured: Sequence[Measured]) -> Table:
    """One line per row: what ours take beside both loops, and Blinker beside ours."""
    pairs = [pair for pair in RATIOS if any(set(pair) <= timings.keys() for _, timings in measured)]
    head = ["median ratio", *(f"{dividend}\n÷ {divisor}" for dividend, divisor in pairs)]
    lines = [
        [row.name, *(factor(ratio(timings, *pair)) for pair in pairs)] for row, timings in measured
    ]
    return Table(title, head, lines)


def ratio(timings: Timings, dividend: str, divisor: str) -> float | None:
    """Return how many times as long one engine took as the other, if both did it."""
    if dividend not in timings or divisor not in timings:
        return None
    return timings[dividend].over(timings[divisor])


def watched_table(title: str, measured: Sequence[Measured]) -> Table:
    """One line per row: how many times as long as the first way each other way takes."""
    names = list(dict.fromkeys(name for _, timings in measured for name in timings))
    beside, *others = names
    head = ["× blinker", f"{beside},\nns", *(name.replace(", ", ",\n") for name in others)]
    lines = [
        [
            row.name,
            number(timings[beside].minimum),
            *(factor(ratio(timings, name, beside)) for name in others),
        ]
        for row, timings in measured
    ]
    return Table(title, head, lines)


def minima_table(title: str, measured: Sequence[Measured]) -> Table:
    """One line per row: the least disturbed round on every engine."""
    return _times(title, "ns, minimum", measured, lambda timing: timing.minimum)


def medians_table(title: str, measured: Sequence[Measured]) -> Table:
    """One line per row: the ordinary round on every engine."""
    return _times(title, "ns, median", measured, lambda timing: timing.median)


def _times(
    title: str, unit: str, measured: Sequence[Measured], figure: Callable[[Timing], float]
) -> Table:
    names = [name for name in NAMES if any(name in timings for _, timings in measured)]
    lines = [
        [row.name, *(number(figure(timings[name]) if name in timings else None) for name in names)]
        for row, timings in measured
    ]
    return Table(title, [unit, *map(_heading, names)], lines)


def _heading(name: str) -> str:
    # Ten engines have to fit beside each other.
    return name.replace(".", ".\n").replace(" ", "\n")


def faster_table(title: str, measured: Sequence[Measured]) -> Table:
    """One line per row and library that takes less time than Heliograph."""
    lines = [
        [row.name, name, number(timings[name].minimum), number(ours.minimum), factor(beside)]
        for row, timings in measured
        for ours in [timings[OURS[0]]]
        for name in timings
        if name not in {*OURS, PlainLoop.name, CLoop.name}
        if (beside := timings[name].over(ours)) < 1
    ]
    head = ["row", "faster", "ns, minimum", OURS[0], "median ratio"]
    return Table(title, head, lines, words=2)


def growth_table(title: str, measured: Iterable[Measured]) -> Table:
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
    return Table(title, head, lines, words=2)


def _present(by_size: Mapping[int, Timings]) -> list[str]:
    return [name for name in NAMES if any(name in timings for timings in by_size.values())]


def _marked(names: Iterable[str]) -> Iterable[tuple[bool, str]]:
    return ((place == 0, name) for place, name in enumerate(names))


def _growth_cells(by_size: Mapping[int, Timings], engine: str) -> list[str]:
    timings = [by_size[size].get(engine) for size in sorted(by_size)]
    minima = [timing.minimum for timing in timings if timing is not None]
    cells = [number(None if timing is None else timing.minimum) for timing in timings]
    # An engine that cannot be had in a crowd has nothing that was divided by its first figure.
    whole = len(minima) == len(timings)
    return [*cells, factor(minima[-1] / minima[0] if whole else None)]


def additions_table(title: str, measured: Sequence[tuple[str, Timings, Timings]]) -> Table:
    """One line per row and engine: without something, with it, and the difference."""
    head = ["ns, median", "engine", "without", "with", "difference"]
    lines = [
        [name if first else "", engine, *_addition(without[engine], with_[engine])]
        for name, without, with_ in measured
        for first, engine in _marked(with_)
    ]
    return Table(title, head, lines, words=2)


def pairs_table(title: str, measured: Sequence[tuple[str, Timings]]) -> Table:
    """One line per pair: one, the other, and the other divided by the one."""
    one, other = title.split(" beside ")[::-1]
    lines = [
        [
            name,
            number(timings["one"].minimum),
            number(timings["other"].minimum),
            factor(timings["other"].over(timings["one"])),
        ]
        for name, timings in measured
    ]
    return Table(title, ["ns, minimum", one, other.lower(), "ratio"], lines)


def _addition(without: Timing, with_: Timing) -> list[str]:
    return [number(without.median), number(with_.median), tenths(with_.beyond(without))]


def memory_table(weights: Mapping[str, Mapping[str, tuple[int, Stages]]]) -> Table:
    """One line per gauge and engine, one column per stage."""
    head = ["bytes per connection", "engine", "senders", *STAGES]
    lines = [
        [gauge, engine, number(senders), *(number(stages[stage]) for stage in STAGES)]
        for gauge, by_engine in weights.items()
        for engine, (senders, stages) in by_engine.items()
    ]
    return Table("Memory: 1 receiver, connected for each of so many senders", head, lines, words=2)


def requests_table(served: Sequence[Served]) -> Table:
    """One line per framework, number of receivers and engine: what it adds to a request."""
    head = [
        "µs per request",
        "receivers",
        "engine",
        "whole,\nmedian",
        "added,\nmedian",
        "added,\nat best",
        f"÷ {Blinker.name}",
    ]
    lines = [
        [each.framework, number(each.receivers), name, *_request(each.timings, name)]
        for each in served
        for name in each.timings
    ]
    return Table("A whole request, beyond one with signals that do nothing", head, lines, words=3)


def lives_table(lived: Sequence[Lived]) -> Table:
    """One line per framework: a trivial request, and what the signals and OpenTelemetry add."""
    head = ["µs of the server", "whole,\nmedian", "signals\nadd", "in %", "OTel\nadds", "÷ OTel"]
    lines = [[f"{each.framework}, {each.server}", *_life(each.timings)] for each in lived]
    return Table(
        "A request under a server, with life-cycle signals and nobody connected", head, lines
    )


def _life(timings: Timings) -> list[str]:
    plain = timings[PLAIN]
    ours, theirs = (timings[way].beyond(plain) / 1000 for way in (INSTALLED, THEIRS))
    share = (timings[INSTALLED].over(plain) - 1) * 100
    whole = tenths(plain.median / 1000)
    return [whole, tenths(ours), tenths(share), tenths(theirs), factor(ours / theirs)]


def _request(timings: Timings, name: str) -> list[str]:
    timing, nothing = timings[name], timings[NOTHING]
    if timing is nothing:
        return [tenths(timing.median / 1000), DASH, DASH, DASH]
    added = timing.beyond(nothing)
    return [
        tenths(timing.median / 1000),
        hundredths(added / 1000),
        hundredths((timing.minimum - nothing.minimum) / 1000),
        factor(added / timings[Blinker.name].beyond(nothing)),
    ]


def plain_requests(served: Iterable[Served]) -> list[dict[str, object]]:
    """Return what was added to requests as values that JSON can hold."""
    return [
        {
            "framework": each.framework,
            "receivers": each.receivers,
            "whole_ns": {name: timing.median for name, timing in each.timings.items()},
            "added_ns": {
                name: timing.beyond(each.timings[NOTHING]) for name, timing in each.timings.items()
            },
        }
        for each in served
    ]


def imports_table(measured: Sequence[Import]) -> Table:
    """One line per module."""
    head = ["import", "modules loaded", "ms, median", "ms, minimum"]
    lines = [
        [each.module, str(len(each.loaded)), tenths(each.median_ms), tenths(each.minimum_ms)]
        for each in measured
    ]
    return Table("Import, in a fresh interpreter", head, lines)


def shares_table(measured: Sequence[Share]) -> Table:
    """One line per way to be watched."""
    head = ["1,000 sends in a second", "% of a core,\nmedian", "% of a core,\nminimum"]
    lines = [[it.way, hundredths(it.percent), hundredths(it.minimum)] for it in measured]
    return Table("Being watched at a rate, beyond unwatched", head, lines)


def suites_table(measured: Sequence[Suite], tests: int) -> Table:
    """One line per way of running them."""
    head = ["plugin", "÷ without,\nmedian", "s, median", "s, minimum"]
    lines = [
        [each.way, f"{each.ratio:.3f}", hundredths(each.median_s), hundredths(each.minimum_s)]
        for each in measured
    ]
    return Table(f"pytest, {number(tests)} tests that do nothing", head, lines)


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
            "of_c_loop": ratio(timings, name, CLoop.name),
        }
        for name, timing in timings.items()
    }
