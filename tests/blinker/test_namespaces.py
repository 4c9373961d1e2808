"""Blinker's namespaces are dicts, and declare signals as Heliograph's own do."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from typing import Any

import pytest

import heliograph
from heliograph import ArgumentError, ReceiverError, blinker
from heliograph.blinker import NamedSignal, Namespace
from tests.blinker.processes import in_a_fresh_process


def test_a_blinker_namespace_declares() -> None:
    """As Heliograph's own: signals, spans and classes, nested ones and matching ones."""
    shop = Namespace()
    by_name = shop.signal("paid")

    @shop.declare
    def paid(sender: str, *, total: int) -> None:
        """An order was paid."""

    @shop.span
    def resize(sender: str, *, path: str) -> None: ...

    class Lost:
        def __init__(self, *, order: int) -> None: ...

    lost = shop.declare_payload("lost", Lost)
    nested = shop.namespace("billing").signal("sent")
    heard: list[object] = []
    shop.signals("found-*").connect(heard.append, weak=False)
    shop.signal("found-it").send("shop")

    assert paid is by_name
    assert list(shop) == [
        "paid",
        "resize.started",
        "resize.finished",
        "resize.failed",
        "lost",
        "billing.sent",
        "found-it",
    ]
    assert [it.name for it in shop.declarations] == list(shop)[:5]
    assert {type(it) for it in shop.values()} == {NamedSignal}
    assert (resize.started, lost, nested) == tuple(
        shop[it] for it in ("resize.started", "lost", "billing.sent")
    )
    assert (shop.namespace("billing")["sent"], heard) == (nested, ["shop"])
    with pytest.raises(ReceiverError, match="does not take 'total'"):
        by_name.connect(lambda sender: None, weak=False)
    with pytest.raises(ArgumentError, match="declared already"):
        shop.declare(name="paid")(lambda sender: None)


def test_a_blinker_namespace_is_a_dict_all_the_same() -> None:
    """Its methods are those of a dict, and two with the same signals are equal."""
    shop = Namespace({"paid": NamedSignal("paid")})
    paid: Any = shop["paid"]

    assert isinstance(shop, heliograph.Namespace)
    assert (shop == {"paid": paid}, repr(shop)) == (True, repr({"paid": paid}))
    assert (type(shop.keys()), type(shop.items())) == (type({}.keys()), type({}.items()))
    assert (shop.get("lost"), shop.setdefault("paid", NamedSignal("x")), shop.name) == (
        None,
        paid,
        None,
    )
    with pytest.raises(AttributeError, match=r"namespace\['paid'\]"):
        shop.paid  # type: ignore[attr-defined]  # noqa: B018 - what is not there.


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])  # noqa: S301 - our own.
def test_a_copy_of_a_blinker_namespace_has_nobody_who_stands_by(copied: Any) -> None:
    """It has signals of its own, and so has whoever waits for more of them."""
    shop = Namespace()
    shop.signal("paid")
    shop.signals("*").connect(print)
    made = copied(shop)

    assert (type(made), list(made), made.signal("lost").connections) == (Namespace, ["paid"], ())
    assert made["paid"] is not shop["paid"]


@in_a_fresh_process
def test_a_copy_of_the_default_namespace_is_not_the_default_one() -> None:
    """What is made in it is in no other."""
    before = blinker.signal("before")
    made = copy.copy(blinker.default_namespace)
    made.signal("after")

    assert (dict(made)["before"], list(made)) == (before, ["before", "after"])
    assert list(heliograph.default_namespace) == ["before"]


def test_a_blinker_namespace_is_gone_as_soon_as_nobody_has_it() -> None:
    """Nothing that it needs for declaring refers to it."""
    shop = Namespace()
    shop.signal("paid")
    shop.signals("*").connect(print)
    gone = weakref.ref(shop)
    gc.disable()
    try:
        del shop
        assert gone() is None
    finally:
        gc.enable()
