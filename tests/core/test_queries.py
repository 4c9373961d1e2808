"""Queries tell the truth: the dead and the disconnected never count."""

from __future__ import annotations

from contextvars import ContextVar
from functools import partial
from typing import Any

import pytest

from heliograph import ANY, Signal
from heliograph.core.lock import under_lock
from tests.core.diary import Diary
from tests.core.proxies import Proxy
from tests.threads import in_a_plain_thread


class Shop:
    """An ordinary object."""

    @property
    def itself(self) -> Shop:
        """Be found by a proxy."""
        return self


def answers(signal: Signal, sender: object) -> tuple[object, ...]:
    """Return what every query says."""
    return (
        bool(signal.receivers),
        len(signal.receivers),
        list(signal.receivers_for(sender)),
        signal.has_receivers_for(sender),
        len(signal.connections),
    )


NOBODY: tuple[object, ...] = (False, 0, [], False, 0)


@pytest.mark.parametrize("sender", [ANY, "shop", 0, None])
def test_queries_know_who_is_connected(sender: object) -> None:
    """Before the first connect and after the last disconnect there is nobody."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    before = answers(signal, sender)
    signal.connect(receiver, sender)
    inside = answers(signal, sender)
    signal.disconnect(receiver, sender)

    assert before == NOBODY
    assert inside == (True, 1, [receiver], True, 1)
    assert answers(signal, sender) == NOBODY


def test_queries_are_about_one_sender() -> None:
    """`receivers_for` and `has_receivers_for` say what a send from that sender would do."""
    signal, diary = Signal("paid"), Diary()
    everybody, shop = diary.receiver("everybody"), diary.receiver("shop")
    signal.connect(shop, "shop")
    alone = (signal.has_receivers_for("shop"), signal.has_receivers_for("kiosk"))
    signal.connect(everybody)

    assert alone == (True, False)
    assert list(signal.receivers_for("shop")) == [shop, everybody]
    assert list(signal.receivers_for("kiosk")) == [everybody]
    assert list(signal.receivers_for(ANY)) == [everybody]


def test_a_receiver_with_many_senders_is_one_receiver() -> None:
    """`receivers` lists each receiver once, `connections` each connection."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    for sender in (ANY, "a", "b"):
        signal.connect(receiver, sender)

    assert signal.receivers == (receiver,)
    assert len(signal.connections) == 3


@pytest.mark.parametrize("sender", [ANY, "shop"])
def test_queries_do_not_count_the_dead(sender: object) -> None:
    """A receiver that was garbage-collected is nobody."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("r"), sender)
    diary.kept.clear()

    assert answers(signal, "shop") == NOBODY


def test_queries_do_not_count_receivers_of_dead_senders() -> None:
    """Nobody can send for a dead sender, so nobody is connected for it."""
    signal, diary, shop = Signal("paid"), Diary(), Shop()
    signal.connect(diary.receiver("r"), shop)

    del shop

    assert answers(signal, Shop()) == NOBODY


def test_nobody_hears_a_muted_signal() -> None:
    """What a send would do is nothing; the receivers are connected all the same."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver)
    with signal.muted():
        assert answers(signal, "shop") == (True, 1, [], False, 1)

    assert answers(signal, "shop") == (True, 1, [receiver], True, 1)


def test_receivers_for_leaves_out_who_goes_while_it_is_read() -> None:
    """It is an iterator that works as a send does: the disconnected are not given any more."""
    signal, diary = Signal("paid"), Diary()
    first, second, third = (diary.receiver(name) for name in "123")
    for receiver in (first, second, third):
        signal.connect(receiver)
    reading = signal.receivers_for("shop")
    given = [next(reading)]
    signal.disconnect(second)
    signal.connect(diary.receiver("late"))

    assert [*given, *reading] == [first, third]


def test_asking_changes_nothing() -> None:
    """Queries about strangers leave no trace behind."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver, "shop")
    for number in range(10):
        signal.has_receivers_for(number)
        list(signal.receivers_for(Shop()))
        signal.disconnect(receiver, number)

    assert list(signal._registry.senders) == ["shop"]


def test_a_signal_shows_its_name_and_type() -> None:
    """The repr says which signal it is."""

    class Special(Signal):
        pass

    assert (repr(Signal("paid")), repr(Signal())) == ("<Signal 'paid'>", "<Signal without a name>")
    assert repr(Special("paid")) == "<Special 'paid'>"


def test_a_signal_has_a_name_and_documentation() -> None:
    """Both are optional; without documentation of its own it has that of its class."""
    assert (Signal("paid", "When money came.").name, Signal().name) == ("paid", None)
    assert Signal("paid", "When money came.").__doc__ == "When money came."
    assert Signal("paid").__doc__ == Signal.__doc__


def test_the_guard_passes_over_a_receiver_that_died_during_a_change() -> None:
    """Its connections end right after the change, and it does not count until then."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("first"))
    signal.connect(diary.receiver("second"))

    def change() -> list[bool]:
        answers = []
        while diary.kept:
            diary.kept.pop(0)
            answers.append(signal.has_receivers_for("shop"))
        return answers

    assert under_lock(change) == [True, False]


