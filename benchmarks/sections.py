"""The sections of a run: each measures one thing and gives its tables."""

from __future__ import annotations

import os
import re
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING

from benchmarks import goals, harness, metrics, relay, report, trail
from benchmarks.asking import ROWS as ROWS_ASKED
from benchmarks.asking import ways_to_ask
from benchmarks.attached import shares
from benchmarks.costs.price import plain_prices, prices_table
from benchmarks.costs.roster import PRICES
from benchmarks.declared import declared_beside_plain, in_production, span_beside_sends
from benchmarks.engines import Engine, UnsupportedError
from benchmarks.growth import disconnecting_rows, growth_rows
from benchmarks.harness import Row, measure, prepared
from benchmarks.imports import imports
from benchmarks.lifecycle import live
from benchmarks.memory import GAUGES, SLOWER, weigh
from benchmarks.requests import serve
from benchmarks.roster import ENGINES
from benchmarks.rows import AS_FLASK, CONNECTING, SENDING, sending
from benchmarks.suites import suites
from benchmarks.tables import Table, number
from benchmarks.threads import gains, gains_table
from benchmarks.watched import ROWS as ROWS_WATCHED
from benchmarks.watched import ways_to_watch
from heliograph import implementation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from benchmarks.effort import Effort
    from benchmarks.harness import Timings


@dataclass(frozen=True)
class Finding:
    """One table and what it is called in the JSON and on the page.

    `values` is what the table was made from, for programs; a table that only shows the
    same in another way has none.
    """

    key: str
    table: Table
    values: object = None


def sends(effort: Effort) -> Iterator[Finding]:
    """What a send costs on every engine."""
    measured = _measured(SENDING, effort, effort.rounds)
    if measured:
        title = "Sending, beside a loop and Blinker"
        yield Finding("sending", report.ratios_table(title, measured), report.plain(measured))
        yield Finding("sending minima", report.minima_table("Sending, minimum", measured))
        yield Finding("sending medians", report.medians_table("Sending, median", measured))
        yield Finding("sending faster", report.faster_table("Who sends in less time", measured))


def pure(effort: Effort) -> Iterator[Finding]:
    """What a send costs in Python alone."""
    yield from _in_python_alone(_pure, effort)


def _pure(effort: Effort) -> list[Finding]:
    measured = _measured(SENDING, effort, effort.rounds)
    if not measured:
        return []
    table = report.ratios_table("Sending in Python alone (HELIOGRAPH_PURE=1)", measured)
    return [Finding("pure", table, report.plain(measured))]


def _in_python_alone(find: Callable[[Effort], list[Finding]], effort: Effort) -> Iterator[Finding]:
    """Measure in a process of its own, for the choice is made at import."""
    before = os.environ.get("HELIOGRAPH_PURE")
    os.environ["HELIOGRAPH_PURE"] = "1"
    try:
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            found = process.submit(find, effort).result()
    finally:
        os.environ.pop("HELIOGRAPH_PURE")
        if before is not None:
            os.environ["HELIOGRAPH_PURE"] = before
    yield from found


def watched(effort: Effort) -> Iterator[Finding]:
    """What a send costs with an instrument."""
    title = "Watched sends, beside an unwatched one of Blinker's"
    wanted = goals.IN_C if implementation == "c" else goals.IN_PYTHON
    yield from _watched("watched", title, effort, wanted)
    yield from _in_python_alone(_watched_in_python_alone, effort)


def _watched_in_python_alone(effort: Effort) -> list[Finding]:
    title = "Watched sends in Python alone (HELIOGRAPH_PURE=1)"
    return _watched("watched pure", title, effort, goals.IN_PYTHON)


def _watched(key: str, title: str, effort: Effort, wanted: Sequence[goals.Goal]) -> list[Finding]:
    measured = [
        (row, measure(ways_to_watch(row), effort.growth_rounds))
        for row in ROWS_WATCHED
        if _wanted(row.name, effort)
    ]
    if not measured:
        return []
    return [
        Finding(key, report.watched_table(title, measured), report.plain(measured)),
        Finding(f"{key} goals", goals.goals_table(f"{title}: goals", measured, wanted)),
    ]


def asking(effort: Effort) -> Iterator[Finding]:
    """What questions cost, and sends that are muted or beside others' local blocks."""
    yield from _asked("asking", "Questions, beside Blinker's", effort)
    yield from _in_python_alone(_asked_in_python_alone, effort)


def _asked_in_python_alone(effort: Effort) -> list[Finding]:
    title = "Questions in Python alone (HELIOGRAPH_PURE=1)"
    return _asked("asking pure", title, effort)


