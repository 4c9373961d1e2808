"""The instrument: what is counted of emissions and deliveries, and where counting ends."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import ArgumentError, Signal, StateError
from heliograph.blinker import NamedSignal
from heliograph.metrics import Health, Metrics, ReceiverFigures, SignalFigures
from tests.threads import fast_switching, in_a_plain_thread, in_threads

if TYPE_CHECKING:
    from collections.abc import Iterator


def counts_of(figures: SignalFigures | None) -> tuple[int, int, int, dict[str, int]]:
    """Give emissions, unheard ones, muted ones, and deliveries by receiver."""
    assert figures is not None
    short = {it.receiver.rpartition(".")[2]: it.count for it in figures.receivers}
    return figures.count, figures.unheard, figures.muted, short


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    """Give metrics that count, and stop them."""
    made = Metrics()
    made.start()
    yield made
    made.stop()


def test_emissions_and_deliveries_are_counted(metrics: Metrics) -> None:
    """Each receiver has its count; unheard and muted emissions are counted apart."""
    paid = Signal("order-paid")

    def first(sender: object) -> None: ...
    def second(sender: object) -> None: ...

    paid.send("shop")
    paid.connect(first)
    paid.send("shop")
    paid.connect(second)
    paid.send("shop")
    with paid.muted():
        paid.send("shop")

    found = metrics.snapshot().signal("order-paid")
    assert counts_of(found) == (4, 1, 1, {"first": 2, "second": 1})


def test_a_receiver_has_its_place_its_seconds_and_its_slowest_delivery(metrics: Metrics) -> None:
    """The slowest delivery has the line that sent; the sum is that of the histogram."""
    paid = Signal("order-paid")

    @paid.connect
    def wait(sender: float) -> None:
        end = asyncio.new_event_loop()
        end.run_until_complete(asyncio.sleep(sender))
        end.close()

    paid.send(0.0)
    paid.send(0.02)
    line = test_a_receiver_has_its_place_its_seconds_and_its_slowest_delivery.__code__

    found = metrics.snapshot().signal("order-paid")
    assert found is not None
    [receiver] = found.receivers
    assert receiver.location == f"tests/metrics/test_counting.py:{line.co_firstlineno + 4}"
    assert receiver.slowest.place == f"tests/metrics/test_counting.py:{line.co_firstlineno + 11}"
    assert receiver.seconds.sum == found.seconds > receiver.slowest.seconds >= 0.02
    assert receiver.seconds.quantile(1.0) >= 0.015


def test_errors_are_counted_by_their_type(metrics: Metrics) -> None:
    """A delivery that failed is counted and timed as any other, and once more by its error."""
    paid = Signal("order-paid")

    @paid.connect
    def fail(sender: type[Exception] | None) -> None:
        if sender is not None:
            raise sender

    for error in (ValueError, ValueError, StateError):
        with pytest.raises(error):
            paid.send(error)
    paid.send(None)

    found = metrics.snapshot().signal("order-paid")
    assert found is not None
    [receiver] = found.receivers
    assert (receiver.count, receiver.failed) == (4, 3)
    assert receiver.errors == {"builtins.ValueError": 2, "heliograph.StateError": 1}


def test_awaited_receivers_are_counted(metrics: Metrics) -> None:
    """`send_async` counts as `send` does, in many tasks at once."""
    paid = Signal("order-paid")

    @paid.connect
    async def wait(sender: object) -> None:
        await asyncio.sleep(0)

    async def send_many() -> None:
        await asyncio.gather(*(paid.send_async("shop") for _ in range(50)))

    asyncio.run(send_many())

    assert counts_of(metrics.snapshot().signal("order-paid")) == (50, 0, 0, {"wait": 50})


def test_threads_lose_no_counts(metrics: Metrics) -> None:
    """What several threads send at once is counted exactly, also while others take snapshots."""
    paid = Signal("order-paid")
    rounds = 3000

    @paid.connect
    def fail(sender: int) -> None:
        if sender % 3 == 0:
            raise ValueError

    def send_many() -> None:
        for number in range(rounds):
            try:
                paid.send(number)
            except ValueError:
                continue

    def look() -> None:
        for _ in range(50):
            metrics.snapshot()

    with fast_switching():
        assert in_threads(send_many, send_many, send_many, look) == []

    found = metrics.snapshot().signal("order-paid")
    assert counts_of(found) == (3 * rounds, 0, 0, {"fail": 3 * rounds})
    assert found is not None
    assert found.receivers[0].errors == {"builtins.ValueError": rounds}


def test_only_some_signals_may_be_counted() -> None:
    """Metrics of some signals see no others."""
    paid, shipped = Signal("order-paid"), Signal("order-shipped")

    with Metrics([paid]) as metrics:
        paid.send()
        shipped.send()

    assert [it.signal for it in metrics.snapshot().signals] == ["order-paid"]


def test_two_metrics_do_not_know_of_each_other() -> None:
    """Each counts what was sent between its own start and stop."""
    paid = Signal("order-paid")

    with Metrics() as outer:
        paid.send()
        with Metrics() as inner:
            paid.send()
    paid.send()

    counts = [it.snapshot().signal("order-paid") for it in (outer, inner)]
    assert [it.count for it in counts if it is not None] == [2, 1]


def test_metrics_are_started_and_stopped_by_async_blocks_too() -> None:
    """`async with` does what `with` does."""
    paid = Signal("order-paid")

    async def count() -> Metrics:
        async with Metrics() as metrics:
            paid.send()
        return metrics

    metrics = asyncio.run(count())
    paid.send()

    assert counts_of(metrics.snapshot().signal("order-paid")) == (1, 1, 0, {})


def test_starting_twice_is_refused(metrics: Metrics) -> None:
    """A second start is an error; after a stop it is none, and counts are kept."""
    paid = Signal("order-paid")
    paid.send()
    with pytest.raises(StateError, match="count already"):
        metrics.start()
    metrics.stop()
    assert repr(metrics) == "<Metrics, stopped>"
    metrics.start()
    paid.send()

    assert counts_of(metrics.snapshot().signal("order-paid")) == (2, 2, 0, {})
    assert repr(metrics) == "<Metrics, counting>"


def test_a_reset_begins_with_nothing(metrics: Metrics) -> None:
    """After a reset only what is sent from then on is counted."""
    paid = Signal("order-paid")

    @paid.connect
    def fail(sender: object) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        paid.send()
    before = metrics.snapshot()
    metrics.reset()
    after = metrics.snapshot()
    paid.connect(heard)
    with pytest.raises(LookupError):
        paid.send()

    assert after.signals == ()
    assert after.since >= before.taken
    found = metrics.snapshot().signal("order-paid")
    assert counts_of(found) == (1, 0, 0, {"fail": 1, "heard": 1})
    assert found is not None
    errors = {it.receiver.rpartition(".")[2]: it.errors for it in found.receivers}
    assert errors == {"fail": {"builtins.LookupError": 1}, "heard": {}}
    assert all(it.slowest.seconds > 0 for it in found.receivers)


def test_connected_and_dead_receivers_are_told(metrics: Metrics) -> None:
    """Figures have how many connections there are, and how many receivers have died."""
    paid = Signal("order-paid")

    def kept(sender: object) -> None: ...

    paid.connect(kept)

    def dropped(sender: object) -> None: ...

    paid.connect(dropped)
    paid.send()
    del dropped

    found = metrics.snapshot().signal("order-paid")
    assert found is not None
    assert (found.connected, found.dead) == (1, 1)


def test_nothing_is_kept_alive(metrics: Metrics) -> None:
    """Signals, receivers, senders and payloads live no longer; strong ones until a snapshot."""
    paid = Signal("order-paid")

    class Anything: ...

    def receiver(sender: object, **payload: object) -> object:
        return payload

    paid.connect(receiver, weak=False)
    sender, payload = Anything(), Anything()
    paid.send(sender, it=payload)
    references = [weakref.ref(it) for it in (paid, receiver, sender, payload)]
    del paid, receiver, sender, payload
    gc.collect()

    assert counts_of(metrics.snapshot().signal("order-paid")) == (1, 0, 0, {"receiver": 1})
    gc.collect()
    assert [it() for it in references] == [None, None, None, None]


def test_signals_that_come_and_go_are_counted_together(metrics: Metrics) -> None:
    """Signals of one name have one row, whether they live at once or one after the other."""
    for _ in range(3):
        Signal("order-paid").send()
        gc.collect()
    alive = [Signal("order-paid") for _ in range(3)]
    for it in alive:
        it.send()

    assert counts_of(metrics.snapshot().signal("order-paid")) == (6, 6, 0, {})


class OwnReceivers(NamedSignal):
    """A signal that finds its receivers itself."""

    def receivers_for(self, sender: object) -> Iterator[Any]:
        """Give one function of the module."""
        yield heard


def heard(sender: object) -> None:
    """Hear."""


def test_receivers_without_a_connection_are_counted(metrics: Metrics) -> None:
    """A subclass may return receivers that nobody connected: they are counted by their names."""
    own = OwnReceivers("own")
    own.connect(print)
    own.send()
    own.send()

    assert counts_of(metrics.snapshot().signal("own")) == (2, 0, 0, {"heard": 2})


module_signal = Signal()


def test_a_signal_without_a_name_is_called_by_its_variable(
    metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    """That looks through the modules, so it is done for fifty signals; more are one row."""
    module_signal.connect(heard)
    module_signal.send()
    module_signal.disconnect(heard)
    made = [Signal() for _ in range(60)]
    for it in made:
        it.send()

    found = {it.signal: it.count for it in metrics.snapshot().signals}
    assert found.pop("a signal without a name") + found.pop("<other>") == 60
    assert [it.rpartition(".")[2] for it in found] == ["module_signal"]


# --- caps ------------------------------------------------------------------------------


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Give the first words of what was logged."""
    assert {it.levelno for it in caplog.records} <= {logging.WARNING}
    return [it.getMessage().split(":")[0] for it in caplog.records]


