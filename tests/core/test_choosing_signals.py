"""An instrument says which signals it wants to see, and nobody else pays."""

from __future__ import annotations

import gc
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

import pytest

from heliograph import (
    ArgumentError,
    Namespace,
    Signal,
    add_instrument,
    blinker,
    default_namespace,
    remove_instrument,
)
from heliograph.core.observing.wishes import EVERYWHERE, show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heliograph import Emission


class Seeing:
    """An instrument that writes down what it sees."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def __call__(self, emission: Emission) -> None:
        """Write down the signal's name."""
        self.seen.append(emission.signal.name)


class SeeingAll(Seeing):
    """It sees starts and connections as well."""

    def on_start(self, emission: Emission) -> None:
        """Write down a start."""
        self.seen.append(f"{emission.signal.name} starts")

    def on_connect(self, signal: Signal, connection: object, previous: object) -> None:
        """Write down a connection."""
        self.seen.append(f"{signal.name} connects")


def _append(told: list[str], name: str, emission: Emission) -> None:
    told.append(name)


def receive(sender: object, **extra: object) -> None:
    """Receive whatever comes."""


@pytest.fixture
def seeing() -> Iterator[Seeing]:
    """Give an instrument that is removed in the end."""
    instrument = Seeing()
    yield instrument
    remove_instrument(instrument)


@pytest.fixture
def everything() -> Iterator[Seeing]:
    """Give one that sees every signal."""
    instrument = Seeing()
    add_instrument(instrument)
    yield instrument
    remove_instrument(instrument)


def test_an_instrument_sees_the_signals_that_it_has_named(seeing: Seeing) -> None:
    """Whether anybody is connected or not, and no others."""
    paid, shipped, lost = Signal("paid"), Signal("shipped"), Signal("lost")
    paid.connect(receive)
    lost.connect(receive)
    add_instrument(seeing, signals=[paid, shipped])

    for signal in (paid, shipped, lost, paid):
        signal.send("shop")

    assert seeing.seen == ["paid", "shipped", "paid"]


async def test_so_it_does_where_receivers_are_awaited(seeing: Seeing) -> None:
    """The other way of sending asks the same."""
    paid, lost = Signal("paid"), Signal("lost")
    paid.connect(receive)
    lost.connect(receive)
    add_instrument(seeing, signals=[paid])

    await paid.send_async("shop")
    await lost.send_async("shop")

    assert seeing.seen == ["paid"]


def test_starts_and_connections_are_those_of_the_named_signals() -> None:
    """Its methods see no more than it does itself."""
    paid, lost, instrument = Signal("paid"), Signal("lost"), SeeingAll()
    add_instrument(instrument, signals=[paid])
    try:
        for signal in (lost, paid):
            signal.connect(receive)
            signal.send("shop")
    finally:
        remove_instrument(instrument)
    lost.connect(receive, "shop")
    paid.send("shop")

    assert instrument.seen == ["paid connects", "paid starts", "paid"]


def test_a_namespace_stands_for_its_signals_and_those_to_come(seeing: Seeing) -> None:
    """Those of nested namespaces too; a nested one stands for its own alone."""
    shop, other = Namespace("shop"), Namespace("other")
    billing = shop.namespace("billing")
    early = shop.signal("early")
    add_instrument(seeing, signals=[billing, other])

    for signal in (early, shop.signal("late"), billing.signal("paid"), other.signal("lost")):
        signal.send("shop")

    assert seeing.seen == ["billing.paid", "lost"]


def test_a_pattern_stands_for_the_signals_that_match_and_those_to_come(seeing: Seeing) -> None:
    """As it does where receivers are connected."""
    shop = Namespace("shop")
    early, other = shop.signal("order-paid"), shop.signal("cart-filled")
    add_instrument(seeing, signals=[shop.signals("order-*")])

    for signal in (early, other, shop.signal("order-shipped"), shop.signal("cart-left")):
        signal.send("shop")

    assert seeing.seen == ["order-paid", "order-shipped"]


def test_declared_signals_are_seen_as_others_are(seeing: Seeing) -> None:
    """However a signal came into its namespace."""
    shop = Namespace("shop")
    add_instrument(seeing, signals=[shop])

    @shop.declare
    def order_paid(sender: object, *, total: int) -> None:
        """An order was paid."""

    order_paid.send("shop", total=1)

    assert seeing.seen == ["order_paid"]


def test_a_namespace_of_blinkers_has_names_of_any_kind(seeing: Seeing) -> None:
    """All of them are meant, where a pattern means texts."""
    shop = blinker.Namespace()
    shop.signal(3)  # type: ignore[arg-type]  # Blinker takes any name.
    add_instrument(seeing, signals=[shop])

    for name in (3, "paid", ("a", "b")):
        shop.signal(name).send("shop")  # type: ignore[arg-type]  # As above.

    assert seeing.seen == [3, "paid", ("a", "b")]


