"""Metrics of a program's own signals: declared in one line, refused there and then if wrong."""

from __future__ import annotations

import enum
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import ArgumentError, Namespace, Signal
from heliograph.metrics import Histogram, Metrics
from heliograph.metrics.families import Collected
from tests.metrics.reading import series_of
from tests.threads import fast_switching, in_threads

if TYPE_CHECKING:
    from collections.abc import Callable

shop = Namespace("shop")


@shop.declare
def order_paid(sender: object, *, total: Any, plan: Any) -> None:
    """An order was paid in full."""


@shop.span
def import_catalogue(sender: object, *, path: str) -> None:
    """A catalogue is read."""


class Plan(enum.Enum):
    """What customers may choose."""

    YEARLY = "yearly"


def test_emissions_are_counted_by_labels() -> None:
    """A label is an argument of the payload, or what a function makes of the emission."""
    metrics = Metrics([])
    metrics.count(
        order_paid, labels={"plan": "plan", "big": lambda e: e.payload["total"] > 10}, doc="Orders."
    )
    with metrics:
        for total, plan in ((5, "monthly"), (50, "yearly"), (60, Plan.YEARLY), (1, None)):
            order_paid.send("shop", total=total, plan=plan)
        with order_paid.muted():
            order_paid.send("shop", total=1, plan="monthly")
    order_paid.send("shop", total=1, plan="monthly")

    assert series_of(metrics, "order_paid") == {
        ("monthly", "false"): 1.0,
        ("yearly", "true"): 2.0,
        ("", "false"): 1.0,
    }


def test_values_are_kept_in_a_histogram() -> None:
    """Count, sum and buckets are those of the values; numbers of any kind are values."""
    metrics = Metrics([])
    metrics.observe(
        order_paid, value=lambda e: e.payload["total"], unit="EUR", buckets=(10, 20.5, 40)
    )
    with metrics:
        for total in (5, 20.5, Decimal("30.25"), 100):
            order_paid.send("shop", total=total, plan="monthly")

    [family] = [it for it in metrics.families() if it.about.name == "order_paid.value"]
    [histogram] = family.series.values()
    assert isinstance(histogram, Histogram)
    assert series_of(metrics, "order_paid.value") == {(): (4, 155.75)}
    assert family.about.bounds == (10.0, 20.5, 40.0)
    assert histogram.counts == (1, 1, 1, 1)


def test_default_buckets_depend_on_the_unit() -> None:
    """Seconds have those of requests, and other values wider ones."""
    metrics = Metrics([])
    metrics.observe(order_paid, "a", value="total", unit="s")
    metrics.observe(order_paid, "b", value="total")

    bounds = {it.about.name: it.about.bounds for it in metrics.families()}
    assert (bounds["a"][0], bounds["b"][0]) == (0.005, 5.0)


def test_a_gauge_tells_what_is_under_way() -> None:
    """It goes up with the start and down with whichever end comes; a reset changes nothing."""
    metrics = Metrics([])
    spans = import_catalogue
    metrics.gauge(spans.started, spans.finished, spans.failed, labels={"path": "path"})
    name = "import_catalogue.active"
    with metrics:
        with import_catalogue("shop", path="a.csv"):
            with suppress(LookupError), import_catalogue("shop", path="b.csv"):
                inside = series_of(metrics, name)
                raise LookupError
            metrics.reset()
            between = series_of(metrics, name)
        after = series_of(metrics, name)

    assert inside == {("a.csv",): 1.0, ("b.csv",): 1.0}
    assert between == {("a.csv",): 1.0, ("b.csv",): 0.0}
    assert after == {("a.csv",): 0.0, ("b.csv",): 0.0}


def test_metrics_may_be_declared_while_others_are_taken() -> None:
    """From then on they count."""
    with Metrics() as metrics:
        order_paid.send("shop", total=1, plan="monthly")
        metrics.count(order_paid)
        order_paid.send("shop", total=1, plan="monthly")

    assert series_of(metrics, "order_paid") == {(): 1.0}
    assert series_of(metrics, "signals.sent")[("order_paid", "")] == 2.0


def test_what_is_known_is_zero_from_the_declaration_on() -> None:
    """A metric without labels is there at once, and so are expected label sets."""
    metrics = Metrics([])
    metrics.count(order_paid)
    metrics.count(order_paid, "by_plan", labels={"plan": "plan"}, expected=[{"plan": "yearly"}])

    assert series_of(metrics, "order_paid") == {(): 0.0}
    assert series_of(metrics, "by_plan") == {("yearly",): 0.0}