def test_signals_above_the_cap_are_counted_together(caplog: pytest.LogCaptureFixture) -> None:
    """The sum stays right; one warning is logged, and health() has it."""
    signals = [Signal(f"signal-{number}") for number in range(5)]
    with Metrics(signals, at_most=2) as metrics:
        for it in signals:
            it.send()
            it.send()

    found = {it.signal: it.count for it in metrics.snapshot().signals}
    assert found == {"signal-0": 2, "signal-1": 2, "<other>": 6}
    assert warnings_in(caplog) == ["More than 2 signals were sent"]
    health = metrics.health()
    assert health == Health(False, 3, 0, health.problems)
    assert health.as_dict()["problems"] == (caplog.messages[0],)


def test_receivers_above_the_cap_are_counted_together(caplog: pytest.LogCaptureFixture) -> None:
    """The sum stays right, and one warning is logged."""
    paid = Signal("order-paid")
    names: dict[str, Any] = {}
    for number in range(4):
        exec(f"def receiver_{number}(sender): ...", names)  # noqa: S102 - functions of many names.
        paid.connect(names[f"receiver_{number}"])
    with Metrics([paid], at_most=2) as metrics:
        paid.send()
        metrics.snapshot()
        paid.send()

    found = metrics.snapshot().signal("order-paid")
    assert counts_of(found) == (2, 0, 0, {"receiver_0": 2, "receiver_1": 2, "<other>": 4})
    assert warnings_in(caplog) == ["'order-paid' has more than 2 receivers"]


