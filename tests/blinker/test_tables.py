"""The tables that Blinker's `base.py` keeps in a signal can be read and replaced."""

from __future__ import annotations

import copy
import gc
import sys
import weakref
from threading import Thread, local
from typing import Any
from unittest import mock

import pytest

from heliograph import Emission, add_instrument, remove_instrument
from heliograph.blinker import ANY, NamedSignal, Namespace, Signal
from heliograph.blinker.tables import Receivers


def _receiver(sender: object, **payload: object) -> object:
    return sender


def _other(sender: object, **payload: object) -> object:
    return sender


class _Shop:
    def receive(self, sender: object) -> object:
        return sender


class _Sender:
    pass


def test_receivers_gives_functions_or_weak_references() -> None:
    """A strongly held receiver is there itself, as Blinker's own tests read it."""
    signal = Signal()
    shop = _Shop()
    signal.connect(_receiver, weak=False)
    signal.connect(shop.receive)
    strong, weak = signal.receivers.values()

    assert strong is _receiver
    assert isinstance(weak, weakref.ref)
    assert weak() == shop.receive


def test_receivers_is_keyed_as_blinker_keys_it() -> None:
    """The keys are what `make_id` gives."""
    signal = Signal()
    shop = _Shop()
    signal.connect(_receiver, "a", weak=False)
    signal.connect(shop.receive, "b")

    assert list(signal.receivers) == [id(_receiver), (id(_Shop.receive), id(shop))]
    assert signal.receivers[id(_receiver)] is _receiver
    assert len(signal.receivers) == 2


def test_receivers_does_not_count_the_dead() -> None:
    """A receiver that died is gone from the table at once."""
    signal = Signal()
    shop = _Shop()
    signal.connect(shop.receive)
    del shop

    assert (len(signal.receivers), bool(signal.receivers)) == (0, False)


def test_clearing_receivers_disconnects_everybody() -> None:
    """Tests of other packages clean up so."""
    signal = Signal()
    signal.connect(_receiver)
    signal.connect(_other, "a", weak=False)
    signal.receivers.clear()

    assert (signal.send("a"), signal.connections, len(signal.receivers)) == ([], (), 0)


def test_clearing_receivers_forgets_those_whose_sender_died() -> None:
    """Then nobody is left."""
    signal = Signal()
    sender = _Sender()
    signal.connect(_receiver, sender)
    del sender
    signal.receivers.clear()

    assert not signal.receivers


@pytest.mark.parametrize("weak", [True, False])
def test_popping_from_receivers_disconnects_one(weak: bool) -> None:
    """The table can be changed entry by entry."""
    signal = Signal()
    signal.connect(_receiver, "a", weak=weak)
    signal.connect(_other, "a")
    signal.receivers.pop(id(_receiver))

    assert signal.send("a") == [(_other, "a")]


def test_nobody_is_connected_by_setting_an_entry() -> None:
    """The table alone does not say for whom, so one has to connect."""
    signal = Signal()

    with pytest.raises(TypeError, match="Connect other receivers to the signal"):
        signal.receivers[1] = _receiver


def test_setting_an_entry_that_is_there_changes_nothing() -> None:
    """It says nothing new."""
    signal = Signal()
    signal.connect(_receiver, "a")
    signal.receivers.update(dict(signal.receivers))

    assert (signal.send("a"), signal.send("b")) == ([(_receiver, "a")], [])


def _connected() -> tuple[Signal, list[Any]]:
    """Return a signal with receivers of all kinds, and who else is needed for them."""
    signal, shop, sender, log = Signal(), _Shop(), _Sender(), list[object]()
    add = log.append
    callable_without_references = _Slotted()
    signal.connect(_receiver, "a")
    signal.connect(shop.receive, weak=False)
    signal.connect(_other, sender, on_error="log")  # type: ignore[call-arg, unused-ignore]  # Not Blinker's.
    signal.connect(add)
    signal.connect(callable_without_references, weak=False)
    signal.connect(_receiver, sender)
    signal.connect(_receiver, weak=False)
    return signal, [shop, sender, add, callable_without_references]


