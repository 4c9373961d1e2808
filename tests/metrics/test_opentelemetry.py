"""Metrics and events for OpenTelemetry: what its SDK reads, and what a collector would get."""

from __future__ import annotations

import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import flask
import pytest
from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    InMemoryMetricReader,
    PeriodicExportingMetricReader,
)

from heliograph import ArgumentError, Signal
from heliograph.lifecycle import flask as lifecycle_flask
from heliograph.metrics import Metrics, opentelemetry
from heliograph.metrics.opentelemetry import events, export
from tests.metrics.test_domain import order_paid
from tests.metrics.test_forks import in_child

if TYPE_CHECKING:
    from collections.abc import Iterator

Points = dict[tuple[tuple[str, Any], ...], Any]


class Read:
    """A meter provider whose metrics can be read."""

    def __init__(self) -> None:
        self.reader = InMemoryMetricReader()
        self.provider = MeterProvider([self.reader], shutdown_on_exit=False)

    def metrics(self) -> dict[str, Any]:
        """Give what an SDK would export, by the names of the metrics."""
        data: Any = self.reader.get_metrics_data()
        if data is None:
            return {}
        found = [
            it
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for it in scope.metrics
        ]
        assert len({it.name for it in found}) == len(found)
        return {it.name: it for it in found}

    def points(self, name: str) -> Points:
        """Give the values of a metric by their attributes."""
        found = self.metrics().get(name)
        points = () if found is None else found.data.data_points
        return {tuple(sorted(it.attributes.items())): it for it in points}

    def values(self, name: str) -> dict[tuple[tuple[str, Any], ...], float]:
        """Give the numbers of a metric by their attributes."""
        return {attributes: it.value for attributes, it in self.points(name).items()}


@pytest.fixture
def sdk() -> Iterator[Read]:
    """Give a meter provider, and end it."""
    made = Read()
    yield made
    made.provider.shutdown()


def test_signals_and_receivers_are_counted(sdk: Read) -> None:
    """Counters are monotonic sums; what is connected is a gauge."""
    paid = Signal("order-paid")

    @paid.connect
    def fail(sender: object) -> None:
        raise LookupError

    metrics = Metrics([paid])
    export(metrics, sdk.provider)
    with metrics:
        for _ in range(2):
            with pytest.raises(LookupError):
                paid.send()

    found = sdk.metrics()
    signal = (("signal", "order-paid"),)
    receiver = (("receiver", f"{__name__}.{fail.__qualname__}"), *signal)
    assert sdk.values("signals.sent") == {signal: 2}
    assert sdk.values("signals.receivers") == {signal: 1}
    assert sdk.values("signals.receiver.errors") == {receiver: 2}
    assert sdk.values("signals.receiver.duration.count") == {receiver: 2}
    assert 0 < sdk.values("signals.receiver.duration.sum")[receiver] < 1
    assert sdk.values("signals.receiver.exceptions") == {
        (("exception", "builtins.LookupError"), *receiver): 2
    }
    sent = found["signals.sent"]
    assert (sent.unit, sent.data.is_monotonic) == ("{emission}", True)


def test_requests_are_as_the_conventions_say(sdk: Read) -> None:
    """Name, unit, buckets and attributes; the status is a number, and no route is none."""
    app = flask.Flask("shop")

    @app.get("/orders/<int:number>")
    def show(number: int) -> str:
        return str(number)

    @app.get("/broken")
    def broken() -> str:
        raise LookupError

    metrics = Metrics([])
    metrics.http(active=True)
    export(metrics, sdk.provider)
    with lifecycle_flask.install(app), metrics:
        for path in ("/orders/7", "/orders/8", "/nowhere", "/broken"):
            app.test_client().get(path, buffered=True)

    found = sdk.metrics()["http.server.request.duration"]
    assert (found.unit, type(found.data).__name__) == ("s", "Histogram")
    common = {
        "http.request.method": "GET",
        "url.scheme": "http",
        "network.protocol.version": "1.1",
    }
    told = [(dict(it.attributes), it.count) for it in found.data.data_points]
    assert told == [
        (
            {**common, "http.response.status_code": 200, "http.route": "/orders/<int:number>"},
            2,
        ),
        ({**common, "http.response.status_code": 404}, 1),
        (
            {
                **common,
                "http.response.status_code": 500,
                "http.route": "/broken",
                "error.type": "500",
            },
            1,
        ),
    ]
    bounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
    assert list(found.data.data_points[0].explicit_bounds) == bounds
    active = sdk.metrics()["http.server.active_requests"]
    assert (active.unit, active.data.is_monotonic) == ("{request}", False)
    assert sdk.values("heliograph.http.errors") == {(): 1}


