"""`Signal.receivers` is a view: it shows who is connected whenever somebody looks."""

from __future__ import annotations

import copy
import gc
from collections.abc import Sequence
from contextvars import copy_context
from typing import TYPE_CHECKING, Any
from weakref import ref

import pytest

import heliograph.blinker
from heliograph import ANY, Signal
from heliograph.core.connected import Connected
from heliograph.core.connections.registry import Registry
from heliograph.core.lock import under_lock
from tests.core.diary import Diary

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS: list[Callable[[], Any]] = [Signal, heliograph.blinker.Signal]


class Shop:
    """An ordinary object."""

    def receive(self, sender: object) -> None:
        """Receive nothing."""


def receive(sender: object) -> None:
    """Receive nothing."""


def receive_too(sender: object) -> None:
    """Receive nothing, too."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_view_that_is_kept_goes_on_telling_the_truth(kind: Callable[[], Any]) -> None:
    """It is the same object, and knows of what was connected since."""
    signal = kind()
    view = signal.receivers
    before = bool(view), len(view)
    signal.connect(receive)
    inside = bool(view), len(view)
    signal.connect(receive_too)
    signal.disconnect(receive)
    changed = bool(view), len(view)
    signal.disconnect(receive_too)

    assert view is signal.receivers
    assert (before, inside, changed) == ((False, 0), (True, 1), (True, 1))
    assert (bool(view), len(view)) == (False, 0)


def test_a_view_is_like_a_tuple_of_the_receivers() -> None:
    """It compares, shows, iterates and is indexed as one."""
    signal = Signal()
    signal.connect(receive)
    signal.connect(receive_too)
    view, both = signal.receivers, (receive, receive_too)

    assert (view == both, both == view, view == signal.receivers) == (True, True, True)
    assert (view == (receive,), view != both, view == list(both)) == (False, False, False)
    assert (repr(view), tuple(view), len(view)) == (repr(both), both, 2)
    assert (view[0], view[-1], view[1:], *reversed(view)) == (
        receive,
        receive_too,
        (receive_too,),
        receive_too,
        receive,
    )
    assert (receive in view, print in view, view.index(receive_too), view.count(receive)) == (
        True,
        False,
        1,
        1,
    )
    assert isinstance(view, Sequence)


def test_a_copy_of_a_view_is_a_tuple() -> None:
    """It keeps what was connected when it was made, and so holds it."""
    signal = Signal()
    signal.connect(receive)
    view = signal.receivers
    copies = [tuple(view), copy.copy(view), copy.deepcopy(view)]
    signal.disconnect(receive)

    assert copies == [(receive,)] * 3
    assert (view, bool(view)) == ((), False)


def test_a_view_has_no_hash() -> None:
    """What it equals changes."""
    with pytest.raises(TypeError, match="unhashable"):
        hash(Signal().receivers)


@pytest.mark.parametrize("kind", KINDS)
def test_a_view_outlives_its_signal(kind: Callable[[], Any]) -> None:
    """Who is connected can be seen for as long as somebody looks, and nothing is left then."""
    gc.collect()
    before = sum(type(it) is Registry for it in gc.get_objects())
    view = _connected(kind()).receivers
    there = bool(view), len(view)
    del view

    assert there == (True, 1)
    assert sum(type(it) is Registry for it in gc.get_objects()) == before


def _connected(signal: Any) -> Any:
    signal.connect(receive)
    return signal


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sender", [ANY, "shop", 7, Shop()])
def test_a_view_never_counts_the_dead(kind: Callable[[], Any], sender: object) -> None:
    """Whoever answered last may have died since, or another one may live on."""
    signal, diary, shop = kind(), Diary(), Shop()
    view = signal.receivers
    signal.connect(diary.receiver("first"), sender)
    signal.connect(shop.receive, sender)
    answers = [bool(view)]
    diary.kept.clear()
    answers.append(bool(view))
    del shop
    answers.append(bool(view))

    assert answers == [True, True, False]


@pytest.mark.parametrize("kind", KINDS)
def test_a_view_never_counts_the_disconnected(kind: Callable[[], Any]) -> None:
    """Whoever answered last may be connected for somebody else only, or for nobody."""
    signal, first, second = kind(), Shop(), Shop()
    view = signal.receivers
    answers = []
    for sender in (first, second, "shop", ANY):
        signal.connect(receive, sender)
        answers.append(bool(view))
    for sender in (first, "shop", second):
        signal.disconnect(receive, sender)
        answers.append(bool(view))
    signal.disconnect(receive)

    assert (answers, bool(view)) == ([True] * 7, False)


@pytest.mark.parametrize("kind", KINDS)
def test_a_view_holds_no_sender(kind: Callable[[], Any]) -> None:
    """A list has no weak references, so that its connection alone may hold it."""
    signal, sender = kind(), [Shop()]
    shop = ref(sender[0])
    signal.connect(receive, sender=sender)
    before = bool(signal.receivers), bool(signal.receivers)
    signal.disconnect(receive)
    del sender
    gc.collect()

    assert (before, shop(), bool(signal.receivers)) == ((True, True), None, False)


def test_a_view_may_be_asked_of_the_class() -> None:
    """Tools that take an object apart call descriptors themselves."""
    signal = Signal()
    view = vars(Connected)["receivers"].__get__(signal)

    assert (view, view is signal.receivers) == ((), True)


def test_a_view_does_not_count_receivers_of_dead_senders() -> None:
    """Nobody can send for them. Blinker goes on counting such, and so does the drop-in."""
    answers = []
    for kind in KINDS:
        signal, shop = kind(), Shop()
        signal.connect(receive, shop)
        answers.append(bool(signal.receivers))
        del shop
        answers.append(bool(signal.receivers))

    assert answers == [True, False, True, True]


@pytest.mark.parametrize("kind", KINDS)
def test_a_view_passes_over_a_receiver_that_died_during_a_change(kind: Callable[[], Any]) -> None:
    """Its connections end right after the change, and it does not count until then."""
    signal, diary = kind(), Diary()
    view = signal.receivers
    signal.connect(diary.receiver("first"))
    signal.connect(diary.receiver("second"))

    def change() -> list[bool]:
        answers = [bool(view)]
        while diary.kept:
            diary.kept.pop(0)
            answers.append(bool(view))
        return answers

    assert under_lock(change) == [True, True, False]


@pytest.mark.parametrize("kind", KINDS)
def test_a_view_leaves_out_what_is_local_elsewhere(kind: Callable[[], Any]) -> None:
    """It counts the temporary receivers of the context that looks, and all lasting ones."""
    signal, context = kind(), copy_context()
    view = signal.receivers

    def look() -> tuple[bool, int]:
        return bool(view), len(view)

    block = signal.connected_to(receive, local=True)
    context.run(block.__enter__)
    local_alone = [look(), context.run(look)]
    signal.connect(receive_too)
    beside_a_lasting_one = [look(), look(), context.run(look)]
    with signal.connected_to(receive):
        everywhere_too = [look(), context.run(look)]
    signal.disconnect(receive_too)
    again = [look(), context.run(look)]
    context.run(block.__exit__)

    assert local_alone == again == [(False, 0), (True, 1)]
    assert beside_a_lasting_one == [(True, 1), (True, 1), (True, 2)]
    assert everywhere_too == [(True, 2), (True, 2)]
    assert [look(), context.run(look)] == [(False, 0), (False, 0)]


def test_receivers_of_a_signal_cannot_be_set() -> None:
    """They are changed by connecting, and another attribute is set as ever."""
    signal: Any = Signal("paid")
    with pytest.raises(AttributeError, match=r"use connect\(\) and"):
        signal.receivers = ()
    signal.remark = "mine"

    assert (signal.receivers, signal.remark) == ((), "mine")


def test_a_subclass_may_have_receivers_of_its_own() -> None:
    """Its property is asked, and set."""

    class Own(Signal):
        @property
        def receivers(self) -> Any:
            return ["mine", len(super().receivers), *vars(self).get("kept", ())]

        @receivers.setter
        def receivers(self, value: Any) -> None:
            vars(self)["kept"] = value

    signal = Own()
    signal.connect(receive)
    signal.receivers = [1]

    assert signal.receivers == ["mine", 1, 1]


def test_a_copy_of_a_signal_has_a_view_of_its_own() -> None:
    """Nobody is connected to the copy."""
    signal = Signal()
    signal.connect(receive)
    before = signal.receivers
    twin = copy.copy(signal)

    assert (before, twin.receivers, twin.receivers is before) == ((receive,), (), False)


def test_what_is_odd_is_looked_at_in_python() -> None:
    """Methods of built-in objects, and receivers that cannot be held weakly, are true as well."""
    signal, heard = Signal(), [1]
    signal.connect(heard.append, weak=False)
    held = bool(signal.receivers), bool(signal.receivers)
    signal.disconnect(heard.append)

    assert (held, bool(signal.receivers)) == ((True, True), False)
