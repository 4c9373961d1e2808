"""The sections of a run: each measures one thing and gives its tables."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from benchmarks import report
from benchmarks.engines import Engine, UnsupportedError
from benchmarks.growth import growth_rows
from benchmarks.harness import Row, measure, prepared
from benchmarks.imports import imports
from benchmarks.memory import GAUGES, weigh
from benchmarks.roster import ENGINES
from benchmarks.rows import AS_FLASK, CONNECTING, SENDING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from benchmarks.harness import Timings
    from benchmarks.tables import Table


@dataclass(frozen=True)
class Effort:
    """How much of everything a run does.

    `rows` is a regular expression for the names of the rows that are wanted.
    """

    rounds: int
    growth_rounds: int
    sizes: tuple[int, ...]
    senders: int
    interpreters: int
    rows: str = ""


FULL = Effort(
    rounds=150, growth_rounds=30, sizes=(1, 1_000, 100_000), senders=1_000_000, interpreters=30
)
QUICK = Effort(rounds=15, growth_rounds=5, sizes=(1, 1_000, 10_000), senders=20_000, interpreters=5)


@dataclass(frozen=True)
class Finding:
    """One table and what it is called in the JSON and on the page.

    `values` is what the table was made from, for programs; a table that only shows the
    same in another way has none.
    """

    key: str
    table: Table
    values: object = None


def sending(effort: Effort) -> Iterator[Finding]:
    """What a send costs on every engine."""
    measured = _measured(SENDING, effort, effort.rounds)
    if measured:
        title = "Sending, beside a loop and Blinker"
        yield Finding("sending", report.ratios_table(title, measured), report.plain(measured))
        yield Finding("sending minima", report.minima_table("Sending, at best", measured))
        yield Finding("sending medians", report.medians_table("Sending, in the middle", measured))


def as_flask(effort: Effort) -> Iterator[Finding]:
    """What ``_async_wrapper`` adds to a send, in one interleaved run with and without it."""
    measured = [_added(*pair, effort.rounds) for pair in AS_FLASK if _wanted(pair[0], effort)]
    if measured:
        yield Finding(
            "as flask",
            report.additions_table("Sending with _async_wrapper, as Flask does", measured),
        )


def _added(without: Row, with_: Row, rounds: int) -> tuple[str, Timings, Timings]:
    works_with = prepared(with_, ENGINES)
    works_without = {
        name: work for name, work in prepared(without, ENGINES).items() if name in works_with
    }
    timings = measure(
        {f"without {name}": work for name, work in works_without.items()}
        | {f"with {name}": work for name, work in works_with.items()},
        rounds,
    )
    return (
        without.name,
        {name: timings[f"without {name}"] for name in works_with},
        {name: timings[f"with {name}"] for name in works_with},
    )


def connecting(effort: Effort) -> Iterator[Finding]:
    """What connecting and disconnecting cost."""
    measured = _measured(CONNECTING, effort, effort.rounds)
    if measured:
        title = "Connecting, beside Blinker"
        yield Finding("connecting", report.ratios_table(title, measured), report.plain(measured))
        yield Finding("connecting minima", report.minima_table("Connecting, at best", measured))


def growth(effort: Effort) -> Iterator[Finding]:
    """Whether anything costs more because of what else exists or once existed."""
    measured = _measured(growth_rows(effort.sizes), effort, effort.growth_rounds)
    if measured:
        table = report.growth_table("Growth: the same among so many …", measured)
        yield Finding("growth", table, report.plain(measured))


def memory(effort: Effort) -> Iterator[Finding]:
    """What connections weigh."""
    weights = {
        gauge: {
            engine.name: (senders, weigh(engine, gauge, senders))
            for engine, senders in _weighable(effort.senders)
        }
        for gauge in GAUGES
    }
    yield Finding("memory", report.memory_table(weights), weights)


def _weighable(senders: int) -> Iterator[tuple[type[Engine], int]]:
    for engine in ENGINES:
        try:
            callable(engine().connect)
        except UnsupportedError:
            continue
        yield engine, senders if engine.most is None else min(senders, engine.most)


def importing(effort: Effort) -> Iterator[Finding]:
    """What an import takes and brings."""
    measured = imports(effort.interpreters)
    yield Finding("import", report.imports_table(measured), [asdict(each) for each in measured])


def _measured(rows: Iterable[Row], effort: Effort, rounds: int) -> list[report.Measured]:
    return [(row, measure(prepared(row, ENGINES), rounds)) for row in rows if _wanted(row, effort)]


def _wanted(row: Row, effort: Effort) -> bool:
    return re.search(effort.rows, row.name, re.IGNORECASE) is not None


SECTIONS: dict[str, Callable[[Effort], Iterator[Finding]]] = {
    "sending": sending,
    "flask": as_flask,
    "connecting": connecting,
    "growth": growth,
    "memory": memory,
    "import": importing,
}