def test_histograms_have_every_value(sdk: Read) -> None:
    """What was kept until somebody reads is there at the first reading, and once."""
    metrics = Metrics([])
    export(metrics, sdk.provider)
    metrics.observe(order_paid, value="total", unit="EUR", labels={"plan": "plan"}, buckets=(1, 5))
    with metrics:
        for total in (0.5, 4, 4.5, 9):
            order_paid.send("shop", total=total, plan="yearly")

        [point] = sdk.points("order_paid.value").values()
        again = sdk.points("order_paid.value")
        order_paid.send("shop", total=1, plan="yearly")
        [later] = sdk.points("order_paid.value").values()

    assert (point.count, point.sum, point.min, point.max) == (4, 18, 0.5, 9)
    assert list(point.bucket_counts) == [1, 2, 1]
    assert list(again) == [(("plan", "yearly"),)]
    assert (later.count, later.sum) == (5, 19)


def test_values_that_nobody_reads_are_not_kept_for_ever(sdk: Read) -> None:
    """They are recorded at once then, and none is lost."""
    metrics = Metrics([])
    metrics.observe(order_paid, value="total")
    export(metrics, sdk.provider)
    [pending] = opentelemetry._SETS[sdk.provider]._pending
    with metrics:
        for _ in range(10_050):
            order_paid.send("shop", total=1, plan="yearly")
    kept = len(pending._kept)

    assert kept < 100
    [point] = sdk.points("order_paid.value").values()
    assert point.count == 10_050


def test_metrics_of_two_applications_in_one_process_are_both_there(sdk: Read) -> None:
    """An SDK ignores the second instrument of a name: so all metrics share one."""
    shop, kiosk = Metrics([], labels={"app": "shop"}), Metrics([], labels={"app": "kiosk"})
    for it in (shop, kiosk, kiosk):
        export(it, sdk.provider)
    for it in (shop, kiosk):
        it.count(order_paid, "paid")
        it.observe(order_paid, "sizes", value="total")
    kiosk.count(order_paid, "of_kiosk")
    with shop, kiosk:
        order_paid.send("shop", total=1, plan="yearly")
    with kiosk:
        order_paid.send("shop", total=1, plan="yearly")

    assert sdk.values("paid") == {(("app", "shop"),): 1, (("app", "kiosk"),): 2}
    assert sdk.values("of_kiosk") == {(("app", "kiosk"),): 2}
    counts = {attributes: it.count for attributes, it in sdk.points("sizes").items()}
    assert counts == {(("app", "shop"),): 1, (("app", "kiosk"),): 2}


def test_exporters_of_one_provider_share_their_instruments(
    sdk: Read, caplog: pytest.LogCaptureFixture
) -> None:
    """However often it is asked for, there is one set; a reset lets no counter fall."""
    metrics = Metrics([])
    metrics.count(order_paid, "paid")
    for _ in range(3):
        export(metrics, sdk.provider)
    with metrics:
        order_paid.send("shop", total=1, plan="yearly")
        first = sdk.values("paid")
        metrics.reset()
        order_paid.send("shop", total=1, plan="yearly")

    assert (first, sdk.values("paid")) == ({(): 1}, {(): 2})
    assert caplog.messages == []


def test_label_sets_stay_below_what_an_sdk_takes(sdk: Read) -> None:
    """The rest is <other>, by a name that says so, and the sum stays right."""
    metrics = Metrics([], at_most=3000)
    metrics.count(order_paid, "paid", labels={"plan": "plan"})
    export(metrics, sdk.provider)
    with metrics:
        for number in range(2500):
            order_paid.send("shop", total=1, plan=f"plan-{number}")

    found = sdk.values("paid")
    assert len(found) == 1900
    assert found[(("plan", "<other>"),)] == 601
    assert sum(found.values()) == 2500


class Broken(Metrics):
    """Metrics that cannot be read."""

    def family(self, name: str) -> Any:
        """Fail, but for the first."""
        if name == "heliograph.metrics.problems":
            return super().family(name)
        raise ValueError(name)


