"""A signal's attributes and methods do what Blinker's API documentation says."""

from __future__ import annotations

import gc
import weakref
from collections import UserList
from typing import Any

import pytest

from heliograph import ReceiverError, ReceiverWarning
from heliograph.blinker import ANY, Signal
from tests.threads import let_die


def _receiver(sender: object, **payload: object) -> object:
    return sender


def _other(sender: object, **payload: object) -> object:
    return sender


class _Sender:
    def method(self) -> None: ...


class _OrderedSet(UserList[Any]):
    """What Pelican gives `set_class`, more or less."""

    def add(self, it: object) -> None:
        if it not in self:
            self.append(it)


def test_connect_returns_the_receiver() -> None:
    """So `connect` serves as a decorator."""
    signal = Signal()

    assert signal.connect(_receiver) is _receiver
    assert signal.connect(_receiver, "a", weak=False) is _receiver


def test_send_returns_pairs_of_receiver_and_value() -> None:
    """Each receiver is called with the sender by position and the payload by keyword."""
    signal = Signal()
    signal.connect(_receiver)

    @signal.connect
    def total(sender: object, /, *, self: int, price: int) -> int:
        return self + price

    assert signal.send("shop", self=1, price=2) == [(_receiver, "shop"), (total, 3)]


def test_none_is_an_ordinary_sender() -> None:
    """`send()` is `send(None)`, and one can connect for None."""
    signal = Signal()
    signal.connect(_receiver, sender=None)

    assert signal.send() == signal.send(None) == [(_receiver, None)]
    assert signal.send("a") == []


def test_classes_are_compared_by_identity() -> None:
    """Neither a subclass nor an instance sends for a class."""
    signal = Signal()
    signal.connect(_receiver, sender=_Sender)

    assert signal.send(_Sender) == [(_receiver, _Sender)]
    assert signal.send(_Sender()) == []


@pytest.mark.parametrize("sender", [[1], {"a": 1}, {1}, _Sender(), _Sender, None, "a", 1, (1, 2)])
def test_anything_can_be_a_sender(sender: Any) -> None:
    """Senders in the wild: objects, classes, lists, dicts, None, strings and numbers."""
    signal = Signal()
    signal.connect(_receiver, sender=sender)

    assert signal.send(sender) == [(_receiver, sender)]
    assert signal.has_receivers_for(sender)
    assert not signal.has_receivers_for("another")


def test_a_bound_method_can_be_a_sender() -> None:
    """Each look at it makes another object, and all of them are the same sender."""
    signal = Signal()
    one, other = _Sender(), _Sender()
    signal.connect(_receiver, sender=one.method)

    assert signal.send(one.method) == [(_receiver, one.method)]
    assert signal.send(other.method) == signal.send(one) == []

    signal.disconnect(_receiver, sender=one.method)

    assert signal.connections == ()


def test_a_receiver_connected_for_any_and_for_a_sender_is_called_once() -> None:
    """There is no double send."""
    signal = Signal()
    signal.connect(_receiver)
    signal.connect(_receiver, sender="a")
    signal.connect(_receiver, sender="a")

    assert signal.send("a") == [(_receiver, "a")]


def test_connect_via_connects_for_any_if_told_so() -> None:
    """`connect_via(ANY)` is how some packages write `connect`."""
    signal = Signal()
    signal.connect_via(ANY)(_receiver)

    assert signal.send("b") == [(_receiver, "b")]


def test_connect_via_is_strong_and_connect_is_weak() -> None:
    """The two have different defaults for `weak`."""
    signal = Signal()

    def connect() -> None:
        @signal.connect_via("a")
        def strong(sender: object) -> str:
            return "strong"

        @signal.connect_via("a", weak=True)
        def weak(sender: object) -> str:
            return "weak"

        @signal.connect
        def weak_too(sender: object) -> str:
            return "weak too"

    connect()
    gc.collect()
    with pytest.warns(ReceiverWarning) as caught:
        values = [value for _, value in signal.send("a")]

    assert (values, len(caught)) == (["strong"], 2)


def test_what_can_never_work_is_warned_of() -> None:
    """Heliograph's own signals refuse it; under a program that runs unchanged it is let pass."""
    signal = Signal()

    def wire() -> None:
        class Mailer:
            @signal.connect
            def mail(self, sender: object) -> None: ...

        @signal.connect_via
        def bill(sender: object) -> None: ...

        with signal.connected_to(Mailer.mail):
            signal.disconnect(Mailer.mail)

    with pytest.warns(ReceiverWarning) as caught:
        wire()

    first = wire.__code__.co_firstlineno
    said = [(str(it.message), it.lineno - first) for it in caught]
    assert [(text.partition("<locals>.")[2][:47], line) for text, line in said] == [
        ("wire.<locals>.Mailer.mail will fail whenever it", 2),
        ("wire.<locals>.bill is not connected to a signal", 5),
    ]


