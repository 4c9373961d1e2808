"""Metrics in a registry of Prometheus's client, and the page of them."""

from __future__ import annotations

import asyncio
from math import inf, isfinite
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from heliograph import ArgumentError, Signal
from heliograph.metrics import Metrics
from heliograph.metrics.prometheus import export
from heliograph.metrics.serving import AsgiPage, WsgiPage
from tests.lifecycle.calling import ask, ask_wsgi

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.metrics_core import Metric

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples_of(registry: CollectorRegistry) -> Samples:
    """Give what a scrape of a registry gives."""
    return samples_in(generate_latest(registry).decode())


def samples_in(text: str) -> Samples:
    """Give the samples of a page; each name and label set is there once."""
    families = list(text_string_to_metric_families(text))
    assert len({it.name for it in families}) == len(families)
    found = [
        ((it.name, tuple(sorted(it.labels.items()))), it.value)
        for family in families
        for it in family.samples
    ]
    assert len(dict(found)) == len(found)
    return dict(found)


def named(samples: Samples, name: str) -> dict[tuple[tuple[str, str], ...], float]:
    """Give the samples of one name, by their labels."""
    return {labels: value for (its_name, labels), value in samples.items() if its_name == name}


@pytest.fixture
def paid() -> Signal[...]:
    """Give a signal."""
    return Signal("order-paid")


@pytest.fixture
def metrics(paid: Signal[...]) -> Iterator[Metrics]:
    """Give metrics of that signal."""
    with Metrics([paid]) as made:
        yield made


def test_signals_and_receivers_are_exported(metrics: Metrics, paid: Signal[...]) -> None:
    """Names, units and labels are those of Prometheus; the buckets add up."""

    @paid.connect
    def fail(sender: object) -> None:
        raise LookupError

    registry = CollectorRegistry()
    export(metrics, registry)
    before = samples_of(registry)
    with pytest.raises(LookupError):
        paid.send()
    after = samples_of(registry)

    signal = (("sender", ""), ("signal", "order-paid"))
    receiver = (
        ("receiver", f"{__name__}.{fail.__qualname__}"),
        ("sender", ""),
        ("signal", "order-paid"),
    )
    # Before the first error, its counter is there: a rate would miss it otherwise.
    assert before["signals_receiver_errors_total", receiver] == 0.0
    assert before["signals_sent_total", signal] == 0.0
    assert after["signals_receiver_errors_total", receiver] == 1.0
    assert after["signals_sent_total", signal] == 1.0
    assert after["signals_receivers", signal] == 1.0
    [(exception, count)] = named(after, "signals_receiver_exceptions_total").items()
    assert (dict(exception)["exception"], count) == ("builtins.LookupError", 1.0)
    assert after["signals_receiver_duration_seconds_count", receiver] == 1.0
    buckets = named(after, "signals_receiver_duration_seconds_bucket")
    bounds = {float(dict(labels)["le"]): value for labels, value in buckets.items()}
    assert list(bounds.values()) == sorted(bounds.values())
    assert bounds[inf] == 1.0
    assert 1.0 in bounds


def test_declared_metrics_are_exported(metrics: Metrics, paid: Signal[...]) -> None:
    """Dots become underscores, and units are spelt out."""
    metrics.count(paid, "orders.paid", labels={"plan.kind": "plan"})
    metrics.observe(paid, "orders.value", value="total", unit="EUR", buckets=(1, 2.5))
    metrics.gauge(paid, Signal("gone"), name="orders.open", unit="{order}")
    registry = CollectorRegistry()
    export(metrics, registry)
    paid.send(plan="yearly", total=2)

    found = samples_of(registry)
    assert found["orders_paid_total", (("plan_kind", "yearly"),)] == 1.0
    assert named(found, "orders_value_eur_bucket") == {
        (("le", "1.0"),): 0.0,
        (("le", "2.5"),): 1.0,
        (("le", "+Inf"),): 1.0,
    }
    assert found["orders_value_eur_sum", ()] == 2.0
    assert found["orders_open", ()] == 1.0