class _Slotted:
    """To which there can be no weak references."""

    __slots__ = ()

    def __call__(self, sender: object) -> object:
        return sender


def _rows(signal: Signal) -> list[object]:
    return [(c.receiver, c.sender, c.weak, c.on_error, c.location) for c in signal.connections]


def _cleared(signal: Signal) -> None:
    saved = dict(signal.receivers)
    signal.receivers.clear()
    signal.receivers.update(saved)


def _cleared_in_reverse(signal: Signal) -> None:
    saved = signal.receivers.copy()
    signal.receivers.clear()
    for key in reversed(saved):
        signal.receivers.setdefault(key, saved[key])


def _popped(signal: Signal) -> None:
    saved = {}
    for key in list(signal.receivers):
        saved[key] = signal.receivers.pop(key)
    signal.receivers |= saved


def _popped_from_the_end(signal: Signal) -> None:
    saved = [signal.receivers.popitem() for _ in range(len(signal.receivers))]
    for key, held in saved:
        signal.receivers[key] = held


def _patched(signal: Signal) -> None:
    with mock.patch.dict(signal.receivers, clear=True):
        with mock.patch.dict(signal.receivers, clear=True):
            assert signal.send("a") == []
        signal.connect(_inside)
        with mock.patch.dict(signal.receivers, clear=True):
            assert signal.send("a") == []
        assert signal.send("a") == [(_inside, "inside")]


def _state_cleared(signal: Signal) -> None:
    saved = (dict(signal.receivers), dict(signal._by_sender), dict(signal._by_receiver))
    signal._clear_state()
    signal.receivers.update(saved[0])
    signal._by_sender.update(saved[1])
    signal._by_receiver.update(saved[2])


def _inside(sender: object) -> str:
    return "inside"


@pytest.mark.parametrize(
    "away_and_back",
    [
        _cleared,
        _cleared_in_reverse,
        _popped,
        _popped_from_the_end,
        _patched,
        _state_cleared,
    ],
)
def test_what_is_taken_out_and_put_back_is_connected_as_before(away_and_back: Any) -> None:
    """For its senders, on its terms, and in its order; twice, too."""
    signal, kept = _connected()
    before, count = _rows(signal), len(signal.receivers)
    for _ in range(2):
        away_and_back(signal)

        assert (_rows(signal), len(signal.receivers)) == (before, count)

    results = [value for _, value in signal.send(kept[1])]

    assert results == [kept[1], kept[1], None, kept[1], kept[1]]


def test_what_is_put_back_has_the_senders_that_still_live() -> None:
    """A sender that died meanwhile takes its connection with it, and so does a receiver."""
    signal, shop, sender = Signal(), _Shop(), _Sender()
    signal.connect(_receiver, sender)
    signal.connect(_receiver, "a")
    signal.connect(shop.receive)
    saved = dict(signal.receivers)
    signal.receivers.clear()
    del sender, shop
    gc.collect()
    for key, held in saved.items():
        if held() is not None:
            signal.receivers[key] = held

    assert [(c.receiver, c.sender) for c in signal.connections] == [(_receiver, "a")]


def test_another_look_at_what_was_taken_out_can_be_put_back() -> None:
    """`x.append is not x.append`, and both are one receiver."""
    signal, log = Signal(), list[object]()
    signal.connect(log.append, "a", weak=False)
    [key] = signal.receivers
    del signal.receivers[key]
    signal.receivers[key] = log.append
    signal.send("a")

    assert log == ["a"]


def test_what_was_connected_meanwhile_is_not_connected_twice_when_it_is_put_back() -> None:
    """The connection that is there stays."""
    signal = Signal()
    signal.connect(_receiver, "a", weak=False)
    signal.connect(_receiver, "b")
    saved = dict(signal.receivers)
    signal.receivers.clear()
    signal.connect(_receiver, "a")
    signal.receivers.update(saved)

    assert [(c.sender, c.weak) for c in signal.connections] == [("b", True), ("a", True)]


