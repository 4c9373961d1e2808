"""The hot path in C: it gives what Python gives."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import subprocess
import sys
from collections import deque
from typing import TYPE_CHECKING, Any
from weakref import getweakrefs, proxy, ref

import pytest

from heliograph import ANY, Signal, add_instrument, implementation, remove_instrument
from heliograph.core.callables import coroutine_function
from heliograph.core.connections.blocks import ConnectedFor, MutedFor
from heliograph.core.connections.connection import Connection
from heliograph.core.connections.group import Group
from heliograph.core.connections.receivers import MethodRef, ReceiverRef
from heliograph.core.connections.registry import Registry
from heliograph.core.connections.scopes import INNERMOST, Scope
from heliograph.core.development import KNOWN
from heliograph.core.failures import AT_ONCE
from heliograph.core.lock import lock_state, pending_changes
from heliograph.core.mistakes import explain_async_wrapper
from heliograph.core.observing.emission import PLACE, Delivery, Emission, outlive
from heliograph.core.observing.nesting import Place
from heliograph.core.observing.telling import switch_off, whoever_runs
from heliograph.core.observing.watching import end_watching
from heliograph.core.observing.wishes import TELLERS, Watchers
from heliograph.core.sending.outcome import is_raised
from heliograph.core.sending.snapshot import Snapshot
from heliograph.core.sending.unfinished import Unfinished, finish
from heliograph.core.spans.kind import SpanKind
from heliograph.core.spans.span import NOTHING, Span
from heliograph.core.spans.span import PLACE as SPAN_PLACE
from tests.core.diary import Diary

if TYPE_CHECKING:
    from collections.abc import Callable


def in_c(test: Callable[..., None]) -> Callable[..., None]:
    """Decorate a test that is about the part in C alone."""
    reason = "HELIOGRAPH_PURE=1, or no compiler"
    skipped = pytest.mark.skipif(implementation != "c", reason=reason)
    marked: Callable[..., None] = pytest.mark.once(skipped(test))
    return marked


SENDS: dict[str, Callable[[Signal, object], object]] = {
    "nothing": lambda signal, _: signal.send(),
    "a sender": lambda signal, sender: signal.send(sender),
    "keywords": lambda signal, sender: signal.send(sender, a=1, b=2),
    "a wrapper": lambda signal, sender: signal.send(sender, _async_wrapper=None, a=1),
    "many keywords": lambda signal, sender: signal.send(sender, **_many()),
    "made-up keywords": lambda signal, sender: signal.send(
        sender, **{word.replace("-", "_"): None for word in ("-async-wrapper", "a-b")}
    ),
}


def _many() -> dict[str, Any]:
    return {f"k{number}": number for number in range(20)}


def receive(sender: object, **payload: object) -> tuple[object, dict[str, object]]:
    """Return what came."""
    return sender, payload


class Shop:
    """An object with a method that receives."""

    def receive(self, sender: object, **payload: object) -> object:
        """Return what came."""
        return sender, payload


@pytest.mark.parametrize("how", SENDS)
@pytest.mark.parametrize("sender", [None, "shop", 3, Shop()], ids=["None", "str", "int", "object"])
def test_both_ways_of_sending_give_the_same(how: str, sender: object) -> None:
    """The Python one is what C falls back on, and is called by its own name."""
    signal, shop = Signal("paid"), Shop()
    signal.connect(receive)
    signal.connect(shop.receive, sender)
    python = getattr(Signal.send, "__wrapped__", Signal.send)

    class InPython(Signal):
        send = python

    other = InPython("paid")
    other.connect(receive)
    other.connect(shop.receive, sender)
    for _ in range(3):
        assert SENDS[how](signal, sender) == SENDS[how](other, sender)


@in_c
def test_without_a_signal_the_error_is_pythons() -> None:
    """It is that of the method."""
    with pytest.raises(TypeError, match=r"send\(\) missing 1 required positional"):
        Signal.send()  # type: ignore[call-overload]  # No signal.


def test_a_signal_that_is_its_own_receiver_ends_as_every_endless_recursion_does() -> None:
    """There may be no Python code between one send and the next that could count the depth."""
    signal = Signal("echo")
    signal.connect(signal.send, weak=False)

    with pytest.raises(RecursionError):
        signal.send("shop")


def test_a_receiver_that_cannot_be_looked_up_is_none() -> None:
    """An object that does not give its method any more has none; the others are called."""

    class Withdrawn(deque[object]):
        """Gives its methods until it is told not to."""

        withdrawn = False

        def __getattribute__(self, name: str) -> object:
            if Withdrawn.withdrawn:
                raise ValueError(name)
            return super().__getattribute__(name)

    signal, before, lines, after = Signal("paid"), deque[object](), Withdrawn(), deque[object]()
    for receiver in (before.append, lines.append, after.append):
        signal.connect(receiver)
    answers = [len(signal.send("shop"))]
    Withdrawn.withdrawn = True
    answers.append(len(signal.send("shop")))

    assert answers == [3, 2]
    assert (list(before), list(after)) == (["shop"] * 2, ["shop"] * 2)


def test_the_method_is_copied_and_pickled_by_its_name() -> None:
    """As functions are: programs keep methods in tables that they copy."""
    assert copy.deepcopy([Signal.send]) == [Signal.send]
    assert pickle.loads(pickle.dumps(Signal.send)) is Signal.send  # noqa: S301 - ours.
    assert "Signal.send" in repr(Signal.send)


def test_an_interruption_leaves_also_while_a_receiver_is_looked_up() -> None:
    """It comes at any moment, and must not be taken for an error of the receiver."""

    class Interrupted(deque[object]):
        """Its methods are looked up by name whenever one is called."""

        interrupted = False

        def __getattribute__(self, name: str) -> object:
            if type(self).interrupted:
                raise KeyboardInterrupt
            return super().__getattribute__(name)

    signal, tally = Signal("paid"), Interrupted()
    signal.connect(tally.append)
    signal.connect(receive)
    signal.send("shop")
    Interrupted.interrupted = True

    with pytest.raises(KeyboardInterrupt):
        signal.send("shop")


@pytest.mark.parametrize("others", [0, 3, 4, 40])
def test_a_sender_is_heard_whoever_else_refers_to_it_weakly(others: int) -> None:
    """C looks for its connection among a few weak references alone."""
    signal, shop = Signal("paid"), Shop()
    before = [ref(shop, lambda _: None) for _ in range(others)]
    signal.connect(receive, shop)
    after = [ref(shop, lambda _: None) for _ in range(others)]

    assert signal.send(shop) == [(receive, (shop, {}))]
    assert [each() for each in (*before, *after)] == [shop] * 2 * others


@pytest.mark.parametrize("shared", [(), (ref,), (proxy,), (ref, proxy)])
def test_python_still_finds_the_weak_references_that_it_shares(shared: tuple[Any, ...]) -> None:
    """It looks for them at the head of the list of an object, where connections must not be."""
    signal, shop = Signal("paid"), Shop()
    before = [make(shop) for make in shared]
    for sender in (ANY, shop):
        signal.connect(receive, sender)
        signal.connect(shop.receive, sender)
    after = [make(shop) for make in shared]
    connection = next(it for it in signal.connections if it.sender is shop)

    assert [id(it) for it in after] == [id(it) for it in before]
    assert [id(it) for it in getweakrefs(shop)[: len(shared)]] == [id(it) for it in before]
    assert id(connection) in [id(it) for it in getweakrefs(shop)]
    del connection
    signal.disconnect(receive)
    signal.disconnect(shop.receive)
    assert [id(it) for it in getweakrefs(shop)] == [id(it) for it in before]


def test_arguments_in_a_tuple_stay_what_they_are() -> None:
    """They are handed over as they lie in it, and others may use it meanwhile."""
    signal = Signal("paid")
    arguments = signal, "shop"
    seen: list[object] = []

    class Looking:
        """Has a method that receives."""

        def receive(self, sender: object) -> None:
            """Look at the tuple."""
            seen.append(arguments[0])

    looking = Looking()
    signal.connect(looking.receive)
    for _ in range(2):  # The first send makes the snapshot, in Python.
        Signal.send(*arguments)

    assert seen == [signal, signal]


def test_names_of_keywords_may_send_when_they_die() -> None:
    """The names of the last call are kept, and letting go of them may run code."""
    signal = Signal("paid")
    heard: list[dict[str, object]] = []

    @signal.connect
    def _hear(sender: object, **payload: object) -> None:
        heard.append({str(name): value for name, value in payload.items()})

    def send_b() -> None:
        signal.send(_async_wrapper=None, b=2)

    class Name(str):
        """Sends when it is let go of."""

        __slots__ = ()

        def __del__(self) -> None:
            send_b()

    signal.send(_async_wrapper=None, **{Name("a"): 1})
    signal.send(_async_wrapper=None, c=3)
    send_b()

    assert heard == [{"a": 1}, {"b": 2}, {"c": 3}, {"b": 2}]


class Name(str):
    """A name that does something when it is compared with one that is equal."""

    __slots__ = ("act",)

    def __init__(self, _: str) -> None:
        self.act: Callable[[], object] = int

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        self.act()
        return False


@pytest.mark.parametrize("connected", ["for all", "for others", "for the sender"])
def test_looking_at_the_type_of_a_sender_may_change_everything(connected: str) -> None:
    """A name in it may be a str subclass with methods; what it replaces is held to the end."""
    for _ in range(20):
        name = Name("_get_current_object")
        sender: Any = type("Sender", (), {name: None})()
        signal: Any = Signal("paid")
        for number in range(3):
            for_whom = {"for all": ANY, "for others": Shop(), "for the sender": sender}
            signal.connect(lambda *_: None, for_whom[connected], weak=False, priority=number)

        def replace(signal: Any = signal) -> None:
            # In its place comes what takes the memory that was freed, if it was.
            del signal._registry
            signal._registry = Signal("other")._registry
            signal.taken = [[Registry(), Group(), {}] for _ in range(50)]

        signal.send(sender)  # It makes the snapshot, in Python.
        type(sender).changed = True  # So that it is looked at again.
        name.act = replace

        assert len(signal.send(sender)) == (0 if connected == "for others" else 3)


# In Python the interpreter looks, which may remember where it has found the name, and compare none.
@in_c
@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt])
def test_an_error_while_a_signal_is_looked_at_is_not_lost(error: type[BaseException]) -> None:
    """A name in its dict may be a str subclass with methods, too."""
    signal = Signal("paid")
    name = Name("_registry")

    def fail() -> None:
        raise error

    signal.connect(receive)
    registry = signal.__dict__.pop("_registry")
    signal.__dict__[name] = None
    signal.__dict__["_registry"] = registry

    assert signal.send("shop") == [(receive, ("shop", {}))]

    name.act = fail
    signal.__dict__["changed"] = True  # So that it is looked at again.
    with pytest.raises(error):
        signal.send("shop")


def give_another_registry(signal: Any, other: Any) -> None:
    """Replace what C has found in the dict."""
    signal._registry = other._registry


def give_another_dict(signal: Any, other: Any) -> None:
    """Replace the dict itself."""
    signal.__dict__ = dict(vars(other))


def share_a_dict(signal: Any, other: Any) -> None:
    """Take the dict of the other one."""
    signal.__dict__ = vars(other)


def fill_the_dict_again(signal: Any, other: Any) -> None:
    """Change the dict by its own methods."""
    vars(signal).clear()
    vars(signal).update(vars(other))


def take_it_out_and_put_another_in(signal: Any, other: Any) -> None:
    """Change the dict in two steps."""
    names = vars(signal)
    del names["_registry"]
    names |= vars(other)


@pytest.mark.parametrize("read", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        give_another_registry,
        give_another_dict,
        share_a_dict,
        fill_the_dict_again,
        take_it_out_and_put_another_in,
    ],
)
def test_a_signal_is_looked_at_again_once_its_dict_is_another(
    change: Callable[[Any, Any], None], *, read: bool
) -> None:
    """What was found in it counts as long as it is there; also of a dict that was never read."""
    for _ in range(3):
        signal, other, diary = Signal("paid"), Signal("other"), Diary()
        before, after = diary.receiver("before"), diary.receiver("after")
        signal.connect(before)
        other.connect(after)
        if read:
            vars(signal)
        for _ in range(2):
            assert signal.send("shop") == [(before, "before")]
        change(signal, other)

        assert signal.has_receivers_for("shop")
        for _ in range(2):
            assert signal.send("shop") == [(after, "after")]


def test_a_signal_in_the_memory_of_a_dead_one_is_a_new_one() -> None:
    """What was found in the dead one does not count."""
    places = set[int]()
    for number in range(300):
        signal = Signal("paid")
        places.add(id(signal))

        def receiver(sender: object, number: int = number) -> int:
            return number

        signal.connect(receiver)
        assert [value for _, value in signal.send("shop")] == [number]
        if number % 3:
            signal.changed = True  # Its dict.
            assert [value for _, value in signal.send("shop")] == [number]
        del signal
        gc.collect(0)

    assert len(places) < 300


@in_c
def test_results_cannot_be_found_before_they_are_complete() -> None:
    """Not even by way of the collector: whoever emptied the list meanwhile would harm us all."""
    signal, found = Signal("paid"), list[object]()

    def first(sender: object) -> None:
        """Be the first result."""

    def second(sender: object) -> None:
        for it in gc.get_objects() if sender == "shop" else ():
            if type(it) is list and it and type(it[0]) is tuple and first in it[0][:1]:
                found.append(it)
                it.clear()

    signal.connect(first)
    signal.connect(second)
    signal.send("kiosk")  # It makes the snapshot, in Python.

    assert signal.send("shop") == [(first, None), (second, None)]
    assert found == []


@in_c
def test_send_is_a_method_like_any_other() -> None:
    """It has a name, documentation and a signature, and bound it is a receiver."""
    outer, inner, diary = Signal("outer"), Signal("inner"), Diary()
    inner.connect(diary.receiver("r"))
    outer.connect(inner.send)
    outer.send("shop")

    assert (Signal.send.__name__, Signal.send.__qualname__) == ("send", "Signal.send")
    assert (Signal.send.__doc__ or "").startswith("Call the receivers")
    assert [it.name for it in outer.connections] == ["heliograph.core.signal.Signal.send"]


def _parts(**others: type) -> dict[str, Any]:
    kinds = {"registry": Registry, "group": Group, "connection": Connection, "snapshot": Snapshot}
    records = {"receiver_ref": ReceiverRef, "method_ref": MethodRef}
    seen = {"watchers": Watchers, "place": Place}
    return {
        "in_python": Signal.send,
        "finish": finish,
        "is_raised": is_raised,
        "dress": coroutine_function,
        "explain": explain_async_wrapper,
        "pending_changes": pending_changes,
        "at_once": AT_ONCE,
        "unfinished": Unfinished,
        "innermost_block": INNERMOST,
        "scope": Scope,
        "known": KNOWN,
        "os_names": vars(os),
        "lock_state": type(lock_state),
        "connected_block": ConnectedFor,
        "muted_block": MutedFor,
        **kinds,
        **records,
        **seen,
        **others,
    }


def _watching(**others: Any) -> dict[str, Any]:
    return {
        "tellers": TELLERS,
        "inside": PLACE,
        "end_watching": end_watching,
        "outlive": outlive,
        "whoever_runs": whoever_runs,
        "switch_off": switch_off,
        "deliveries": Emission.deliveries.fget,  # type: ignore[attr-defined]  # A property.
        "emission": Emission,
        "delivery": Delivery,
        **others,
    }


@in_c
def test_what_sends_is_collected_as_any_garbage() -> None:
    """It may be part of a circle, and lets go of all that it holds."""
    from heliograph.core.sending._dispatch import Send

    class Replaced(Registry):
        """Goes with the circle."""

        __slots__ = ()

    send: Any = Send(**_parts(registry=Replaced))
    send.watch_with(**_watching())
    send.circle = send
    seen = [ref(send), ref(Replaced)]
    del send, Replaced
    gc.collect()

    assert [each() for each in seen] == [None, None]


@in_c
def test_classes_without_the_slots_that_are_read_are_refused() -> None:
    """Reading where there is no slot would be reading anything."""
    from heliograph.core.sending._dispatch import Send

    class Dynamic(Registry):
        """Computes what was a slot."""

        __slots__ = ()
        version = property(lambda self: 0)

    with pytest.raises(TypeError, match=r"Dynamic'> has no slot version"):
        Send(**_parts(registry=Dynamic))
    with pytest.raises(AttributeError, match="anyone"):
        Send(**_parts(registry=object))


@in_c
def test_what_watches_is_taken_once_and_as_a_whole() -> None:
    """Taking it again changes nothing: a signal handler may interrupt whoever loads it."""
    from heliograph.core.sending._dispatch import Send

    class Computed(Emission):
        """Computes what was a slot."""

        __slots__ = ()
        _clock = property(lambda self: 0)

    send: Any = Send(**_parts())
    with pytest.raises(TypeError, match="Nothing watches yet"):
        send.deliveries_of(Emission())
    with pytest.raises(TypeError, match="no slot _clock"):
        send.watch_with(**_watching(emission=Computed))
    with pytest.raises(TypeError, match="missing required argument 'delivery'"):
        send.watch_with(**{name: it for name, it in _watching().items() if name != "delivery"})
    with pytest.raises(TypeError, match="Nothing watches yet"):
        send.deliveries_of(Emission())
    for deliveries in (lambda _: ("Python's",), send.deliveries_of):
        send.watch_with(**_watching(deliveries=deliveries))

    assert send.deliveries_of(Emission()) == ("Python's",)


@in_c
def test_until_what_watches_is_there_python_sends_what_is_watched() -> None:
    """Reading the slots of emissions would be reading anything."""
    from heliograph.core.sending._dispatch import Send

    signal = Signal("paid")
    signal.connect(receive)
    seen: list[list[object]] = []

    def watch(emission: Emission) -> None:
        seen.append([it.value for it in emission.deliveries])

    send: Any = Send(**_parts())
    add_instrument(watch)
    try:
        for _ in range(2):
            assert send(signal, "shop", total=12) == [(receive, ("shop", {"total": 12}))]
            send.watch_with(**_watching()) if len(seen) == 1 else None
    finally:
        remove_instrument(watch)

    assert seen == [[("shop", {"total": 12})]] * 2


@in_c
def test_what_connects_asks_for_all_that_it_needs() -> None:
    """Reading what is not there would be reading anything."""
    from heliograph.core.sending._dispatch import Send, Tables, Verb

    send: Any = Send(**_parts())
    with pytest.raises(TypeError, match="Tables takes each of its parts, by keyword"):
        Tables(send)
    with pytest.raises(TypeError, match="'connect' has no tables"):
        Verb("connect", "connect", Signal.connect)  # type: ignore[arg-type]  # It is a text.


def test_it_can_be_turned_off() -> None:
    """`heliograph.implementation` tells which is in use."""
    code = "import heliograph; print(heliograph.implementation)"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"HELIOGRAPH_PURE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert run.stdout.strip() == "python"


@in_c
def test_what_begins_spans_reads_registries_alone() -> None:
    """Reading the slot of anything else would be reading anything."""
    from heliograph.core.sending._dispatch import Noop

    with pytest.raises(
        TypeError, match=r"^7 is no <class 'heliograph.core.connections.registry.Registry'>$"
    ):
        Noop(None, Registry, (7,))
    with pytest.raises(AttributeError, match="anyone"):
        Noop(None, int, ())
    with pytest.raises(TypeError, match="tuple"):
        Noop(None, Registry, [Registry()])  # type: ignore[arg-type]  # That is the point.


@in_c
def test_what_serves_spans_reads_their_slots_alone() -> None:
    """And uses what sends."""
    from heliograph.core.sending._dispatch import SpanCall

    new: Any = SpanCall
    parts: list[Any] = [Signal.send, print, Span, SpanKind, SPAN_PLACE, NOTHING]
    with pytest.raises(TypeError, match="is not what sends"):
        new("enter", print, *parts[1:])
    with pytest.raises(AttributeError, match="_kind"):
        new("enter", *parts[:2], object, *parts[3:])
    call = new("leave", *parts)
    call.circle = call
    alive = ref(call)
    del call
    gc.collect()

    assert alive() is None


@in_c
def test_what_stands_for_no_function_has_no_name() -> None:
    """Showing it and copying it say so, and do no harm."""
    from heliograph.core.sending._dispatch import Noop

    nameless = Noop(None, Registry, ())
    for act in (repr, copy.copy):
        with pytest.raises(AttributeError, match="__qualname__"):
            act(nameless)


@pytest.mark.parametrize("others", [0, 3, 4, 40])
def test_a_receiver_is_found_whoever_else_refers_to_it_weakly(others: int) -> None:
    """C looks for it among a few weak references, and then in the table."""
    signals = [Signal(f"s{number}") for number in range(others + 1)]
    signal, *more = signals

    def receiver(sender: object) -> str:
        return "heard"

    signal.connect(receiver)
    (ended,) = signal.connections  # Its reference is in no table any more, but alive.
    signal.disconnect(receiver)
    before = [ref(receiver, lambda _: None) for _ in range(others)]
    for each in signals:
        each.connect(receiver, "shop")
    after = [ref(receiver, lambda _: None) for _ in range(others)]
    signal.connect(receiver, "shop")
    signal.connect(receiver, "kiosk")

    assert [it.sender for it in signal.connections] == ["shop", "kiosk"]
    signal.disconnect(receiver, "kiosk")
    assert signal.send("shop") == [(receiver, "heard")]
    signal.disconnect(receiver)
    assert (signal.connections, ended.connected) == ((), False)
    assert all(each.send("shop") == [(receiver, "heard")] for each in more)
    assert all(it() is receiver for it in (*before, *after))