def test_metrics_that_cannot_be_read_are_reported(
    sdk: Read, caplog: pytest.LogCaptureFixture
) -> None:
    """All other metrics are handed over."""
    broken, whole = Broken([]), Metrics([])
    for it in (broken, whole):
        export(it, sdk.provider)
    whole.count(order_paid, "paid")
    with whole:
        order_paid.send("shop", total=1, plan="yearly")

    assert sdk.values("paid") == {(): 1}
    assert "The metric 'paid' could not be handed over to OpenTelemetry." in caplog.messages


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_two_workers_that_are_forked_after_five_counts_make_seven(
    sdk: Read, caplog: pytest.LogCaptureFixture
) -> None:
    """The SDK would go on from the parent's sums; histograms that were not read yet as well."""
    metrics = Metrics([])
    metrics.count(order_paid, "paid")
    metrics.observe(order_paid, "sizes", value="total")
    export(metrics, sdk.provider)
    with metrics:
        for _ in range(5):
            order_paid.send("shop", total=1, plan="yearly")

        def told() -> list[float]:
            order_paid.send("shop", total=1, plan="yearly")
            [point] = sdk.points("sizes").values()
            return [sdk.values("paid")[()], point.count, len(metrics.problems.all())]

        children = [in_child(told), in_child(told)]
        [point] = sdk.points("sizes").values()
        parent = [sdk.values("paid")[()], point.count]

        assert children == [[1, 1, 0], [1, 1, 0]]
        assert parent == [5, 5]
        # What was read before the fork is in the SDK, and goes on there: that is told.
        assert in_child(told) == [1, 6, 1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_provider_that_is_gone_is_not_in_the_way_of_a_fork() -> None:
    """What is called in a child keeps no instruments alive."""
    opentelemetry._begin_in_child(lambda: None)  # type: ignore[arg-type]  # It is gone, as its owner is.

    assert in_child(lambda: 1) == 1


# --- a collector ------------------------------------------------------------------------


class Endpoint(BaseHTTPRequestHandler):
    """Takes what an exporter posts, as a collector does."""

    received: list[ExportMetricsServiceRequest]

    def do_POST(self) -> None:
        """Keep a request."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = ExportMetricsServiceRequest()
        request.ParseFromString(body)
        self.received.append(request)
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.end_headers()

    def log_message(self, *given: object) -> None:
        """Log nothing."""


@pytest.fixture
def endpoint() -> Iterator[tuple[str, list[ExportMetricsServiceRequest]]]:
    """Give the address of a receiving endpoint, and what it has received."""
    received: list[ExportMetricsServiceRequest] = []
    handler = type("Handler", (Endpoint,), {"received": received})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/metrics", received
        server.shutdown()
        thread.join()


def test_an_endpoint_receives_what_was_counted(
    endpoint: tuple[str, list[ExportMetricsServiceRequest]],
) -> None:
    """Over OTLP, with the last values at the end of the program."""
    address, received = endpoint
    exporter = OTLPMetricExporter(address)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=60_000)
    provider = MeterProvider([reader], shutdown_on_exit=False)
    metrics = Metrics([])
    metrics.count(order_paid, "paid", labels={"plan": "plan"})
    metrics.observe(order_paid, "sizes", value="total", unit="EUR", buckets=(1, 5))
    export(metrics, provider)
    with metrics:
        for total in (1, 3, 9):
            order_paid.send("shop", total=total, plan="yearly")
        provider.force_flush()
        order_paid.send("shop", total=3, plan="yearly")
    provider.shutdown()

    told = {
        it.name: it
        for request in received
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for it in scope.metrics
    }
    assert len(received) == 2
    [paid] = told["paid"].sum.data_points
    assert (paid.as_int, paid.attributes[0].key) == (4, "plan")
    assert told["paid"].sum.is_monotonic is True
    [sizes] = told["sizes"].histogram.data_points
    assert (sizes.count, sizes.sum, list(sizes.bucket_counts)) == (4, 16, [1, 2, 1])
    assert told["sizes"].unit == "EUR"


# --- events -----------------------------------------------------------------------------


def kept_events() -> tuple[LoggerProvider, InMemoryLogRecordExporter]:
    """Give a logger provider, and what keeps its records."""
    kept = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # It tells no types.
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(kept))
    return provider, kept


def test_emissions_are_events_if_that_is_asked_for() -> None:
    """The name is that of the signal; of the payload there is what was named."""
    provider, kept = kept_events()
    metrics = Metrics([], labels={"app": "shop"})
    given: dict[str, Any] = {
        "plan": "plan",
        "total": lambda e: e.payload["total"],
        "kind": lambda e: Signal,
    }
    events(metrics, order_paid, attributes=given, logger_provider=provider)
    with metrics:
        order_paid.send("shop", total=12.5, plan="yearly")
        with order_paid.muted():
            order_paid.send("shop", total=1, plan="yearly")
    order_paid.send("shop", total=1, plan="yearly")

    [event] = [it.log_record for it in kept.get_finished_logs()]
    assert event.event_name == "order_paid"
    assert dict(event.attributes or {}) == {
        "app": "shop",
        "plan": "yearly",
        "total": 12.5,
        "kind": str(Signal),
    }
    assert event.body is None
    assert event.timestamp is not None


def test_the_global_logger_provider_is_the_default() -> None:
    """As everywhere in OpenTelemetry."""
    provider, kept = kept_events()
    set_logger_provider(provider)
    metrics = Metrics([])
    events(metrics, order_paid, "orders.paid")
    with metrics:
        order_paid.send("shop", total=1, plan="yearly")

    assert [it.log_record.event_name for it in kept.get_finished_logs()] == ["orders.paid"]


def test_what_cannot_be_an_event_is_refused_or_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Wrong names when it is declared, and what cannot be read once; the program goes on."""
    provider, kept = kept_events()
    metrics = Metrics([])
    with pytest.raises(ArgumentError, match="reads 'tariff'"):
        events(metrics, order_paid, attributes={"tariff": "tariff"})
    with pytest.raises(ArgumentError, match="is no name"):
        events(metrics, Signal())
    loose = Signal("loose")
    events(metrics, loose, attributes={"plan": "plan"}, logger_provider=provider)
    with metrics:
        loose.send()
        loose.send()
        loose.send(plan="yearly")

    assert len(kept.get_finished_logs()) == 1
    assert caplog.messages == ["The event 'loose' could not be made: KeyError."]