def test_a_receiver_whose_senders_have_died_can_be_taken_out() -> None:
    """It is counted as Blinker counts it, but there is nothing to put back."""
    signal, sender = Signal(), _Sender()
    signal.connect(_receiver, sender)
    del sender
    [key] = signal.receivers
    held = signal.receivers.pop(key)

    assert (held(), len(signal.receivers)) == (_receiver, 0)
    with pytest.raises(TypeError, match="Connect other receivers to the signal"):
        signal.receivers[key] = held


def test_a_copy_of_a_signal_has_nothing_to_put_back() -> None:
    """Nobody was ever connected to it."""
    signal = Signal()
    signal.connect(_receiver)
    signal.receivers.clear()

    assert copy.copy(signal).receivers._taken == {}


def test_what_nobody_can_put_back_is_not_remembered() -> None:
    """However often a table is cleared, memory is bounded by what is alive."""
    signal = Signal()
    for _ in range(100):
        signal.connect(lambda sender: None, weak=False)
        signal.connect(_Slotted(), weak=False)
        signal.connect(_receiver, _Sender())
        signal.connect(_other, [])
        signal.receivers.clear()

    assert len(vars(signal)["_taken_out"]) <= 18


def test_a_saved_table_may_be_assigned_after_clearing() -> None:
    """It is known for whom they were connected."""
    signal = Signal()
    signal.connect(_receiver, "a")
    saved = dict(signal.receivers)
    signal.receivers.clear()
    signal.receivers = saved

    assert (signal.send("a"), signal.send("b")) == ([(_receiver, "a")], [])


def test_a_table_can_be_united_with_another() -> None:
    """As a dict can."""
    signal = Signal()
    signal.connect(_receiver)
    united = signal.receivers | {1: _other}

    assert list(united) == [id(_receiver), 1]
    assert signal.receivers == {id(_receiver): signal.receivers[id(_receiver)]}


@pytest.mark.parametrize("nothing", [{}, []])
def test_assigning_nothing_disconnects_everybody(nothing: Any) -> None:
    """`signal.receivers = {}` is how some tests begin."""
    signal = Signal()
    signal.connect(_receiver, "a")
    signal.receivers = nothing

    assert (signal.send("a"), bool(signal.receivers)) == ([], False)

    signal.connect(_other)

    assert signal.send("a") == [(_other, "a")]


def test_saved_receivers_come_back_with_their_senders() -> None:
    """Saving `receivers`, assigning others and assigning the saved ones restores everything."""
    signal = Signal()
    signal.connect(_receiver, "a", priority=2)
    signal.connect(_other)
    saved = signal.receivers
    before = signal.connections
    signal.receivers = {}
    signal.connect(_other, "a")
    meanwhile = signal.send("a")
    signal.receivers = saved

    assert meanwhile == [(_other, "a")]
    assert (signal.send("a"), signal.send("b")) == (
        [(_receiver, "a"), (_other, "a")],
        [(_other, "b")],
    )
    assert signal.connections == before


def test_receivers_can_be_patched() -> None:
    """`mock.patch.object` puts back what was there."""
    signal = Signal()
    signal.connect(_receiver, "a")
    with mock.patch.object(signal, "receivers", {}):
        inside = signal.send("a")

    assert (inside, signal.send("a"), signal.send("b")) == ([], [(_receiver, "a")], [])


def test_a_signal_with_another_table_is_as_muted_as_before() -> None:
    """`is_muted` belongs to the signal in Blinker, and so does a block that mutes."""
    signal: Any = Signal()
    signal.is_muted = True
    signal.receivers = {}
    signal.connect(_receiver)
    muted = signal.send("a")
    with mock.patch.object(signal, "receivers", {}):
        patched = signal.is_muted
        signal.is_muted = False
    with signal.muted():
        signal.receivers = signal.receivers.copy()
        block = signal.send("a")

    assert (muted, patched, block, signal.is_muted) == ([], True, [], False)
    assert signal.send("a") == [(_receiver, "a")]


