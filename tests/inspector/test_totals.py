"""What receivers took in all: of several processes, and of what was recorded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from heliograph import ArgumentError, Signal
from heliograph.inspector.totals import ORDERS, Total, Totals, of_counts, of_emissions
from heliograph.metrics import Metrics
from tests.inspector.test_filters import FAILED, PACKED, PAID

paid, lonely = Signal("totals-paid"), Signal("totals-lonely")


def fail(sender: object, total: int = 0, **extra: object) -> None:
    """Fail if the total is odd."""
    if total % 2:
        raise ValueError


def note(sender: object, **extra: object) -> None:
    """Receive."""


def counted(*totals: int) -> dict[str, Any]:
    """Count some sends, and return them as a process tells them."""
    with paid.connected_to(fail), paid.connected_to(note), Metrics() as metrics:
        for total in totals:
            if total % 2:
                with pytest.raises(ValueError):  # noqa: PT011 - it has no message.
                    paid.send("shop", total=total)
            else:
                paid.send("shop", total=total)
        lonely.send("shop")
        with lonely.muted():
            lonely.send("shop")
        return metrics.snapshot().as_dict()


def test_the_counts_of_all_processes_are_summed() -> None:
    """With the slowest of all, and with quantiles that are not above it."""
    first, second = counted(1, 2, 3), counted(4, 5)

    totals = of_counts([first, second])

    both = {it.receiver: it for it in totals.receivers}
    failing, noting = both[f"{__name__}.fail"], both[f"{__name__}.note"]
    parts = [
        receiver
        for it in (first, second)
        for signal in it["signals"]
        for receiver in signal["receivers"]
        if receiver["receiver"] == noting.receiver
    ]
    assert (failing.count, failing.errors, failing.failed) == (5, {"ValueError": 3}, 3)
    assert (noting.count, noting.errors) == (5, {})
    assert noting.seconds == pytest.approx(sum(it["seconds"]["sum"] for it in parts))
    assert noting.slowest == max(it["slowest"]["seconds"] for it in parts)
    assert 0 < noting.median <= noting.p99 <= noting.slowest
    assert noting.location == f"tests/inspector/test_totals.py:{note.__code__.co_firstlineno}"
    assert totals.emissions == 9
    assert totals.unheard == {"totals-lonely": 2}
    assert totals.dead == {}


def test_receivers_that_died_are_those_of_one_process() -> None:
    """Each process has lost its own copy of the same one."""
    with_dead = counted(2)
    for it in with_dead["signals"]:
        it["dead"] = 3

    assert set(of_counts([with_dead, with_dead]).dead.values()) == {3}


@pytest.mark.parametrize("given", [[{}], [3], [{"signals": 3}], [{"signals": [{}]}]])
def test_what_are_no_counts_are_refused(given: Any) -> None:
    """Another version may count in another way."""
    with pytest.raises(ArgumentError, match="no counts"):
        of_counts(given)


def test_histograms_with_other_bounds_are_refused() -> None:
    """They cannot be summed."""
    first, second = counted(2), counted(2)
    for it in second["signals"]:
        for receiver in it["receivers"]:
            receiver["seconds"]["bounds"] = (1.0,)

    with pytest.raises(ArgumentError, match="no counts"):
        of_counts([first, second])


def test_what_was_recorded_is_summed_exactly() -> None:
    """Without buckets."""
    durations = [at / 128 for at in range(1, 101)]
    emissions = [
        replace(PAID, id=at, location=f"shop.py:{at}", deliveries=(replace(PACKED, duration=it),))
        for at, it in enumerate(durations)
    ]
    unheard = replace(PAID, signal="lonely", deliveries=(), unheard="no receivers")

    totals = of_emissions([*emissions, unheard])

    assert totals == Totals(
        emissions=101,
        receivers=(
            Total(
                signal="order-paid",
                receiver="shop.orders.pack",
                location=None,
                count=100,
                errors={},
                seconds=5050 / 128,
                median=50 / 128,
                p99=99 / 128,
                slowest=100 / 128,
                place="shop.py:99",
            ),
        ),
        unheard={"lonely": 1},
        dead={},
    )


def test_errors_are_counted_by_their_type() -> None:
    """Their messages are left out."""
    failed = replace(FAILED, error="ValueError: no mail")
    totals = of_emissions([replace(PAID, deliveries=(failed, PACKED, failed))])

    assert {it.receiver: it.errors for it in totals.receivers} == {
        "shop.mail.send": {"ValueError": 2},
        "shop.orders.pack": {},
    }


@pytest.mark.parametrize("what", ORDERS)
def test_the_largest_come_first(what: str) -> None:
    """By whatever is asked for."""
    small = Total("a", "small", None, 1, {}, 1.0, 1.0, 1.0, 1.0, None)
    large = Total("a", "large", None, 2, {"E": 1}, 2.0, 2.0, 2.0, 2.0, None)
    found = Totals(3, (small, large), {}, {}).sorted_by(what)

    assert found.receivers == (large, small)
    assert found.as_dict()["receivers"][0]["receiver"] == "large"


def test_an_order_that_is_none_is_refused() -> None:
    """With those that there are."""
    with pytest.raises(ArgumentError, match="use one of total, calls, errors"):
        Totals(0, (), {}, {}).sorted_by("colour")
