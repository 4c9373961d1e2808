"""What is counted of signals that cross to other processes, and the health of what lets them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import CollectorRegistry

from heliograph import ArgumentError, Signal
from heliograph.audit import Trail
from heliograph.metrics import Metrics, opentelemetry, prometheus
from heliograph.metrics.dashboards import alerts, dashboard, queries
from heliograph.metrics.prometheus import page
from heliograph.postponing import Postponed
from heliograph.relay import Health
from tests.crossing import Side, until, web_and_worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HEARD: list[int] = []


def bill(sender: str, *, order: int, **extra: object) -> None:
    """Receive, unless the order is a bad one."""
    HEARD.append(order)
    if order < 0:
        raise LookupError


def durable(it: Side) -> None:
    """Let a group receive, which tries once."""
    it.relay.durable(it.signal)
    it.relay.connect(it.signal, bill, group="billing", tries=1)


@pytest.fixture(autouse=True)
def heard() -> list[int]:
    """Begin with nothing."""
    HEARD.clear()
    return HEARD


def arrived(signal: Signal) -> Postponed:
    """Return a delivery to the only receiver of a signal, as a relay makes it."""
    [connection] = signal.connections
    return Postponed(signal, "shop", {}, connection, connection.receiver, "web", "one")


def series(metrics: Metrics) -> dict[str, Mapping[tuple[str, ...], Any]]:
    """Return the values of each metric."""
    return {it.about.name: it.series for it in metrics.families()}


def test_sends_count_where_they_are_sent_and_deliveries_where_they_arrive() -> None:
    """A send that only goes to other processes is not unheard."""
    with (
        web_and_worker(durable, ("billing",)) as (web, worker),
        Metrics([web.signal]) as of_web,
        Metrics([worker.signal]) as of_worker,
    ):
        for order in (1, -2, 3):
            web.signal.send("shop", order=order)
        until(lambda: len(HEARD) == 3 and worker.relay.health().dead == 1)

        sent, received = of_web.snapshot().signals[0], of_worker.snapshot().signals[0]
        [figures] = received.receivers
        assert (sent.count, sent.unheard, sent.receivers) == (3, 0, ())
        assert (received.count, received.unheard) == (0, 0)
        assert (figures.count, figures.relayed, figures.failed) == (3, 3, 1)
        assert figures.slowest.place is None

        of_worker.reset()
        worker.signal.send("shop", order=4)
        until(lambda: len(HEARD) == 4)
        [figures] = of_worker.snapshot().signals[0].receivers
        assert (figures.count, figures.relayed) == (1, 1)


def test_a_label_is_not_needed_to_tell_them_from_those_of_this_process() -> None:
    """They have a metric of their own, with the labels of the durations."""
    paid = Signal("order-paid")

    def note(sender: str, **extra: object) -> None:
        """Receive."""

    paid.connect(note)
    with Metrics([paid]) as metrics:
        paid.send("shop")
        arrived(paid).deliver()
        arrived(paid).deliver()
        gone = arrived(paid)
        paid.disconnect(note)
        gone.deliver()
        found = series(metrics)

    receiver = ("order-paid", "", f"{__name__}.{note.__qualname__}")
    assert found["signals.sent"] == {("order-paid", ""): 1.0}
    assert found["signals.unheard"] == {("order-paid", ""): 0.0}
    assert found["signals.receiver.relayed"] == {receiver: 2.0}
    assert found["signals.receiver.duration"][receiver].count == 3


def test_the_programs_own_metrics_count_what_is_sent_here() -> None:
    """Over all processes each act counts once."""
    paid = Signal("order-paid")
    paid.connect(print)
    metrics = Metrics([])
    metrics.count(paid)
    with metrics:
        paid.send("shop")
        arrived(paid).deliver()

    assert series(metrics)["order_paid"] == {(): 1.0}


def test_the_health_of_a_relay_is_metrics_in_one_line() -> None:
    """Counts never fall and have a total; the truth of a connection is 1."""
    metrics = Metrics([])
    with web_and_worker(durable, ("billing",)) as (web, worker):
        metrics.health_of(worker.relay.health, "relay")
        web.signal.send("shop", order=1)
        web.signal.send("shop", order=-1)
        until(lambda: series(metrics)["relay.dead"] == {(): 1.0})
        found = series(metrics)
        kinds = {it.about.name: (it.about.kind, it.about.unit) for it in metrics.families()}

    assert found["relay.connected"] == {(): 1.0}
    assert found["relay.received"] == {(): 1.0}
    assert found["relay.dropped"] == {(): 0.0}
    assert found["relay.dropped.by_reason"] == found["relay.oldest_unsent"] == {}
    assert "relay.problem" not in found
    assert kinds["relay.dead"] == ("counter", "")
    assert kinds["relay.waiting"] == ("gauge", "")
    assert kinds["relay.oldest_unsent"] == ("gauge", "s")
    assert set(Health.GROWING) <= {it.removeprefix("relay.") for it in kinds}


@dataclass(frozen=True)
class Made:
    """A health that is made up."""

    ready: bool
    kept: int
    age: float | None
    dropped: Mapping[str, int]


class Queue:
    """Something with a health."""

    def __init__(self) -> None:
        self.value: Any = Made(ready=False, kept=7, age=2.5, dropped={"full": 2, "old": 1})

    def health(self) -> Any:
        """Return it, or fail."""
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


def test_any_dataclass_is_a_health() -> None:
    """Numbers are gauges unless it says that they grow; counts by a text have a total."""
    metrics = Metrics([])
    metrics.health_of(Queue().health, "shop.queue")

    families = {it.about.name: it for it in metrics.families()}
    assert {name: dict(it.series) for name, it in families.items()} == {
        "shop.queue.ready": {(): 0.0},
        "shop.queue.kept": {(): 7.0},
        "shop.queue.age": {(): 2.5},
        "shop.queue.dropped": {(): 3.0},
        "shop.queue.dropped.by_reason": {("full",): 2.0, ("old",): 1.0},
        **{name: dict(it.series) for name, it in families.items() if "shop" not in name},
    }
    assert families["shop.queue.kept"].about.doc == "What health() says of 'kept'."
    assert families["shop.queue.kept"].about.kind == "gauge"


def test_a_health_that_fails_is_reported_and_the_rest_is_exported() -> None:
    """And it is read again."""
    queue, metrics = Queue(), Metrics([])
    metrics.health_of(queue.health, "queue")
    queue.value = LookupError()
    time.sleep(0.6)  # As long as a value serves.

    found = series(metrics)
    assert {name: it for name, it in found.items() if "queue" in name and it} == {}
    assert "heliograph.metrics.problems" in found
    assert [it for it in metrics.problems.all() if "'queue' could not be read" in it]


@pytest.mark.parametrize(
    ("health", "name", "message"),
    [
        (None, "relay", "cannot be asked: pass the method"),
        (lambda: {"running": True}, "relay", "is no health"),
        (lambda: Made, "relay", "is no health"),
        (Queue().health, "My Relay", "is no name for a metric"),
        (Queue().health, "queue", "which is declared already"),
    ],
)
def test_what_is_no_health_is_refused(health: Any, name: str, message: str) -> None:
    """At once, and nothing of it is declared."""
    metrics = Metrics([])
    metrics.health_of(Queue().health, "queue")
    before = len(metrics.families())

    with pytest.raises(ArgumentError, match=message):
        metrics.health_of(health, name)
    assert len(metrics.families()) == before


def exported(metrics: Metrics) -> dict[str, Any]:
    """Return what an SDK of OpenTelemetry reads."""
    reader = InMemoryMetricReader()
    opentelemetry.export(metrics, MeterProvider([reader]))
    data: Any = reader.get_metrics_data()
    [scope] = data.resource_metrics[0].scope_metrics
    return {
        it.name: {str(dict(point.attributes)): point.value for point in it.data.data_points}
        for it in scope.metrics
        if hasattr(it.data.data_points[0], "value")
    }


def test_both_exporters_have_them() -> None:
    """With the names that each of them uses."""
    metrics, registry = Metrics([]), CollectorRegistry()
    metrics.health_of(Queue().health, "queue")
    prometheus.export(metrics, registry)

    lines = page(metrics, registry, "")[1].decode().splitlines()
    assert [it for it in lines if it.startswith("queue")] == [
        "queue_ready 0.0",
        "queue_kept 7.0",
        "queue_age_seconds 2.5",
        "queue_dropped_total 3.0",
        'queue_dropped_by_reason_total{reason="full"} 2.0',
        'queue_dropped_by_reason_total{reason="old"} 1.0',
    ]
    found = exported(metrics)
    assert found["queue.age"] == {"{}": 2.5}
    assert found["queue.dropped.by_reason"] == {"{'reason': 'full'}": 2, "{'reason': 'old'}": 1}


def test_a_process_that_is_forked_goes_on_with_what_it_reads() -> None:
    """Whoever has a health begins again by itself."""
    metrics = Metrics([])
    metrics.health_of(Queue().health, "queue")
    metrics.declared.forget()

    assert series(metrics)["queue.kept"] == {(): 7.0}


def names(made: Mapping[str, Any]) -> list[str]:
    """Return the names of alert rules."""
    return [it["alert"] for group in made["groups"] for it in group["rules"]]


def test_rules_and_panels_are_made_of_what_has_a_health(health: Callable[[], Any]) -> None:
    """Of each relay and each trail by its own name."""
    metrics = Metrics([])
    assert not [it for it in names(alerts(metrics)) if it.startswith("Relay")]

    metrics.health_of(health, "relay")
    metrics.health_of(Trail("sqlite:///:memory:").health, "shop.trail")

    made = alerts(metrics)
    assert [it for it in names(made) if it.startswith(("Relay", "Shop"))] == [
        "RelayIsNotConnected",
        "RelayDrops",
        "RelayPutsAside",
        "RelayIsLate",
        "ShopTrailLoses",
    ]
    assert "max (relay_oldest_unsent_seconds) > 60" in queries(made)
    assert "sum (increase(shop_trail_lost_total[10m])) > 0" in queries(made)
    titles = [it["title"] for it in dashboard(metrics)["panels"]]
    assert "Envelopes of groups that were put aside" in titles


@pytest.fixture
def health() -> Callable[[], Any]:
    """Give the health of a relay."""
    from heliograph.relay import Relay

    return Relay("memory://metrics", app="shop").health