def test_who_watches_a_signal_watches_it_with_another_table() -> None:
    """An instrument has named the signal, not the table."""
    signal, other = Signal(), Signal()
    seen: list[object] = []

    def see(emission: Emission) -> None:
        seen.append(emission.sender)

    add_instrument(see, signals=[signal])
    signal.send("1")
    with mock.patch.object(signal, "receivers", {}):
        signal.send("2")
        other.receivers = {}
        other.send("other")
    signal.send("3")
    remove_instrument(see)
    signal.send("4")

    assert seen == ["1", "2", "3"]


def test_what_overrides_a_method_does_so_with_another_table() -> None:
    """The method was put into the signal."""
    signal: Any = Signal()
    signal.connect(_receiver)
    signal.receivers_for = lambda sender: iter([_other])
    signal.receivers = {}

    assert signal.send("a") == [(_other, "a")]


def test_is_muted_can_be_patched() -> None:
    """`mock.patch.object` ends with a signal that is not muted."""
    signal = Signal()
    signal.connect(_receiver)
    with mock.patch.object(signal, "is_muted", new=True):
        inside = signal.send("a")

    assert (inside, signal.send("a")) == ([], [(_receiver, "a")])


def test_a_copy_of_receivers_keeps_what_is_connected_still() -> None:
    """Of a table that is assigned, those who are connected keep their senders."""
    signal = Signal()
    shop = _Shop()
    signal.connect(_receiver, "a")
    signal.connect(_other, "a", weak=False)
    signal.connect(shop.receive, "a")
    kept = signal.receivers.copy()
    del kept[id(_other)]
    signal.receivers = kept

    assert signal.send("a") == [(_receiver, "a"), (shop.receive, "a")]
    assert signal.send("b") == []


def test_receivers_of_an_unknown_table_hear_everybody() -> None:
    """All that such a table says is who."""
    signal = Signal()
    signal.receivers = {id(_receiver): weakref.ref(_receiver), id(_other): _other}

    assert signal.send("a") == [(_receiver, "a"), (_other, "a")]
    assert [c.weak for c in signal.connections] == [True, False]


def test_the_tables_by_sender_and_receiver_hold_sets_of_ids() -> None:
    """Blinker's own tests compare them so."""
    signal = Signal()
    signal.connect(_receiver)
    signal.connect(_receiver, "a")
    signal.connect(_other, "a")

    assert signal._by_sender == {0: {id(_receiver)}, "a": {id(_receiver), id(_other)}}
    assert signal._by_receiver == {id(_receiver): {0, "a"}, id(_other): {"a"}}
    assert signal._by_sender["b"] == set()


def test_buckets_that_were_seen_stay_until_they_are_cleaned_up() -> None:
    """`_cleanup_bookkeeping` drops what is empty."""
    signal = Signal()
    signal.connect(_receiver, "a")
    seen = (dict(signal._by_sender), dict(signal._by_receiver))
    signal.disconnect(_receiver, "a")

    assert seen == ({"a": {id(_receiver)}}, {id(_receiver): {"a"}})
    assert (signal._by_sender, signal._by_receiver) == ({"a": set()}, {id(_receiver): set()})

    signal._cleanup_bookkeeping()

    assert (signal._by_sender, signal._by_receiver) == ({}, {})


def test_weak_senders_has_references_to_those_that_allow_it() -> None:
    """Strings and lists cannot be referred to weakly, and ANY is not a sender."""
    signal = Signal()
    sender = _Sender()
    for it in (ANY, "a", [1], sender):
        signal.connect(_receiver, it)

    assert {key: ref() for key, ref in signal._weak_senders.items()} == {id(sender): sender}