class TotalOf:
    """Reads the total of an emission."""

    def __call__(self, emission: Any) -> Any:
        """Read it."""
        return emission.payload["total"]


def test_threads_lose_no_values() -> None:
    """What several threads add at once is counted exactly, also while others read."""
    metrics = Metrics([])
    metrics.count(order_paid, labels={"plan": "plan"})
    metrics.observe(order_paid, value=TotalOf())

    def send_many() -> None:
        for number in range(2000):
            order_paid.send("shop", total=2, plan=f"plan-{number % 3}")

    def read() -> None:
        for _ in range(50):
            metrics.families()

    with metrics, fast_switching():
        assert in_threads(send_many, send_many, send_many, read) == []

    assert sum(series_of(metrics, "order_paid").values()) == 6000.0  # type: ignore[arg-type]  # They are numbers.
    assert series_of(metrics, "order_paid.value") == {(): (6000, 12000.0)}


def test_one_metric_may_be_read_alone() -> None:
    """By its name; one that is not there is an error."""
    metrics = Metrics([], labels={"app": "shop"})
    metrics.count(order_paid, doc="Orders.")

    found = metrics.family("order_paid")
    assert (found.about.doc, found.about.labels) == ("Orders.", ("app",))
    assert found.series == {("shop",): 0.0}
    with pytest.raises(LookupError, match="no metric 'order_shipped'"):
        metrics.family("order_shipped")


# --- bad input -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda m: m.count(order_paid, labels={"plan": "pln"}), "reads 'pln', which .*declared"),
        (lambda m: m.count(order_paid, labels={"p": lambda e: e.payload["pln"]}), "reads 'pln'"),
        (lambda m: m.observe(order_paid, value="sum"), "value reads 'sum'"),
        (lambda m: m.observe(order_paid, value=lambda e: e.payload["sum"]), "value reads 'sum'"),
        (lambda m: m.observe(order_paid, value=12), "value=12 reads nothing"),
        (
            lambda m: m.observe(order_paid, value="total", buckets=[2, 1]),
            "are no bounds",
        ),
        (lambda m: m.observe(order_paid, value="total", buckets="x"), "are no bounds"),
        (lambda m: m.observe(order_paid, value="total", unit=7), "unit=7 is no unit"),
        (lambda m: m.count("order_paid"), "'order_paid' is not a signal: pass the signal itself"),
        (lambda m: m.count(order_paid, "Order paid"), "is no name for a metric"),
        (lambda m: m.count(order_paid, 7), "is no name for a metric"),
        (lambda m: m.count(order_paid, labels={"le": "plan"}), "'le' is no name for a label"),
        (lambda m: m.count(order_paid, labels={"a b": "plan"}), "'a b' is no name for a label"),
        (lambda m: m.count(order_paid, labels={"a.b": "plan", "a_b": "plan"}), "would be one"),
        (lambda m: m.count(order_paid, expected=[{"plan": "x"}]), "expected= has the labels plan"),
        (
            lambda m: m.count(order_paid, labels={"plan": "plan"}, expected=[{}]),
            "expected= has the labels none, and the metric has plan",
        ),
        (lambda m: m.count(order_paid, at_most=0), "at_most=0 is no cap"),
        (lambda m: m.count(Signal()), "pass name="),
        (lambda m: m.gauge(order_paid), "Nothing ends what signal 'order_paid' starts"),
        (lambda m: m.count(order_paid, "signals.sent"), "collide with 'signals.sent'"),
    ],
)
def test_what_cannot_be_a_metric_is_refused_when_it_is_declared(
    declare: Callable[[Metrics], None], message: str
) -> None:
    """Nothing of it is there afterwards."""
    metrics = Metrics([])
    before = metrics.families()

    with pytest.raises(ArgumentError, match=message):
        declare(metrics)

    assert metrics.families() == before


@pytest.mark.parametrize(
    ("declare", "other"),
    [
        (lambda m: m.observe(order_paid, "order_paid", value="total"), "order_paid"),
        (lambda m: m.count(order_paid), "order_paid"),
        (lambda m: m.count(order_paid, "order_paid_total"), "order_paid"),
        (lambda m: m.count(order_paid, "order.paid"), "order_paid"),
        (lambda m: m.count(order_paid, "sizes_count"), "sizes"),
        (lambda m: m.gauge(order_paid, shop["order_paid"], name="sizes_bucket"), "sizes"),
    ],
)
def test_names_that_collide_in_some_system_are_refused(
    declare: Callable[[Metrics], None], other: str
) -> None:
    """Prometheus keeps the first of two samples of one name, and says nothing."""
    metrics = Metrics([])
    metrics.count(order_paid)
    metrics.observe(order_paid, "sizes", value="total")

    with pytest.raises(ArgumentError, match=f"collide with '{other}'"):
        declare(metrics)