def test_error_types_above_the_cap_are_counted_together(metrics: Metrics) -> None:
    """Fifty types of errors of one receiver are told apart."""
    paid = Signal("order-paid")

    @paid.connect
    def fail(sender: type[Exception]) -> None:
        raise sender

    for number in range(60):
        kind = type(f"Error{number}", (Exception,), {})
        with pytest.raises(kind):
            paid.send(kind)

    found = metrics.snapshot().signal("order-paid")
    assert found is not None
    errors = dict(found.receivers[0].errors)
    assert (len(errors), errors["<other>"]) == (51, 10)


def test_problems_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    """More than a hundred different problems are not kept."""
    signals = [Signal(f"signal-{number}") for number in range(110)]
    metrics = Metrics()
    metrics.name_senders(lambda sender: sender.name)
    with metrics:
        for it in signals:
            it.send()

    assert len(metrics.health().problems) == len(caplog.records) == 100


# --- senders ---------------------------------------------------------------------------


def test_senders_are_told_apart_once_they_are_named(caplog: pytest.LogCaptureFixture) -> None:
    """A naming of certain signals comes before the general one; above the cap it is <other>."""
    paid, shipped, packed = Signal("paid"), Signal("shipped"), Signal("packed")
    metrics = Metrics()
    metrics.name_senders(lambda sender: f"no {sender}", [paid], at_most=2)
    metrics.name_senders(lambda sender: type(sender).__name__)
    metrics.name_senders(lambda sender: "never", at_most=2)

    @paid.connect
    def hear(sender: object) -> None: ...

    with metrics:
        for number in (1, 2, 3, 4, 1):
            paid.send(number)
            shipped.send(number)
        packed.send("shop")

    found = {(it.signal, it.sender): it.count for it in metrics.snapshot().signals}
    assert found == {
        ("paid", "no 1"): 2,
        ("paid", "no 2"): 1,
        ("paid", "<other>"): 2,
        ("shipped", "int"): 5,
        ("packed", "str"): 1,
    }
    receivers = metrics.snapshot().signal("paid", "no 1")
    assert counts_of(receivers) == (2, 0, 0, {"hear": 2})
    assert warnings_in(caplog) == ["The senders of 'paid' have more than 2 names"]


