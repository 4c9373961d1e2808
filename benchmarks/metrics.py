"""What metrics add to a send and to a request under a server, and what a scrape of many costs."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from benchmarks.engines import Heliograph
from benchmarks.harness import Work, measure
from benchmarks.measured_apps import LEAN, OTEL, OTEL_METRICS, PLAIN, THEIR_PROMETHEUS, WAYS
from benchmarks.measured_apps import OURS as MEASURED_BY_OURS
from benchmarks.rows import sending
from benchmarks.serving import served
from benchmarks.tables import Table, factor, number, tenths
from benchmarks.watched import SIZES, watched

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from benchmarks.harness import Timings

BATCH_NS = 20_000_000
FRAMEWORKS = {"Flask": ("waitress", "flask"), "FastAPI": ("uvicorn", "fastapi")}
LABEL_SETS = 10_000
CLIENT = "prometheus_client"
OURS = "heliograph"
THROUGH_CLIENT = "heliograph, by its client"


@dataclass(frozen=True)
class Measured:
    """Requests of one framework under its server, measured in every way."""

    framework: str
    server: str
    timings: Timings


def measured_requests(rounds: int) -> Iterator[Measured]:
    """Ask for a page that does nothing; nothing without what is compared with."""
    if find_spec("prometheus_flask_exporter") is None:
        return
    for name, (server, app) in FRAMEWORKS.items():
        with served(server, f"benchmarks.measured_apps:{app}", WAYS) as works:
            yield Measured(name, server, measure(works, rounds, BATCH_NS))


def counted_sends(rounds: int) -> list[tuple[str, int, Timings]]:
    """Send with `Metrics` that count and time everything, beside a send that nobody watches."""
    from heliograph.metrics import Metrics

    return [
        (
            name,
            size,
            measure(
                {
                    PLAIN: sending(size)(Heliograph()),
                    OURS: _warm(watched(sending(size)(Heliograph()), lambda: [Metrics().counting])),
                },
                rounds,
            ),
        )
        for size, name in SIZES.items()
    ]


def _warm(work: Work) -> Work:
    """Let what is done once, at the first send of a signal, be over."""
    items = work.items(10)
    work.run(items)
    work.after(items)
    return work


def counted_table(found: Iterable[tuple[str, int, Timings]]) -> Table:
    """One line per size: what counting adds, and what it may."""
    head = ["ns", "unwatched", "counting\nadds", "at most", "holds"]
    lines = []
    for name, size, timings in found:
        added = timings[OURS].beyond(timings[PLAIN])
        most = 400 + 250 * size
        holds = "yes" if added <= most else "no"
        lines.append([name, number(timings[PLAIN].median), number(added), number(most), holds])
    return Table("A send, counted and timed by Metrics", head, lines)


def scrapes(rounds: int, label_sets: int) -> Timings | None:
    """Make the page of so many histograms; nothing without Prometheus's client."""
    if find_spec("prometheus_client") is None:
        return None
    client: Any = import_module("prometheus_client")
    theirs, ours = client.CollectorRegistry(), client.CollectorRegistry()
    metrics = _fill(client, theirs, ours, label_sets)
    page = import_module("heliograph.metrics.prometheus").page
    return measure(
        {
            CLIENT: _each(lambda: client.generate_latest(theirs)),
            OURS: _each(lambda: page(metrics, ours, "")),
            THROUGH_CLIENT: _each(lambda: client.generate_latest(ours)),
        },
        rounds,
    )


def _fill(client: Any, theirs: Any, ours: Any, label_sets: int) -> Any:
    from heliograph import Signal
    from heliograph.metrics import Metrics
    from heliograph.metrics.http import SECONDS

    labels = ("method", "route", "status")
    kept = client.Histogram("duration", "Seconds.", labels, registry=theirs, buckets=SECONDS)
    signal = Signal("request")
    metrics = Metrics([], at_most=LABEL_SETS)
    metrics.observe(
        signal, "duration", value="seconds", unit="s", labels=dict(zip(labels, labels, strict=True))
    )
    import_module("heliograph.metrics.prometheus").export(metrics, ours)
    with metrics:
        for at in range(label_sets):
            values = ("GET", f"/orders/{at}", str(200 + at % 5))
            kept.labels(*values).observe(at % 100 / 20)
            given = dict(zip(labels, values, strict=True))
            signal.send(seconds=at % 100 / 20, **given)
    return metrics


def _each(call: Any) -> Work:
    def run(items: Iterable[object]) -> None:
        for _ in items:
            call()

    return Work(run)


def requests_table(found: Iterable[Measured]) -> Table:
    """One line per framework: a trivial request, and what measuring it adds."""
    head = ["µs of the server", "whole,\nmedian", *(f"{way}\nadds" for way in WAYS[1:])]
    lines = [
        [
            f"{each.framework}, {each.server}",
            tenths(each.timings[PLAIN].median / 1000),
            *(tenths(_added(each, way)) for way in WAYS[1:]),
        ]
        for each in found
    ]
    return Table("A request under a server, measured", head, lines)


def goals_table(found: Iterable[Measured], scraped: Timings | None) -> Table:
    """What measuring is to cost at most, and whether it does."""
    lines = [
        _goal(f"{each.framework}: {way}", other, _added(each, way), _added(each, other), most)
        for each in found
        for way in (LEAN, MEASURED_BY_OURS)
        for other, most in ((THEIR_PROMETHEUS, 0.3), (OTEL_METRICS, 0.1), (OTEL, 0.1))
    ]
    if scraped is not None:
        ours, theirs = scraped[OURS].median, scraped[CLIENT].median
        lines.append(_goal(f"a scrape of {LABEL_SETS:,} label sets", CLIENT, ours, theirs, 0.5))
    head = ["what", "beside", "costs", "at most", "holds"]
    return Table("Metrics: goals", head, lines, words=2)


def scrape_table(scraped: Timings) -> Table:
    """How long a page takes."""
    lines = [[name, tenths(it.median / 1e6)] for name, it in scraped.items()]
    return Table(f"A scrape of {LABEL_SETS:,} label sets", ["page", "ms, median"], lines)


def _added(each: Measured, way: str) -> float:
    return each.timings[way].beyond(each.timings[PLAIN]) / 1000


def _goal(what: str, beside: str, ours: float, theirs: float, most: float) -> list[str]:
    share = ours / theirs
    return [what, beside, factor(share), factor(most), "yes" if share <= most else "no"]