def test_a_value_that_cannot_be_read_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    """The program goes on, and so do the metric and all others."""
    metrics = Metrics([])
    loose = Signal("loose")
    metrics.observe(loose, value="total")
    metrics.observe(loose, "half", value=lambda e: e.payload["total"] / 2)
    with metrics:
        for total in ("12", None, 3):
            loose.send("shop", total=total)
        loose.send("shop")

    assert series_of(metrics, "loose.value") == {(): (1, 3.0)}
    assert series_of(metrics, "half") == {(): (1, 1.5)}
    assert [it.split(": ")[1] for it in metrics.health().problems] == [
        "nothing is recorded for such emissions. The reading raised TypeError.",
        "nothing is recorded for such emissions. The reading raised TypeError.",
        "nothing is recorded for such emissions. The reading raised KeyError.",
        "nothing is recorded for such emissions. The reading raised KeyError.",
    ]
    assert caplog.messages == list(metrics.health().problems)
    assert series_of(metrics, "heliograph.metrics.problems") == {(): 6.0}


def test_a_label_that_cannot_be_read_is_unknown(caplog: pytest.LogCaptureFixture) -> None:
    """The emission counts all the same."""
    metrics = Metrics([])
    loose = Signal("loose")
    metrics.count(loose, labels={"plan": "plan"})
    with metrics:
        loose.send("shop", plan="yearly")
        loose.send("shop")
        loose.send("shop")

    assert series_of(metrics, "loose") == {("yearly",): 1.0, ("<unknown>",): 2.0}
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), -1.0])
def test_a_number_that_would_spoil_a_sum_is_left_out(
    value: float, caplog: pytest.LogCaptureFixture
) -> None:
    """A sum that took a NaN would stay one for ever."""
    metrics = Metrics([])
    metrics.observe(order_paid, value="total")
    with metrics:
        for total in (1.0, value, 2.0, value):
            order_paid.send("shop", total=total, plan="monthly")

    assert series_of(metrics, "order_paid.value") == {(): (2, 3.0)}
    assert [it.partition(":")[0] for it in caplog.messages] == [
        "The metric 'order_paid.value' was given a number that would spoil its sum"
    ]


def test_a_label_explosion_is_counted_as_others(caplog: pytest.LogCaptureFixture) -> None:
    """The sum stays right, memory is bounded, and one warning is logged."""
    metrics = Metrics([])
    metrics.count(order_paid, labels={"plan": "plan"}, at_most=3)
    with metrics:
        for number in range(50):
            order_paid.send("shop", total=1, plan=f"plan-{number}")

    assert series_of(metrics, "order_paid") == {
        ("plan-0",): 1.0,
        ("plan-1",): 1.0,
        ("plan-2",): 1.0,
        ("<other>",): 47.0,
    }
    _, made = metrics.declared._all.popitem()
    assert isinstance(made, Collected)
    assert len(made._series) <= 6
    assert len(caplog.messages) == 1


class Unhashable:
    """A value whose text is all that can be had of it."""

    __hash__: Any = None

    def __str__(self) -> str:
        return "one"


def test_labels_are_safe_text() -> None:
    """No surrogate, no end of text and no long text reaches a library."""
    metrics = Metrics([])
    metrics.count(order_paid, labels={"plan": "plan"})
    plans: list[Any] = ["gr\ud800n", "nul\0", "x" * 1000, Unhashable(), "", "gr\udc00n"]
    with metrics:
        for plan in plans:
            order_paid.send("shop", total=1, plan=plan)

    assert series_of(metrics, "order_paid") == {
        ("gr?n",): 2.0,
        ("nul?",): 1.0,
        ("x" * 119 + "…",): 1.0,
        ("one",): 1.0,
        ("",): 1.0,
    }


def test_many_values_are_counted_on_the_way() -> None:
    """Only some hundred values are kept until they are counted, whoever reads meanwhile."""
    metrics = Metrics([])
    metrics.count(order_paid)
    [collected] = metrics.declared._all.values()
    assert isinstance(collected, Collected)

    def send_many() -> None:
        for _ in range(600):
            order_paid.send("shop", total=1, plan="yearly")

    with metrics:
        send_many()
        assert len(collected._series[()]) < 501
        with collected._lock:
            assert in_threads(send_many) == []
            assert len(collected._series[()]) > 600

    assert series_of(metrics, "order_paid") == {(): 1200.0}