def test_a_naming_that_fails_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    """The senders are <other> then, and the sends go on."""
    paid = Signal("paid")
    metrics = Metrics()
    metrics.name_senders(lambda sender: sender.name)
    with metrics:
        paid.send("shop")
        paid.send("kiosk")

    found = {(it.signal, it.sender): it.count for it in metrics.snapshot().signals}
    assert found == {("paid", "<other>"): 2}
    assert warnings_in(caplog) == ["The naming of the senders of 'paid' failed"]
    assert caplog.records[0].exc_info is not None


def test_senders_are_named_before_the_start(metrics: Metrics) -> None:
    """Later some counts would have no name; and what cannot name is refused at once."""
    with pytest.raises(StateError, match=r"before start\(\)"):
        metrics.name_senders(str)
    with pytest.raises(ArgumentError, match="cannot name senders"):
        Metrics().name_senders("name")  # type: ignore[arg-type]  # On purpose.
    with pytest.raises(ArgumentError, match="at_most=0 is no cap"):
        Metrics().name_senders(str, at_most=0)
    with pytest.raises(ArgumentError, match="at_most=True is no cap"):
        Metrics(at_most=True)


def test_many_emissions_are_counted_on_the_way(metrics: Metrics) -> None:
    """Only some hundred durations are kept until they are counted; the counts stay exact."""
    paid = Signal("order-paid")

    @paid.connect
    def hear(sender: object) -> None: ...

    for _ in range(1500):
        paid.send()
    paid.disconnect(hear)
    for _ in range(1500):
        paid.send()

    counting = metrics.counting
    assert len(counting._sent["order-paid"].pending) <= 501
    assert len(counting._sent["order-paid"].without) <= 501
    assert counts_of(metrics.snapshot().signal("order-paid")) == (3000, 1500, 0, {"hear": 1500})


def test_who_cannot_count_now_leaves_it_to_the_thread_that_does(metrics: Metrics) -> None:
    """A send never waits for a snapshot: what it has appended is counted by the next."""
    paid = Signal("order-paid")
    paid.send()

    def send_many() -> None:
        for _ in range(600):
            paid.send()

    with metrics.counting._lock:
        in_a_plain_thread(send_many)
        assert len(metrics.counting._sent["order-paid"].without) == 601

    assert counts_of(metrics.snapshot().signal("order-paid")) == (601, 601, 0, {})


def test_figures_are_plain_values(metrics: Metrics) -> None:
    """A snapshot becomes dicts, lists and numbers; equal counts are equal."""
    paid = Signal("order-paid")
    paid.connect(heard)
    paid.send()

    told = metrics.snapshot().as_dict()
    assert told["forked"] is False
    [receiver] = told["signals"][0]["receivers"]
    assert receiver["receiver"].endswith("heard")
    assert sum(receiver["seconds"]["counts"]) == 1
    assert metrics.snapshot().signal("order-paid", "shop") is None
    assert isinstance(metrics.snapshot().signals[0].receivers[0], ReceiverFigures)
