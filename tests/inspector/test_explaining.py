"""Whom a send would call, and why it would not call the others."""

from __future__ import annotations

import gc
from contextvars import ContextVar
from typing import TYPE_CHECKING

import pytest

from heliograph import Signal
from heliograph.inspector import DisconnectionInfo, Disconnections, Reason, explain
from tests.core.proxies import Proxy
from tests.threads import in_a_plain_thread

if TYPE_CHECKING:
    from heliograph.inspector import Explanation

HERE = "tests/inspector/test_explaining.py"


class Shop:
    """A sender, with a method that receives."""

    def receive(self, sender: object, **extra: object) -> None:
        """Do nothing."""


def first(sender: object, **extra: object) -> None:
    """Do nothing."""


def second(sender: object, **extra: object) -> None:
    """Do nothing."""


def short(found: Explanation) -> tuple[list[str], list[tuple[str, str, str]]]:
    """Return who is called, and who is not, with the reasons."""
    called = [it.name.rpartition(".")[2] for it in found.called]
    return called, [(it.name.rpartition(".")[2], it.reason, it.why) for it in found.omitted]


@pytest.fixture
def paid() -> Signal:
    """Return a signal without receivers."""
    return Signal("paid")


def test_receivers_are_told_in_the_order_of_the_calls(paid: Signal) -> None:
    """With what is known of each, and what the sender is."""
    paid.connect(first)
    paid.connect(second, priority=1)

    found = explain(paid, "shop", unknown=["mail"])

    assert (found.signal, found.sender, found.unknown) == ("paid", "'shop'", ("mail",))
    assert short(found) == (["second", "first"], [])
    assert [it.priority for it in found.called] == [1, 0]


@pytest.mark.parametrize(
    ("wanted", "given", "why"),
    [
        ("shop", "kiosk", "it hears 'shop' only"),
        ("shop", None, "it hears 'shop' only"),
        (1, True, "it hears 1 only"),
        (1, 2, "it hears 1 only"),
        (
            Shop(),
            Shop(),
            "it hears another Shop object: two objects are never the same sender",
        ),
    ],
)
def test_a_receiver_of_another_sender_is_told_so(
    paid: Signal, wanted: object, given: object, why: str
) -> None:
    """By value, by kind, or that it is another object of the same kind."""
    paid.connect(first, wanted)

    assert short(explain(paid, given)) == ([], [("first", Reason.OTHER_SENDER, why)])


def test_what_is_muted_elsewhere_or_called_once_is_told_so(paid: Signal) -> None:
    """A bound method is the same receiver whenever it is looked up."""
    shop = Shop()
    paid.connect(shop.receive)
    paid.connect(shop.receive, "shop")
    paid.connect(first, weak=False)

    once = "it is called once, though it is connected for all senders and for this one"
    assert short(explain(paid, "shop")) == (["receive", "first"], [("receive", Reason.TWICE, once)])
    muted = ("first", Reason.MUTED, "it is muted here")
    with paid.muted(except_for=[shop.receive]):
        assert short(explain(paid)) == (
            ["receive"],
            [("receive", Reason.OTHER_SENDER, "it hears 'shop' only"), muted],
        )
    with paid.connected_to(second, local=True):
        outside = in_a_plain_thread(lambda: explain(paid))
        assert short(explain(paid))[0] == ["receive", "first", "second"]
    assert short(outside)[1][-1] == (
        "second",
        Reason.ELSEWHERE,
        "its connection counts only in the contexts inside its block",
    )


def test_who_died_is_told_with_the_time_and_the_place(paid: Signal) -> None:
    """Unless the same line has connected one of that name again."""

    def connect() -> object:
        def gone(sender: object) -> None:
            """Die."""

        return paid.connect(gone)

    connect()
    gc.collect()

    [(name, reason, why)] = short(explain(paid))[1]
    assert (name, reason) == ("gone", Reason.DEAD)
    assert why.startswith("it was garbage-collected at ")
    [omitted] = explain(paid).omitted
    assert (omitted.location, omitted.connected.partition(":")[0]) == (None, HERE)
    again = connect()
    assert short(explain(paid)) == (["gone"], []), again


def test_who_was_disconnected_is_told_with_the_line_that_did_it(paid: Signal) -> None:
    """If somebody was watching then; who is connected again is not told."""
    with Disconnections() as seen:
        paid.connect(first, "shop")
        paid.connect(second)
        paid.disconnect(first)
        paid.disconnect(second)
    paid.connect(first)
    paid.disconnect(first)

    ended = seen.of(paid)
    assert [(it.name.rpartition(".")[2], it.sender) for it in ended] == [
        ("first", "'shop'"),
        ("second", "ANY"),
    ]
    found = explain(paid, ended=ended)
    assert short(found)[1] == [
        ("first", Reason.DISCONNECTED, f"it was disconnected at {ended[0].disconnected}"),
        ("second", Reason.DISCONNECTED, f"it was disconnected at {ended[1].disconnected}"),
    ]
    assert {(it.disconnected or "").partition(":")[0] for it in ended} == {HERE}
    unknown = DisconnectionInfo("first", "ANY", "shop.py:1", None)
    assert short(explain(paid, ended=[unknown]))[1][0][2] == "it was disconnected"


def test_what_is_remembered_is_bounded_and_holds_nothing(paid: Signal) -> None:
    """Sixteen for each signal, for as long as that lives."""
    with Disconnections() as seen:
        for number in range(20):
            paid.connect(first, number)
            paid.disconnect(first)
        paid.send()
        other = Signal("other")
        other.connect(first)
        other.disconnect(first)

    assert [it.sender for it in seen.of(paid)] == [str(it) for it in range(4, 20)]
    assert len(seen.of(other)) == 1
    assert seen.of(Signal("never")) == ()


APPLICATION = ContextVar[object]("application")


def test_a_proxy_is_told_with_what_it_stands_for(paid: Signal) -> None:
    """An unbound one raises its own error, as in a send."""
    shop, proxy = Shop(), Proxy(APPLICATION.get)
    paid.connect(first, shop)

    with pytest.raises(LookupError):
        explain(paid, proxy)
    APPLICATION.set(shop)

    found = explain(paid, proxy)
    assert found.sender == "a Proxy, which stands for a Shop"
    assert short(found) == (["first"], [])


class App(Shop):
    """An application that can be used like its proxy."""

    def _get_current_object(self) -> App:
        return self


def test_an_object_that_stands_for_itself_is_no_proxy(paid: Signal) -> None:
    """Applications may have the method too."""
    assert explain(paid, App()).sender == "an App"
