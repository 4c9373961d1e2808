"""Namespaces: signals by name."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest

import heliograph
from heliograph import ArgumentError, Namespace, Signal, SignalError, default_namespace
from tests.threads import fast_switching


def test_the_same_name_gives_the_same_signal() -> None:
    """A signal is made when its name is first asked for."""
    shop = Namespace()
    paid = shop.signal("paid")

    assert shop.signal("paid") is paid
    assert shop.signal("unpaid"[2:]) is paid
    assert shop.signal("refunded") is not paid
    assert (type(paid), paid.name) == (Signal, "paid")


def test_two_namespaces_have_signals_of_their_own() -> None:
    """The same name in another namespace is another signal."""
    assert Namespace("a").signal("paid") is not Namespace("b").signal("paid")


def test_the_first_documentation_stays() -> None:
    """Whoever documents a signal first documents it, even if others made it before."""
    shop = Namespace()
    paid = shop.signal("paid")
    before = paid.__doc__
    shop.signal("paid", "When money came.")
    shop.signal("paid", doc="Another time.")

    assert (before, paid.__doc__) == (Signal.__doc__, "When money came.")


def test_a_namespace_reads_like_a_mapping() -> None:
    """Names in order of making, signals by name, and how many."""
    shop = Namespace("shop")
    paid, refunded = shop.signal("paid"), shop.signal("refunded")

    assert list(shop) == ["paid", "refunded"]
    assert (shop["paid"], shop["refunded"]) == (paid, refunded)
    assert ("paid" in shop, "lost" in shop, 7 in shop, len(shop)) == (True, False, False, 2)
    assert (shop.name, repr(shop)) == ("shop", "<Namespace 'shop': paid, refunded>")
    with pytest.raises(KeyError, match="lost"):
        shop["lost"]


def test_a_namespace_may_grow_while_it_is_read() -> None:
    """Iterating goes over the names that were there when it began."""
    shop = Namespace()
    shop.signal("paid")

    assert [shop.signal(f"{name}-again").name for name in shop] == ["paid-again"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("order_pad", "Namespace 'shop' has no signal 'order_pad'. Did you mean 'order_paid'?"),
        ("refund", "Namespace 'shop' has no signal 'refund'. There are order_paid, page_seen."),
        (7, "Namespace 'shop' has no signal 7. There are order_paid, page_seen."),
    ],
)
def test_a_name_that_is_not_there_is_an_error_that_suggests_the_near_one(
    asked: str, message: str
) -> None:
    """Looking up makes no signal, so that a misspelt name is found out."""
    shop = Namespace("shop")
    shop.signal("order_paid")
    shop.signal("page_seen")

    with pytest.raises(KeyError) as caught:
        shop[asked]

    assert str(caught.value) == message
    assert isinstance(caught.value, SignalError)
    assert list(shop) == ["order_paid", "page_seen"]


def test_a_namespace_without_signals_says_so() -> None:
    """Then there is nothing near."""
    with pytest.raises(KeyError) as caught:
        Namespace()["paid"]

    assert str(caught.value) == (
        "A namespace without a name has no signal 'paid'. It has none yet."
    )


def test_signals_of_a_nested_namespace_are_signals_of_the_outer_ones() -> None:
    """However a signal is asked for, and in whichever order, it is the same one."""
    shop = Namespace("shop")
    before = shop.signal("billing.dunning.sent")
    billing = shop.namespace("billing")
    dunning = billing.namespace("dunning")
    paid = billing.signal("paid")
    seen = shop.signal("seen")

    assert dunning.signal("sent") is dunning["sent"] is billing["dunning.sent"] is before
    assert (paid, paid.name) == (shop["billing.paid"], "billing.paid")
    assert [list(it) for it in (shop, billing, dunning)] == [
        ["billing.dunning.sent", "billing.paid", "seen"],
        ["dunning.sent", "paid"],
        ["sent"],
    ]
    assert [len(it) for it in (shop, billing, dunning)] == [3, 2, 1]
    assert [seen.name in it for it in (shop, billing)] == [True, False]


def test_a_nested_namespace_is_made_once_and_named_after_the_outer_one() -> None:
    """Or after itself alone, if that has no name."""
    shop = Namespace("shop")
    billing = shop.namespace("billing")

    assert shop.namespace("billing") is billing
    assert [it.name for it in (billing, billing.namespace("dunning"))] == [
        "shop.billing",
        "shop.billing.dunning",
    ]
    assert Namespace().namespace("billing").name == "billing"
    assert repr(billing) == "<Namespace 'shop.billing': no signals>"
    for name in ("", 7):
        with pytest.raises(ArgumentError):
            shop.namespace(name)  # type: ignore[arg-type]  # No name.


def test_a_nested_namespace_declares_for_the_outer_one() -> None:
    """By the longer name."""
    shop = Namespace("shop")

    @shop.namespace("billing").declare
    def invoice_sent(sender: str) -> None: ...

    assert [it.name for it in shop.declarations] == ["billing.invoice_sent"]
    assert shop["billing.invoice_sent"] is invoice_sent


def test_signal_is_that_of_the_default_namespace() -> None:
    """`heliograph.signal` makes signals that everybody shares."""
    made = heliograph.signal("test-namespace-default", "A signal of this test.")

    assert default_namespace["test-namespace-default"] is made
    assert default_namespace.signal("test-namespace-default") is made
    assert made.__doc__ == "A signal of this test."
    assert default_namespace.name == "default"


@fast_switching()
def test_threads_that_ask_for_a_new_name_get_one_signal() -> None:
    """Two signals of one name would mean that one side talks to nobody."""
    shop = Namespace()
    barrier = threading.Barrier(4)
    got: list[list[Signal]] = []

    def ask() -> None:
        mine = []
        for number in range(200):
            barrier.wait()
            mine.append(shop.signal(str(number)))
        got.append(mine)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [[id(signal) for signal in mine] for mine in got] == [
        [id(shop[str(number)]) for number in range(200)]
    ] * 4


def test_a_namespace_can_be_read_as_a_dict_is() -> None:
    """With the methods of a mapping, and nothing is made by reading."""
    shop = Namespace("shop")
    billing = shop.namespace("billing")
    paid, sent = shop.signal("paid"), billing.signal("sent")

    assert (shop.get("paid"), shop.get("lost"), shop.get(7), shop.get("lost", 3)) == (
        paid,
        None,
        None,
        3,
    )
    assert list(shop.keys()) == ["paid", "billing.sent"]
    assert list(shop.values()) == [paid, sent]
    assert list(shop.items()) == [("paid", paid), ("billing.sent", sent)]
    assert dict(shop) == {"paid": paid, "billing.sent": sent}
    assert dict(billing) == {"sent": sent}
    assert ("sent" in set(billing.keys()), ("sent", sent) in billing.items()) == (True, True)
    assert (isinstance(shop, Mapping), len(shop)) == (True, 2)


def test_a_namespace_is_equal_to_itself_alone() -> None:
    """Two that are empty are two, and each can be a key."""
    one: object = Namespace("shop")
    other = Namespace("shop")

    assert (one == one, one == other, one == {}, len({one, other})) == (True, False, False, 2)  # noqa: PLR0124 - that it is equal to itself.


DICT = (
    ". A namespace can be read like a dict; only signal(name) and declare add signals, and none is "
    "removed."
)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("paid", ". The signal of that name is namespace['paid']."),
        ("setdefault", DICT),
        ("lost", ""),
        ("__lost__", ""),
    ],
)
def test_an_attribute_that_is_not_there_says_what_to_write(name: str, said: str) -> None:
    """Signals are no attributes, and a namespace is no dict."""
    shop = Namespace("shop")
    shop.signal("paid")

    with pytest.raises(AttributeError) as caught:
        getattr(shop, name)

    assert str(caught.value) == f"'Namespace' object has no attribute {name!r}{said}"
    assert (caught.value.name, caught.value.obj) == (name, shop)


def test_a_namespace_that_is_written_to_as_a_dict_says_what_to_write() -> None:
    """Its signals are made by asking for them, and stay."""
    shop = Namespace("shop")
    paid = shop.signal("paid")
    with pytest.raises(ArgumentError) as of_setting:
        shop["sent"] = paid
    with pytest.raises(ArgumentError) as of_deleting:
        del shop["paid"]

    assert [str(it.value) for it in (of_setting, of_deleting)] == [
        f"{name!r} cannot be set or deleted in <Namespace 'shop': paid>: only "
        "namespace.signal(name) and declare add signals, and none is removed."
        for name in ("sent", "paid")
    ]
    assert dict(shop) == {"paid": paid}


def test_a_name_that_is_nearly_another_one_is_warned_of() -> None:
    """Once, when the new signal is made by its name or declared; in this namespace alone."""
    shop = Namespace("shop")
    made = shop.signal("order-paid")
    Namespace("other").signal("order_paid")
    with pytest.warns(UserWarning, match="there is a signal") as caught:
        shop.signal("Order_Paid")
    shop.signal("order-paid")
    shop.signal("Order_Paid")
    shop.signal("orders-paid")
    with pytest.warns(UserWarning, match="there is a signal") as caught_declaring:

        @shop.declare
        def order_paid(sender: str) -> None: ...

    line = caught[0].lineno
    assert [(str(it.message), it.filename) for it in (*caught, *caught_declaring)] == [
        (
            (
                f"A new signal is called {name!r}, and there is a signal 'order-paid': a receiver "
                "connected to one does not get what the other sends. Did you mean the same?"
            ),
            __file__,
        )
        for name in ("Order_Paid", "order_paid")
    ]
    assert line == caught_declaring[0].lineno - 6
    assert list(shop.signals("order-*")) == [made]


def test_a_name_that_is_nearly_another_one_is_nothing_in_production(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever runs a program cannot rename its signals."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "0")
    shop = Namespace("shop")

    assert shop.signal("order-paid") is not shop.signal("order_paid")


@fast_switching()
def test_signals_that_are_made_while_names_are_joined_are_not_lost() -> None:
    """Whoever asks finds one signal, before, during and after."""
    for _ in range(20):
        shop = Namespace()
        joined: dict[str, Signal] = {}
        made: list[Signal] = []

        def ask(shop: Namespace = shop, made: list[Signal] = made) -> None:
            made.extend(shop.signal(str(number)) for number in range(300))

        thread = threading.Thread(target=ask)
        thread.start()
        shop._names.join(joined, Signal)
        thread.join()

        assert list(joined.values()) == [shop[it.name or ""] for it in made]
        assert set(made) == set(joined.values())