def test_connected_to_connects_for_a_block() -> None:
    """It is a context manager that gives None, and holds the receiver itself."""
    signal = Signal()
    heard: list[object] = []
    with signal.connected_to(heard.append, sender="a") as given:
        signal.send("a")
        signal.send("b")
    signal.send("a")

    assert (given, heard) == (None, ["a"])


def test_connected_to_ends_whatever_leaves_the_block() -> None:
    """Ctrl-C, too, ends the connection."""
    signal = Signal()
    with pytest.raises(KeyboardInterrupt), signal.connected_to(_receiver):
        raise KeyboardInterrupt

    assert signal.send("a") == []


def test_connected_to_and_muted_are_decorators_as_well() -> None:
    """What `contextlib.contextmanager` gave in Blinker."""
    signal = Signal()
    signal.connect(_other)

    @signal.connected_to(_receiver)
    def connected() -> Any:
        return signal.send("a")

    @signal.muted()
    def muted() -> Any:
        return signal.send("a")

    assert connected() == connected() == [(_other, "a"), (_receiver, "a")]
    assert muted() == muted() == []
    assert signal.send("a") == [(_other, "a")]


def test_muted_swallows_for_a_block() -> None:
    """A muted signal returns an empty list."""
    signal = Signal()
    signal.connect(_receiver)
    with signal.muted() as given:
        inside = (signal.is_muted, signal.send("a"))

    assert (given, inside) == (None, (True, []))
    assert (signal.is_muted, signal.send("a")) == (False, [(_receiver, "a")])


def test_a_signal_that_was_muted_by_hand_dies() -> None:
    """It is muted as long as it lives, as nobody else has to take that back."""
    signal = Signal()
    signal.is_muted = True
    alive = weakref.ref(signal)
    del signal
    let_die()

    assert alive() is None


def test_is_muted_can_be_set_by_hand() -> None:
    """It is a public attribute."""
    signal = Signal()
    signal.connect(_receiver)
    signal.is_muted = True
    signal.is_muted = True
    muted = signal.send("a")
    signal.is_muted = False

    assert (muted, signal.is_muted) == ([], False)
    assert signal.send("a") == [(_receiver, "a")]


def test_setting_is_muted_leaves_blocks_alone() -> None:
    """What a `with` block mutes, it mutes until its end."""
    signal = Signal()
    with signal.muted():
        signal.is_muted = False
        inside = signal.is_muted

    assert (inside, signal.is_muted) == (True, False)


async def test_a_muted_signal_sends_nothing_async() -> None:
    """`send_async` is muted as `send` is."""
    signal = Signal()
    signal.connect(_receiver)
    with signal.muted():
        muted = await signal.send_async("a")

    assert (muted, await signal.send_async("a")) == ([], [(_receiver, "a")])


def test_receivers_for_gives_receivers_one_by_one() -> None:
    """It is an iterator, evaluated lazily, of those for ANY and for the sender."""
    signal = Signal()
    signal.connect(_receiver, "a")
    signal.connect(_other)
    found = signal.receivers_for("a")

    assert iter(found) is found
    assert next(found) is _receiver

    signal.disconnect(_other)

    assert list(found) == []
    assert list(signal.receivers_for("b")) == []


def test_asking_for_the_receivers_of_any_gives_those_for_any() -> None:
    """ANY as a sender is heard by those who hear everybody."""
    signal = Signal()
    signal.connect(_receiver, "a")

    assert (list(signal.receivers_for(ANY)), signal.has_receivers_for(ANY)) == ([], False)

    signal.connect(_other)

    assert (list(signal.receivers_for(ANY)), signal.has_receivers_for(ANY)) == ([_other], True)


def test_disconnecting_from_any_disconnects_from_all_senders() -> None:
    """`disconnect(receiver)` is from everybody; with a sender it is from that one."""
    signal = Signal()
    for sender in (ANY, "a", "b", "c"):
        signal.connect(_receiver, sender)
    signal.disconnect(_receiver, "a")

    assert signal.send("a") == [(_receiver, "a")]

    signal.disconnect(_receiver)

    assert (signal.send("b"), bool(signal.receivers)) == ([], False)


def test_disconnecting_what_is_not_connected_is_no_error() -> None:
    """Neither an unknown receiver nor an unknown sender raises."""
    signal = Signal()
    signal.connect(_receiver, "a")
    signal.disconnect(_other)
    signal.disconnect(_receiver, "b")

    assert signal.send("a") == [(_receiver, "a")]


def test_an_error_of_a_receiver_is_raised_by_send() -> None:
    """It keeps its type."""
    signal = Signal()

    @signal.connect
    def fail(sender: object) -> None:
        raise LookupError(sender)

    with pytest.raises(LookupError, match="a"):
        signal.send("a")


def test_the_set_class_may_be_set() -> None:
    """Pelican sets an ordered set on the class; the tables are made of it."""

    class Ordered(Signal):
        set_class: Any = _OrderedSet

    signal = Ordered()
    signal.connect(_receiver)

    assert type(signal._by_sender[0]) is _OrderedSet
    assert signal.send("a") == [(_receiver, "a")]