def _asked(key: str, title: str, effort: Effort) -> list[Finding]:
    measured = [
        (row, measure(ways_to_ask(row), effort.growth_rounds))
        for row in ROWS_ASKED
        if _wanted(row.name, effort)
    ]
    if not measured:
        return []
    return [Finding(key, report.watched_table(title, measured), report.plain(measured))]


def costs(effort: Effort) -> Iterator[Finding]:
    """What users do beside a send to plain receivers, and whether it costs what it may."""
    yield from _costs("costs", effort)
    yield from _in_python_alone(_costs_in_python_alone, effort)


def _costs_in_python_alone(effort: Effort) -> list[Finding]:
    return _costs("costs pure", effort)


def _costs(key: str, effort: Effort) -> list[Finding]:
    works = [(price, price.works()) for price in PRICES if _wanted(price.row, effort)]
    measured = [
        (price, measure(each, effort.growth_rounds)) for price, each in works if price.base in each
    ]
    if not measured:
        return []
    in_c = implementation == "c"
    title = "What else users do" if in_c else "The same in Python alone (HELIOGRAPH_PURE=1)"
    table = prices_table(title, measured, in_python=not in_c)
    return [Finding(key, table, plain_prices(measured))]


def as_flask(effort: Effort) -> Iterator[Finding]:
    """What ``_async_wrapper`` adds to a send."""
    measured = [
        (without.name, *_side_by_side(without, with_, effort.rounds))
        for without, with_ in AS_FLASK
        if _wanted(without.name, effort)
    ]
    if measured:
        title = "Sending with _async_wrapper, as Flask does"
        yield Finding("flask", report.additions_table(title, measured))


def declared(effort: Effort) -> Iterator[Finding]:
    """What a declaration costs, and a span."""
    with in_production():
        for key, title, pairs in (
            ("declared", "Declared beside plain", declared_beside_plain),
            ("spans", "A span beside two sends", span_beside_sends),
        ):
            measured = [
                (name, measure({"one": one, "other": other}, effort.rounds))
                for name, one, other in pairs()
            ]
            yield Finding(key, report.pairs_table(title, measured))


def _side_by_side(
    one: Row, other: Row, rounds: int, batch_ns: int = harness.BATCH_NS
) -> tuple[Timings, Timings]:
    """Measure two rows in one run, on the engines that can do the other one."""
    works = {1: prepared(one, ENGINES), 2: prepared(other, ENGINES)}
    names = tuple(works[2])
    timings = measure(
        # The two of an engine next to each other: their ratio is what is asked for.
        {f"{row} {name}": works[row][name] for name in names for row in works},
        rounds,
        batch_ns,
    )
    first, second = ({name: timings[f"{row} {name}"] for name in names} for row in works)
    return first, second


def connections(effort: Effort) -> Iterator[Finding]:
    """What connecting and disconnecting cost."""
    measured = _measured(CONNECTING, effort, effort.rounds)
    if measured:
        title = "Connecting, beside Blinker"
        yield Finding("connecting", report.ratios_table(title, measured), report.plain(measured))
        yield Finding("connecting minima", report.minima_table("Connecting, minimum", measured))
        yield Finding("connecting faster", report.faster_table("Who connects sooner", measured))


def growth(effort: Effort) -> Iterator[Finding]:
    """Whether operations cost more with other senders and receivers around."""
    measured = _measured(growth_rows(effort.sizes), effort, effort.growth_rounds)
    if measured:
        table = report.growth_table("Growth: the same among so many …", measured)
        yield Finding("growth", table, report.plain(measured))


def receivers(effort: Effort) -> Iterator[Finding]:
    """What a send costs, by number of receivers."""
    rows = [Row(number(count), sending(count), count) for count in effort.receivers]
    measured = _measured(rows, effort, effort.growth_rounds)
    if measured:
        table = report.minima_table("Sending, by number of receivers", measured)
        yield Finding("receivers", table, report.plain(measured))


def disconnect(effort: Effort) -> Iterator[Finding]:
    """What disconnecting costs by how many other senders have receivers."""
    measured = _measured(disconnecting_rows(effort.crowds), effort, effort.growth_rounds)
    if measured:
        table = report.minima_table("Disconnecting, by number of other senders", measured)
        yield Finding("disconnect", table, report.plain(measured))