@pytest.mark.parametrize(
    ("sender_key", "left"),
    [
        (0, []),
        ("a", [(ANY, _receiver), (ANY, _other)]),
        ("b", [(ANY, _receiver), ("a", _receiver), (ANY, _other)]),
    ],
)
def test_disconnecting_by_ids(sender_key: object, left: list[object]) -> None:
    """`_disconnect` takes Blinker's keys; 0 stands for ANY, and so for all."""
    signal = Signal()
    signal.connect(_receiver)
    signal.connect(_receiver, "a")
    signal.connect(_other)
    signal._disconnect(id(_receiver), sender_key)

    expected = left or [(ANY, _other)]
    assert [(c.sender, c.receiver) for c in signal.connections] == expected


def test_clear_state_disconnects_everybody() -> None:
    """Blinker has it for tests."""
    signal = Signal()
    signal.connect(_receiver)
    signal.connect(_receiver, "a")
    tables = (signal._by_sender, signal._by_receiver)
    signal._clear_state()

    assert tables != ({}, {})
    assert (signal._by_sender, signal._by_receiver, signal._weak_senders) == ({}, {}, {})
    assert not signal.receivers


def test_a_subclass_may_assign_tables() -> None:
    """A subclass that has an `__init__` of its own may make Blinker's tables itself."""

    class Own(Signal):
        def __init__(self) -> None:
            self.receivers = {}
            self.is_muted = False
            self._by_sender = {}
            self._by_receiver = {}
            self._weak_senders = {}

    signal = Own()
    signal.connect(_receiver, "a")

    assert signal.send("a") == [(_receiver, "a")]
    assert isinstance(Signal.__dict__["_by_sender"], type(Signal._by_sender))


class ScopedSignal(NamedSignal):
    """Has other receivers in each thread, as a package in the wild does it."""

    def __init__(self, name: str, doc: str | None = None) -> None:
        self.name = name
        self.__doc__ = doc
        self.local = local()
        self._clear_state()

    @property
    def receivers(self) -> Any:
        """The receivers of this thread."""
        return self.local.__dict__.setdefault("receivers", {})

    @property
    def _by_receiver(self) -> Any:
        return self.local.__dict__.setdefault("_by_receiver", {})

    @property
    def _by_sender(self) -> Any:
        return self.local.__dict__.setdefault("_by_sender", {})

    @property
    def _weak_senders(self) -> Any:
        return self.local.__dict__.setdefault("_weak_senders", {})

    @property
    def is_muted(self) -> bool:
        """Whether it is muted in this thread."""
        return bool(self.local.__dict__.get("is_muted", False))

    @is_muted.setter
    def is_muted(self, muted: bool) -> None:
        self.local.is_muted = muted


def _in_another_thread(call: Any) -> Any:
    results: list[Any] = []
    thread = Thread(target=lambda: results.append(call()))
    thread.start()
    thread.join()
    return results[0]


def test_the_tables_of_a_subclass_decide_who_is_connected() -> None:
    """Receivers of one thread are not called in another."""
    signal = ScopedSignal("commit")
    signal.connect(_receiver)
    signal.connect(_other, "a")

    assert signal.send("a") == [(_receiver, "a"), (_other, "a")]
    assert _in_another_thread(lambda: (signal.send("a"), bool(signal.receivers))) == ([], False)


def test_a_thread_does_not_hear_another_ones_receivers_after_connecting_itself() -> None:
    """Each thread has all of a signal's abilities for itself."""
    signal = ScopedSignal("commit")
    signal.connect(_receiver)

    def elsewhere() -> object:
        with signal.connected_to(_other, "a"):
            during = signal.send("a")
        signal.connect(_other)
        return during, signal.send("b"), signal.has_receivers_for("b")

    assert _in_another_thread(elsewhere) == ([(_other, "a")], [(_other, "b")], True)
    assert signal.send("a") == [(_receiver, "a")]


def test_the_receivers_table_of_a_subclass_shows_who_is_connected() -> None:
    """`if signal.receivers` is true of it, too."""
    signal = ScopedSignal("commit")
    signal.connect(_receiver, weak=False)
    connected = dict(signal.receivers)
    signal.disconnect(_receiver)

    assert (connected, signal.receivers) == ({id(_receiver): _receiver}, {})