def test_the_set_class_of_all_signals_may_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Pelican does: `Signal.set_class = OrderedSet`."""
    monkeypatch.setattr(Signal, "set_class", _OrderedSet)
    signal = Signal()
    signal.connect(_receiver, "a")

    assert signal._by_receiver == {id(_receiver): ["a"]}


def test_meta_signals_are_made_when_they_are_asked_for() -> None:
    """Whether the name is in the signal's `__dict__` tells if anybody is interested."""
    signal = Signal()
    signal.connect(_receiver)
    names = {"receiver_connected", "receiver_disconnected"}
    before = names & vars(signal).keys()
    made = (signal.receiver_connected, signal.receiver_disconnected)

    assert before == set()
    assert names & vars(signal).keys() == names
    assert (signal.receiver_connected, signal.receiver_disconnected) == made
    assert all(isinstance(it, Signal) for it in made)


def test_meta_signals_carry_what_connect_and_disconnect_were_given() -> None:
    """Their payload has Blinker's keys, and they come after the change."""
    signal = Signal()
    told: list[object] = []

    def connected(signal: Signal, /, **payload: object) -> None:
        told.append(("connected", payload, list(signal.receivers.values())))

    def disconnected(signal: Signal, /, **payload: object) -> None:
        told.append(("disconnected", payload, list(signal.receivers.values())))

    signal.receiver_connected.connect(connected)
    signal.receiver_disconnected.connect(disconnected)
    signal.connect(_receiver, sender="a", weak=False)
    signal.disconnect(_receiver, sender="a")
    signal.disconnect(_other)

    assert told == [
        ("connected", {"receiver": _receiver, "sender": "a", "weak": False}, [_receiver]),
        ("disconnected", {"receiver": _receiver, "sender": "a"}, []),
        ("disconnected", {"receiver": _other, "sender": ANY}, []),
    ]


def test_meta_signals_tell_of_temporary_connections() -> None:
    """`connected_to` is a connect and a disconnect."""
    signal = Signal()
    told: list[object] = []

    def tell(signal: object, /, **payload: object) -> None:
        told.append(payload)

    signal.receiver_connected.connect(tell)
    signal.receiver_disconnected.connect(tell)
    with signal.connected_to(_receiver, "a"):
        signal.send("a")

    assert told == [
        {"receiver": _receiver, "sender": "a", "weak": False},
        {"receiver": _receiver, "sender": "a"},
    ]


def test_meta_signals_do_not_tell_of_deaths() -> None:
    """A weakly held receiver that dies is not disconnected by anybody."""
    signal = Signal()
    told: list[object] = []

    def tell(signal: object, /, **payload: object) -> None:
        told.append(payload)

    signal.receiver_disconnected.connect(tell)

    def brief(sender: object) -> None: ...

    signal.connect(brief)
    del brief

    assert (told, bool(signal.receivers)) == ([], False)


def test_a_type_error_of_a_meta_receiver_vetoes_the_connection() -> None:
    """`connect` raises it, and nothing is connected."""
    signal = Signal()

    @signal.receiver_connected.connect
    def veto(signal: object, **payload: object) -> None:
        msg = "no"
        raise TypeError(msg)

    with pytest.raises(TypeError, match="no"):
        signal.connect(_receiver)

    assert signal.connections == ()


def test_a_receiver_that_cannot_be_called_is_refused() -> None:
    """Blinker noticed it when sending."""
    signal = Signal()
    wrong: Any = _Sender()

    with pytest.raises(ReceiverError, match="not callable"):
        signal.connect(wrong)


def test_receivers_is_true_as_long_as_somebody_is_connected() -> None:
    """`if signal.receivers` is the public question."""
    signal = Signal()
    before = bool(signal.receivers)
    signal.connect(_receiver, "a")
    during = bool(signal.receivers)
    signal.disconnect(_receiver, "a")

    assert (before, during, bool(signal.receivers)) == (False, True, False)


def test_receivers_is_still_true_when_a_sender_died() -> None:
    """Blinker's own tests ask for it: the receiver itself lives on."""
    signal = Signal()
    sender = _Sender()
    signal.connect(_receiver, sender)
    del sender

    assert (bool(signal.receivers), signal.connections) == (True, ())

    signal.disconnect(_receiver)

    assert not signal.receivers


def test_a_senders_death_ends_the_connection() -> None:
    """The weak reference of the sender goes with it."""
    signal = Signal()
    sender = _Sender()
    signal.connect(_receiver, sender)
    key = id(sender)
    senders = {key: ref() for key, ref in signal._weak_senders.items()}

    assert senders == {key: sender}

    del sender, senders

    assert (signal._weak_senders, signal._by_sender) == ({}, {})


def test_a_receiver_may_be_a_generator_function() -> None:
    """The sender iterates over what it returns; Heliograph's own signals warn of it."""
    signal = Signal()

    @signal.connect
    def offer(sender: str, **payload: object) -> Any:
        yield f"{sender}, one"
        yield f"{sender}, two"

    [(_, offers)] = signal.send("kiosk")

    assert list(offers) == ["kiosk, one", "kiosk, two"]