def test_the_default_namespace_is_one_for_both(seeing: Seeing) -> None:
    """Blinker's signals are among those that are seen."""
    add_instrument(seeing, signals=[default_namespace])

    blinker.signal("of blinker's names").send("shop")

    assert seeing.seen == ["of blinker's names"]


def test_instruments_are_told_in_the_order_in_which_they_were_added() -> None:
    """Those of one signal and those of all alike."""
    signal, told, names = Signal("paid"), list[str](), ("first", "second", "third")
    first, second, third = [partial(_append, told, name) for name in names]
    add_instrument(first)
    add_instrument(second, signals=[signal])
    add_instrument(third)
    signal.send("shop")
    Signal("other").send("shop")
    remove_instrument(first)
    signal.send("shop")
    for each in (second, third):
        remove_instrument(each)
    signal.send("shop")

    assert told == [*names, "first", "third", "second", "third"]


def test_nobody_else_pays(seeing: Seeing) -> None:
    """A signal that nobody has named asks the list that all such signals share."""
    shop, lost = Namespace("shop"), Signal("lost")
    paid = shop.signal("paid")
    add_instrument(seeing, signals=[shop])
    named = paid._registry.watchers

    assert (list(named), list(lost._registry.watchers)) == ([seeing], [])
    assert lost._registry.watchers is lost._registry.anyone is EVERYWHERE

    remove_instrument(seeing)

    assert paid._registry.watchers is paid._registry.anyone is EVERYWHERE


def test_a_signal_that_is_named_does_not_live_longer(seeing: Seeing) -> None:
    """Nor does its namespace."""
    paid, shop = Signal("paid"), Namespace("shop")
    cart = shop.signal("cart")
    add_instrument(seeing, signals=[paid, shop])
    held: list[ref[Any]] = [ref(paid), ref(shop), ref(cart)]
    del paid, shop, cart
    gc.collect()

    assert [it() for it in held] == [None] * 3


def test_a_namespace_forgets_who_is_gone(seeing: Seeing) -> None:
    """However many instruments come and go."""
    shop = Namespace("shop")
    for _ in range(5):
        add_instrument(seeing, signals=[shop])
        remove_instrument(seeing)
    shop.signal("early").send("shop")
    add_instrument(seeing, signals=[shop.signals("paid")])
    shop.signal("paid").send("shop")

    assert seeing.seen == ["paid"]
    assert len(shop._names.templates.wishes) == 1


def test_who_was_removed_meanwhile_sees_nothing(seeing: Seeing) -> None:
    """A namespace may just be telling it of a new signal, in another thread."""
    shop = Namespace("shop")
    add_instrument(seeing, signals=[shop])
    [(_, held)] = shop._names.templates.wishes
    wish = held()
    assert wish is not None
    remove_instrument(seeing)
    late = shop.signal("late")
    show(wish, [late._registry])
    late.send("shop")

    assert seeing.seen == []


def test_what_was_named_again_is_added_once(seeing: Seeing) -> None:
    """In whatever order."""
    paid, shop = Signal("paid"), Namespace("shop")
    add_instrument(seeing, signals=[paid, shop, paid])
    add_instrument(seeing, signals=[shop, paid])
    paid.send("shop")

    assert seeing.seen == ["paid"]


def test_an_instrument_has_one_choice(seeing: Seeing, everything: Seeing) -> None:
    """What it has named does not change while it watches."""
    paid, lost = Signal("paid"), Signal("lost")
    add_instrument(seeing, signals=[paid])
    for instrument, signals in ((seeing, [lost]), (seeing, None), (everything, [paid])):
        with pytest.raises(ArgumentError, match="was added before, for other signals"):
            add_instrument(instrument, signals=signals)
    for signal in (paid, lost):
        signal.send("shop")

    assert (seeing.seen, everything.seen) == (["paid"], ["paid", "lost"])


NOTHING = "is nothing that an instrument can watch: pass signals, namespaces, or"


@pytest.mark.parametrize(
    ("signals", "message"),
    [
        ([Signal("paid"), "paid"], f"'paid' {NOTHING}"),
        ([None], f"None {NOTHING}"),
        ([Signal], NOTHING),
        ([], "signals=[] names no signal. Leave it out to see every signal."),
        ("paid", "signals='paid' is one thing: pass a list"),
        (Signal("paid"), "is one thing: pass a list"),
        (Namespace("shop"), "is one thing: pass a list"),
        (Namespace("shop").signals("*"), "is one thing: pass a list"),
        (3, "signals=3 is not a list of signals."),
    ],
)
def test_what_is_no_signal_is_refused(seeing: Seeing, signals: Any, message: str) -> None:
    """Before anything has changed."""
    with pytest.raises(ArgumentError) as caught:
        add_instrument(seeing, signals=signals)
    for signal in signals if isinstance(signals, list) else ():
        if isinstance(signal, Signal):
            signal.send("shop")
    add_instrument(seeing, signals=[Signal("another")])

    assert message in str(caught.value)
    assert seeing.seen == []