def test_receivers_for_passes_over_a_receiver_that_died_during_a_change() -> None:
    """It is given to nobody, as its connections are to end right after the change."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("first"))
    signal.connect(diary.receiver("second"))

    def change() -> list[str]:
        reading = signal.receivers_for("shop")
        diary.kept.pop(0)
        return [receiver("shop") for receiver in reading]

    assert under_lock(change) == ["second"]


def test_queries_look_behind_proxies() -> None:
    """A proxy is asked about as the object that it stands for, also while it is muted."""
    signal, diary, shop = Signal("paid"), Diary(), Shop()
    receiver = diary.receiver("r")
    signal.connect(receiver, shop)
    proxy = Proxy(lambda: shop)

    def asked() -> tuple[bool, list[object]]:
        return signal.has_receivers_for(proxy), list(signal.receivers_for(proxy))

    before = asked()
    with signal.muted(local=True):
        local = asked()
    with signal.muted():
        everywhere = asked()
    with signal.muted(except_for=[receiver]):
        spared = asked()

    assert (before, local, everywhere, spared) == (
        (True, [receiver]),
        (False, []),
        (False, []),
        (True, [receiver]),
    )


def test_queries_know_of_async_receivers() -> None:
    """What a plain send cannot call is there all the same."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.async_receiver("r")
    signal.connect(receiver)
    twice = [(signal.has_receivers_for(1), list(signal.receivers_for(1))) for _ in range(2)]

    assert twice == [(True, [receiver])] * 2


@pytest.mark.parametrize("wrong", [(), ("shop", "kiosk")])
def test_a_question_is_asked_for_one_sender(wrong: tuple[str, ...]) -> None:
    """Without one, or with two, it is the error of any function; the name may be given."""
    signal: Any = Signal("paid")
    for ask in (signal.has_receivers_for, signal.receivers_for):
        with pytest.raises(TypeError, match="argument"):
            ask(*wrong)

    assert (signal.has_receivers_for(sender="shop"), [*signal.receivers_for(sender="shop")]) == (
        False,
        [],
    )


def test_a_connection_tells_whom_it_hears() -> None:
    """As a send would find it: objects by identity, texts by value, proxies as what they are."""
    signal, diary = Signal("paid"), Diary()
    shop, kiosk = Shop(), Shop()
    for sender in (ANY, shop, "shop", 1):
        signal.connect(diary.receiver(str(sender)), sender)
    ours = signal.connections[1]

    senders = [None, shop, kiosk, Proxy(partial(getattr, shop, "itself")), "sh" + "op", 1, True]
    assert [[it.hears(sender) for sender in senders] for it in signal.connections] == [
        [True, True, True, True, True, True, True],
        [False, True, False, True, False, False, False],
        [False, False, False, False, True, False, False],
        [False, False, False, False, False, True, False],
    ]
    with pytest.raises(LookupError, match="unbound"):
        ours.hears(Proxy(ContextVar[object]("unbound").get))
    del shop, senders, sender
    assert not ours.hears(kiosk)


def test_a_connection_tells_whether_it_counts_in_its_block_alone() -> None:
    """That of a local block does; all others count wherever somebody sends."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("r"))
    with (
        signal.connected_to(diary.receiver("s")),
        signal.connected_to(diary.receiver("t"), local=True),
    ):
        assert [it.local for it in signal.connections] == [False, False, True]


def test_connections_for_a_sender_are_those_by_which_it_calls() -> None:
    """In the order of the calls, one for each receiver; not those that are muted or elsewhere."""
    signal, diary = Signal("paid"), Diary()
    everybody, shops = diary.receiver("a"), diary.receiver("b")
    signal.connect(everybody)
    signal.connect(everybody, "shop", priority=1)
    signal.connect(shops, "shop", priority=2)
    signal.connect(diary.receiver("c"), "kiosk")

    def gone(sender: object) -> None:
        """Die."""

    signal.connect(gone)

    def used(sender: object) -> list[tuple[object, object]]:
        return [(it.receiver, it.sender) for it in signal.connections_for(sender)]

    del gone
    assert used("shop") == [(shops, "shop"), (everybody, "shop")]
    assert used(Proxy(lambda: "shop")) == used("shop")
    assert used(None) == [(everybody, ANY)]
    with signal.muted():
        assert used("shop") == []
    with signal.muted(except_for=[shops]):
        assert used("shop") == [(shops, "shop")]
    local = diary.receiver("e")
    with signal.connected_to(local, local=True):
        assert used(None) == [(everybody, ANY), (local, ANY)]
        assert in_a_plain_thread(lambda: used(None)) == [(everybody, ANY)]