def test_clear_state_clears_the_tables_of_a_subclass() -> None:
    """The package that brings its tables calls it at the end of every request."""
    signal = ScopedSignal("commit")
    signal.connect(_receiver)
    signal._clear_state()

    assert (signal.send("a"), signal.receivers, signal.connections) == ([], {}, ())


def test_is_muted_of_a_subclass_is_asked() -> None:
    """A flag of each thread's own mutes in that thread."""
    signal = ScopedSignal("commit")
    signal.connect(_receiver)
    signal.is_muted = True

    def elsewhere() -> object:
        signal.connect(_other)
        return signal.send("a")

    assert signal.send("a") == []
    assert _in_another_thread(elsewhere) == [(_other, "a")]

    signal.is_muted = False

    assert signal.send("a") == [(_receiver, "a")]


def test_the_registry_of_a_subclass_that_brings_tables_belongs_to_its_instances() -> None:
    """Looking at it on the class gives no signal's connections."""
    assert type(ScopedSignal._registry).__name__ == "_RegistryInTables"


def test_a_view_of_receivers_keeps_its_connections_alive() -> None:
    """What was saved outlives the signal's other uses."""
    signal = Signal()
    signal.connect(lambda sender: "strong", weak=False)
    saved = signal.receivers
    signal.receivers = {}
    gc.collect()

    assert isinstance(saved, Receivers)
    assert len(saved) == 1


def test_receivers_that_nothing_has_replaced_cannot_be_deleted() -> None:
    """There is nothing to put back."""
    with pytest.raises(AttributeError, match="they were not replaced"):
        del Signal().receivers


def test_what_is_put_back_has_to_fit_what_was_declared_meanwhile() -> None:
    """Also if it is declared at that very moment."""
    shop = Namespace()

    def narrow(sender: object) -> None: ...

    def wide(sender: object, **payload: object) -> None: ...

    def spared(sender: object, *, total: int) -> None: ...

    signal = shop.signal("paid")
    for receiver in (narrow, wide, spared):
        signal.connect(receiver)
    saved = dict(signal.receivers)
    signal.receivers.clear()

    @shop.declare
    def paid(sender: str, *, total: int, note: str = "") -> None: ...

    with pytest.raises(TypeError, match="does not take 'total'"):
        signal.receivers[id(narrow)] = saved[id(narrow)]
    fit: list[Any] = [wide, spared]
    for receiver in fit:
        signal.receivers[id(receiver)] = saved[id(receiver)]

    assert signal.send("shop", total=7, note="thanks") == [(it, None) for it in fit]


def test_what_is_put_back_while_its_signal_is_declared_has_to_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It was found to be fit before there was a declaration."""
    shop = Namespace()
    signal = shop.signal("paid")

    def narrow(sender: object) -> None: ...

    signal.connect(narrow)
    saved = dict(signal.receivers)
    signal.receivers.clear()
    reviving: Any = sys.modules["heliograph.core.connections.reviving"]
    under_lock = reviving.under_lock
    stubs: list[Any] = [lambda sender, *, total: None]

    def meddling(*args: Any) -> Any:
        while stubs:
            shop.declare(name="paid")(stubs.pop())
        return under_lock(*args)

    monkeypatch.setattr(reviving, "under_lock", meddling)
    with pytest.raises(TypeError, match="does not take 'total'"):
        signal.receivers.update(saved)

    assert signal.connections == ()


def test_a_receiver_that_is_put_back_into_another_table_is_connected_there() -> None:
    """Once, and it can be disconnected there."""
    signal = Signal()

    def receive(sender: object, **payload: object) -> None: ...

    signal.connect(receive)
    [key] = signal.receivers
    tables: Any = signal
    del tables.receivers[key]
    tables.receivers = {}
    tables.receivers[key] = receive
    signal.connect(receive)

    assert signal.send("shop") == [(receive, None)]
    signal.disconnect(receive)
    assert signal.send("shop") == []
