"""Which emissions a watcher wants to see."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from heliograph import ArgumentError
from heliograph.inspector.filters import Only
from heliograph.inspector.seen import SeenDelivery, SeenEmission

PACKED = SeenDelivery("shop.orders.pack", None, None, 0.25, None, None, False, False)
FAILED = replace(PACKED, receiver="shop.mail.send", error="ValueError")
PAID = SeenEmission(
    process="1-a",
    id=0,
    parent=None,
    turn=0,
    signal="order-paid",
    namespace="shop",
    sender="a Shop",
    payload={},
    started=0.0,
    duration=0.5,
    thread="MainThread",
    task=None,
    location=None,
    request=None,
    muted=False,
    unheard=None,
    problem=None,
    deliveries=(PACKED,),
)


@pytest.mark.parametrize(
    ("only", "fits"),
    [
        (Only(), True),
        (Only(signal="order-paid"), True),
        (Only(signal="order-*"), True),
        (Only(signal="shop.order-*"), True),
        (Only(signal="order"), False),
        (Only(sender="shop"), True),
        (Only(sender="kiosk"), False),
        (Only(receiver="pack"), True),
        (Only(receiver="orders.*"), True),
        (Only(receiver="shop.orders.pack"), True),
        (Only(receiver="ack"), False),
        (Only(slower=0.5), True),
        (Only(slower=0.6), False),
        (Only(failed=True), False),
        (Only(heard=True), True),
        (Only(signal="order-*", sender="kiosk"), False),
    ],
)
def test_an_emission_fits_if_it_is_all_that_is_wanted(only: Only, fits: bool) -> None:
    """What is not given fits every one."""
    assert only.fits(PAID) is fits


def test_one_failed_receiver_is_enough() -> None:
    """The others may have received it."""
    assert Only(failed=True).fits(replace(PAID, deliveries=(PACKED, FAILED)))


def test_filters_travel_as_what_is_given() -> None:
    """And nothing else."""
    only = Only(sender="Shop", failed=True)

    assert only.as_dict() == {"sender": "Shop", "failed": True}
    assert Only.from_dict(only.as_dict()) == only
    assert not Only.from_dict({})
    assert only


@pytest.mark.parametrize("given", [{"colour": "blue"}, [], 3, {"slower": "long"}, {"signal": 3}])
def test_filters_that_are_not_known_are_refused(given: Any) -> None:
    """What an older process does not know would be seen as if nothing were wanted."""
    with pytest.raises(ArgumentError, match="no filters"):
        Only.from_dict(given)
