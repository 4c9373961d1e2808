"""Namespaces: signals by name."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import pytest

import heliograph
from heliograph import Namespace, Signal, default_namespace

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def tiny_switch_interval() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


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


def test_signal_is_that_of_the_default_namespace() -> None:
    """`heliograph.signal` makes signals that everybody shares."""
    made = heliograph.signal("test-namespace-default", "A signal of this test.")

    assert default_namespace["test-namespace-default"] is made
    assert default_namespace.signal("test-namespace-default") is made
    assert made.__doc__ == "A signal of this test."
    assert default_namespace.name == "default"


def test_threads_that_ask_for_a_new_name_get_one_signal(tiny_switch_interval: None) -> None:
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