def memory(effort: Effort) -> Iterator[Finding]:
    """How much memory connections take."""
    weights = {
        gauge: {
            engine.name: (senders, weigh(engine, gauge, senders))
            for engine, senders in _weighable(effort.senders // SLOWER.get(gauge, 1))
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


def requests(effort: Effort) -> Iterator[Finding]:
    """What signals add to a whole request."""
    served = list(serve(effort.request_rounds))
    if served:
        yield Finding("requests", report.requests_table(served), report.plain_requests(served))


def lifecycle(effort: Effort) -> Iterator[Finding]:
    """What life-cycle signals add to a request under a server, with nobody connected."""
    lived = list(live(effort.request_rounds))
    if not lived:
        return
    plain = {
        f"{each.framework}, {each.server}": {
            way: timing.median for way, timing in each.timings.items()
        }
        for each in lived
    }
    yield Finding("lifecycle", report.lives_table(lived), plain)


def measured(effort: Effort) -> Iterator[Finding]:
    """What metrics of sends and of requests cost, and a scrape, beside others'."""
    counted = metrics.counted_sends(effort.growth_rounds)
    yield Finding("metrics sends", metrics.counted_table(counted))
    found = list(metrics.measured_requests(effort.request_rounds))
    scraped = metrics.scrapes(effort.thread_rounds, min(metrics.LABEL_SETS, effort.senders))
    if found:
        plain = {
            f"{each.framework}, {each.server}": {way: it.median for way, it in each.timings.items()}
            for each in found
        }
        yield Finding("metrics", metrics.requests_table(found), plain)
    if scraped is not None:
        plain_scraped = {name: it.median for name, it in scraped.items()}
        yield Finding("metrics scrape", metrics.scrape_table(scraped), plain_scraped)
        yield Finding("metrics goals", metrics.goals_table(found, scraped))


def threads(effort: Effort) -> Iterator[Finding]:
    """How much more two threads send than one."""
    found = gains(ENGINES, effort.thread_rounds)
    yield Finding("threads", gains_table(found), found)


def audit(effort: Effort) -> Iterator[Finding]:
    """What entries of the trail cost, and looking for them."""
    costs = list(trail.costs(effort.growth_rounds, effort.senders))
    if costs:
        yield Finding("audit", trail.table(costs), {it.what: it.figure for it in costs})


def crossing(effort: Effort) -> Iterator[Finding]:
    """What it costs to let a signal cross, beside the same by hand and other ways."""
    carried = dict(relay.costs(max(1, effort.thread_rounds // 3), effort.tests * 10))
    if carried:
        values = {
            what: {way: [asdict(it) for it in several] for way, several in found.items()}
            for what, found in carried.items()
        }
        yield Finding("relay", relay.table(carried), values)
        yield Finding("relay sends", relay.own_cost(effort.growth_rounds))
        yield Finding("relay idle", relay.idle(effort.watching))


def importing(effort: Effort) -> Iterator[Finding]:
    """How long an import takes, and which modules it loads."""
    measured = imports(effort.interpreters)
    yield Finding("import", report.imports_table(measured), [asdict(each) for each in measured])


def attached(effort: Effort) -> Iterator[Finding]:
    """What a watcher takes of a core, and what counts do."""
    measured = shares(effort.watchers, effort.watching)
    yield Finding("attached", report.shares_table(measured), [asdict(each) for each in measured])


def plugin(effort: Effort) -> Iterator[Finding]:
    """What the pytest plugin adds to a test suite."""
    measured = suites(effort.tests, effort.suites)
    table = report.suites_table(measured, effort.tests)
    yield Finding("pytest", table, [asdict(each) for each in measured])


def _measured(rows: Iterable[Row], effort: Effort, rounds: int) -> list[report.Measured]:
    return [
        (row, measure(prepared(row, ENGINES), rounds)) for row in rows if _wanted(row.name, effort)
    ]


def _wanted(row: str, effort: Effort) -> bool:
    return re.search(effort.rows, row, re.IGNORECASE) is not None


SECTIONS: dict[str, Callable[[Effort], Iterator[Finding]]] = {
    "sending": sends,
    "flask": as_flask,
    "pure": pure,
    "watched": watched,
    "asking": asking,
    "costs": costs,
    "declared": declared,
    "connecting": connections,
    "growth": growth,
    "receivers": receivers,
    "disconnect": disconnect,
    "memory": memory,
    "requests": requests,
    "lifecycle": lifecycle,
    "metrics": measured,
    "threads": threads,
    "audit": audit,
    "relay": crossing,
    "import": importing,
    "attached": attached,
    "pytest": plugin,
}
WITHOUT_ROWS = (
    "declared",
    "memory",
    "requests",
    "lifecycle",
    "metrics",
    "threads",
    "audit",
    "relay",
    "import",
    "attached",
    "pytest",
)