def test_metrics_of_two_applications_in_one_process_are_both_there(paid: Signal[...]) -> None:
    """With labels of their own they are told apart, and without they are added up."""
    registry = CollectorRegistry()
    shop, kiosk, more = (
        Metrics([], labels={"app": "shop"}),
        Metrics([], labels={"app": "kiosk"}),
        Metrics([]),
    )
    for it in (shop, kiosk, more, more):
        export(it, registry)
    for it in (shop, kiosk, more):
        it.count(paid, "paid")
        it.observe(paid, "sizes", value=lambda e: 2.0, buckets=(1, 3))
    with shop, kiosk:
        paid.send()
    with kiosk, more:
        paid.send()

    found = samples_of(registry)
    assert named(found, "paid_total") == {
        (("app", "shop"),): 1.0,
        (("app", "kiosk"),): 2.0,
        (("app", ""),): 1.0,
    }
    again = Metrics([])
    again.count(paid, "paid")
    again.observe(paid, "sizes", value=lambda e: 2.0, buckets=(1, 3))
    export(again, registry)
    with again:
        paid.send()
    assert named(samples_of(registry), "paid_total")[(("app", ""),)] == 2.0
    assert named(samples_of(registry), "sizes_sum")[(("app", ""),)] == 4.0


def test_a_metric_of_another_kind_under_one_name_is_left_out(
    paid: Signal[...], caplog: pytest.LogCaptureFixture
) -> None:
    """Two `Metrics` that disagree are told of once; the scrape has the first."""
    registry = CollectorRegistry()
    one, other = Metrics([]), Metrics([])
    one.count(paid, "paid")
    other.gauge(paid, Signal("gone"), name="paid")
    for it in (one, other):
        export(it, registry)
    with one, other:
        paid.send()

    assert named(samples_of(registry), "paid_total") == {(): 1.0}
    assert samples_of(registry)["heliograph_scrape_errors_total", ()] == 2.0
    assert len(caplog.messages) == 1


class Broken(Metrics):
    """Metrics that cannot be read."""

    def families(self) -> Any:
        """Fail."""
        raise LookupError


class Unreadable(Metrics):
    """Metrics of which one has a kind that nobody knows."""

    def families(self) -> Any:
        """Give one family whose labels are too few."""
        [first, *_] = super().families()
        return [type(first)(first.about, {("one",): object()})]  # type: ignore[dict-item]  # On purpose.


@pytest.mark.parametrize("kind", [Broken, Unreadable])
def test_an_error_of_the_collector_is_a_counter(
    kind: type[Metrics], metrics: Metrics, paid: Signal[...], caplog: pytest.LogCaptureFixture
) -> None:
    """A collector that raised would make every scrape fail, and hide all other metrics."""
    registry = CollectorRegistry()
    other = Counter("others", "Of others.", registry=registry)
    other.inc()
    broken = kind([])
    page = WsgiPage(broken, None, "/metrics", registry)
    paid.send()

    assert samples_of(registry)["others_total", ()] == 1.0
    assert samples_in(page.answer("GET", "")[2].decode())["others_total", ()] == 1.0
    export(metrics, registry)
    assert samples_of(registry)["others_total", ()] == 1.0
    assert samples_of(registry)["heliograph_scrape_errors_total", ()] >= 3.0
    assert 1 <= len(caplog.messages) <= 3


def test_metrics_leave_a_registry(metrics: Metrics, paid: Signal[...]) -> None:
    """From then on a scrape has nothing of them."""
    registry = CollectorRegistry()
    exported = export(metrics, registry)
    paid.send()
    assert named(samples_of(registry), "signals_sent_total") != {}
    exported.unregister()

    assert named(samples_of(registry), "signals_sent_total") == {}


def test_numbers_and_labels_are_safe(metrics: Metrics, paid: Signal[...]) -> None:
    """One bad value would spoil every scrape from then on."""
    metrics.observe(paid, "sizes", value="size", labels={"plan": "plan"})
    registry = CollectorRegistry()
    export(metrics, registry)
    for plan in ("gr\ud800n", 'quo"te', "new\nline", "back\\slash"):
        for size in (float("nan"), inf, 1.5):
            paid.send(size=size, plan=plan)

    found = samples_of(registry)
    assert {dict(labels)["plan"] for labels in named(found, "sizes_sum")} == {
        "gr?n",
        'quo"te',
        "new\nline",
        "back\\slash",
    }
    assert set(named(found, "sizes_sum").values()) == {1.5}
    assert all(isfinite(it) for it in found.values())


def test_the_page_has_what_the_registry_has(metrics: Metrics, paid: Signal[...]) -> None:
    """The page is written at once, and the registry's own text sample by sample: both are equal."""
    metrics.count(paid, "orders", labels={"plan": "plan"}, doc='Orders\n of a "plan".')
    metrics.observe(paid, "sizes", value="size", labels={"plan": "plan"})
    metrics.observe(paid, "all", value="size")
    registry = CollectorRegistry()
    Counter("others", "Of others.", ["kind"], registry=registry).labels("a").inc()
    page = WsgiPage(metrics, None, "/metrics", registry)
    for plan in ("yearly", 'quo"te', "new\nline", "back\\slash"):
        paid.send(size=1.5, plan=plan)

    text = page.answer("GET", "")[2].decode()
    assert samples_in(text) == samples_of(registry)
    openmetrics = "application/openmetrics-text"
    parse: Any = openmetrics_families
    told = list(parse(page.answer("GET", openmetrics)[2].decode()))
    assert {it.name for it in told} >= {"orders", "sizes", "others", "signals_sent"}
    types = {it.name: it.type for it in text_string_to_metric_families(text)}
    assert (types["orders"], types["sizes"], types["signals_receivers"]) == (
        "counter",
        "histogram",
        "gauge",
    )


@pytest.mark.parametrize("labels", [{"signal": "x"}, {"http_route": "x"}, {"le": "x"}])
def test_labels_of_everything_must_not_be_taken(labels: dict[str, str]) -> None:
    """They would be there twice."""
    with pytest.raises(ArgumentError):
        Metrics(labels=labels)


# --- the page ---------------------------------------------------------------------------


def hello(environ: dict[str, Any], start: Any) -> list[bytes]:
    """Answer every request."""
    start("200 OK", [])
    return [b"hello"]


async def hello_async(scope: Any, receive: Any, send: Any) -> None:
    """Answer every request."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


def asked(app: Any, path: str, method: str = "GET", **environ: str) -> tuple[str, bytes]:
    """Ask a WSGI application; give the status and the body."""
    answers: list[str] = []
    given = {"REQUEST_METHOD": method, "PATH_INFO": path, **environ}
    body = b"".join(app(given, lambda status, headers: answers.append(status)))
    return answers[0], body


def test_the_page_is_one_line_over_wsgi(metrics: Metrics, paid: Signal[...]) -> None:
    """It answers its path, and the application answers all others."""
    app = metrics.wsgi(hello)
    paid.send()

    status, text = asked(app, "/metrics")
    assert status == "200 OK"
    assert named(samples_in(text.decode()), "signals_sent_total") != {}
    assert asked(app, "/")[1] == b"hello"
    assert asked(app, "/metrics", "HEAD") == ("200 OK", b"")
    assert asked(app, "/metrics", "POST")[0] == "405 Method Not Allowed"
    assert asked(metrics.wsgi(), "/anything")[0] == "200 OK"
    openmetrics = asked(app, "/metrics", HTTP_ACCEPT="application/openmetrics-text")[1]
    assert openmetrics.endswith(b"# EOF\n")


def test_the_page_is_one_line_over_asgi(metrics: Metrics, paid: Signal[...]) -> None:
    """As over WSGI; alone it answers the life span and refuses websockets."""
    app = metrics.asgi(hello_async)
    paid.send()

    told = asyncio.run(ask(app, "/metrics", accept="text/plain"))
    start, body = told[-2:]
    assert start["status"] == 200
    assert named(samples_in(body["body"].decode()), "signals_sent_total") != {}
    assert asyncio.run(ask(app, "/"))[-1]["body"] == b"hello"
    assert asyncio.run(lived(metrics.asgi())) == [
        {"type": "lifespan.startup.complete"},
        {"type": "lifespan.shutdown.complete"},
        {"type": "websocket.close", "code": 1000},
    ]
    assert asyncio.run(ask(metrics.asgi(), "/x"))[-2]["status"] == 200


async def lived(app: Any) -> list[Any]:
    """Take an ASGI application through a life span, and open a websocket."""
    told: list[Any] = []
    coming = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Any:
        return coming.pop(0)

    async def send(message: Any) -> None:
        told.append(message)

    await app({"type": "lifespan"}, receive, send)
    await app({"type": "websocket"}, receive, send)
    return told


class BrokenCollector(Collector):
    """A collector of somebody else that fails."""

    def describe(self) -> Iterable[Metric]:
        """Tell nothing."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Fail."""
        raise LookupError


def test_a_page_that_cannot_be_made_is_an_error_of_the_server(
    metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    """Another collector may fail: that is reported once, and the application goes on."""
    registry = CollectorRegistry()
    registry.register(BrokenCollector())
    app = WsgiPage(metrics, hello, "/metrics", registry)
    in_async = AsgiPage(metrics, None, "/metrics", registry)

    assert asked(app, "/metrics")[0] == "500 Internal Server Error"
    assert asyncio.run(ask(in_async, "/"))[-2]["status"] == 500
    assert asked(app, "/")[1] == b"hello"
    assert [it.split(":")[0] for it in caplog.messages] == ["The page of metrics could not be made"]
    assert ask_wsgi(app, "/") is not None
