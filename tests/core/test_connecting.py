"""Connecting and disconnecting, and the connection that says what was connected."""

from __future__ import annotations

import _thread
import copy
import gc
import pydoc
import threading
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

import pytest

import heliograph.blinker
from heliograph import ANY, ArgumentError, ReceiverError, ReceiverWarning, Signal
from heliograph.core.connections.keywords import ConnectOptions
from heliograph.core.connections.options import DEFAULTS, How
from heliograph.core.source import line_of
from tests.core.diary import Diary

if TYPE_CHECKING:
    from collections.abc import Callable


class Shop:
    """An ordinary object."""


class SlottedReceiver:
    """A callable to which there are no weak references."""

    __slots__ = ()

    def __call__(self, sender: object, **payload: object) -> str:
        """Return a word."""
        return "slotted"


def test_connect_returns_the_receiver_and_so_is_a_decorator() -> None:
    """What `connect` is given, it gives back."""
    signal = Signal("paid")

    @signal.connect
    def receiver(sender: object) -> str:
        return "decorated"

    assert signal.connect(receiver, "shop") is receiver
    assert signal.send() == [(receiver, "decorated")]


def test_connect_via_connects_what_it_decorates_strongly() -> None:
    """`connect_via` is for functions that nothing else refers to."""
    signal = Signal("paid")

    @signal.connect_via("shop", priority=2, on_error="log", inline=True)
    def receiver(sender: object) -> str:
        return "decorated"

    kept = ref(receiver)
    del receiver
    [connection] = signal.connections

    assert signal.send("kiosk") == []
    assert signal.send("shop") == [(kept(), "decorated")]
    assert (connection.sender, connection.weak) == ("shop", False)
    assert (connection.priority, connection.on_error, connection.inline) == (2, "log", True)


def test_connect_via_can_connect_weakly() -> None:
    """With ``weak=True`` the function has to be kept by somebody."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")

    assert signal.connect_via("shop", weak=True)(receiver) is receiver
    assert [connection.weak for connection in signal.connections] == [True]


def test_the_decorator_of_connect_via_takes_one_receiver() -> None:
    """It can be called as any function, and again for the next receiver."""
    signal = Signal("paid")
    decorate: Any = signal.connect_via("shop")
    first, second = Diary().receiver("first"), Diary().receiver("second")

    assert (decorate(first), decorate(receiver=second)) == (first, second)
    assert signal.receivers == (first, second)
    with pytest.raises(TypeError, match=r"decorate\(\) missing 1 required positional argument"):
        decorate()
    with pytest.raises(TypeError, match=r"decorate\(\) takes 1 positional argument but 2 were"):
        decorate(first, second)
    with pytest.raises(ReceiverError, match="3 cannot be connected to signal 'paid'"):
        decorate(3)


def test_a_decorator_of_connect_via_is_copied_and_referred_to_as_a_function_is() -> None:
    """Whatever keeps it can be copied."""
    decorate = Signal("paid").connect_via("shop")

    assert copy.copy(decorate) is copy.deepcopy([decorate])[0] is decorate
    assert ref(decorate)() is decorate


def test_a_decorator_of_connect_via_may_be_kept_by_what_it_connects() -> None:
    """All of it is garbage then as soon as nobody has the signal any more."""

    def receiver_of(signal: Signal) -> Any:
        def receiver(sender: object) -> object:
            return decorate

        decorate = signal.connect_via("shop")
        return decorate(receiver)

    gone = ref(receiver_of(Signal("paid")))
    gc.collect()

    assert gone() is None


def test_connect_via_calls_an_overridden_connect_as_blinker_does() -> None:
    """Without options of ours, `connect_via` gives `connect` three arguments by position."""
    calls: list[tuple[Any, ...]] = []

    class Traced(Signal):
        def connect(self, *args: Any, **options: Any) -> Any:
            calls.append((args[1:], options))
            return super().connect(*args, **options)

    signal = Traced("paid")
    signal.connect_via("shop")(Diary().receiver("r"))
    signal.connect_via("shop", priority=1)(Diary().receiver("r"))

    assert calls == [(("shop", False), {}), (("shop", False), {"priority": 1})]


def test_a_connection_says_all_about_itself() -> None:
    """Receiver, name, sender, options, the line that connected it, and what became of it."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    line = test_a_connection_says_all_about_itself.__code__.co_firstlineno + 5
    signal.connect(receiver, "shop", priority=3, on_error="log", inline=True)
    [connection] = signal.connections

    assert connection.receiver is receiver
    assert connection.name == "tests.core.diary.Diary.receiver.<locals>.receive"
    assert connection.sender == "shop"
    assert (connection.priority, connection.on_error, connection.inline) == (3, "log", True)
    assert (connection.weak, connection.is_async) == (True, False)
    assert connection.location == f"{__file__}:{line}"
    assert (connection.receiver_failures, connection.connected) == (0, True)
    assert repr(connection) == (
        f"<Connection of tests.core.diary.Diary.receiver.<locals>.receive for a str"
        f" with priority=3, on_error='log', inline=True, at {__file__}:{line}>"
    )


def test_a_connection_names_no_sender_by_its_value() -> None:
    """The repr of a connection tells the sender's type alone, as it ends up in logs."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("r"), "secret")
    signal.connect(diary.receiver("r"))

    texts = [repr(connection) for connection in signal.connections]

    assert ["secret" in text for text in texts] == [False, False]
    assert [" for ANY, at " in text for text in texts] == [False, True]


@pytest.mark.parametrize(
    "name",
    [
        "receiver",
        "name",
        "sender",
        "priority",
        "on_error",
        "inline",
        "weak",
        "is_async",
        "location",
    ],
)
def test_a_connection_is_read_only(name: str) -> None:
    """Options are changed by connecting again, not by writing to the record."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("r"))
    [connection] = signal.connections

    with pytest.raises(AttributeError):
        setattr(connection, name, None)


def test_connections_are_told_apart_by_identity() -> None:
    """Two connections are never equal, even for equal receivers and senders."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver, "a")
    signal.connect(receiver, "b")
    one, other = signal.connections

    assert one != other
    assert len({one, other, *signal.connections}) == 2


def test_connections_for_one_object_are_told_apart_by_identity() -> None:
    """A connection is a reference to its sender, and still no two of them are equal."""
    signal, diary, shop = Signal("paid"), Diary(), Shop()
    signal.connect(diary.receiver("a"), shop)
    signal.connect(diary.receiver("b"), shop)

    assert len(set(signal.connections)) == 2


def test_an_ended_connection_knows_that_it_ended() -> None:
    """`connected` turns false when the connection ends; the rest stays readable."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver, "shop")
    [connection] = signal.connections
    signal.disconnect(receiver)

    assert not connection.connected
    assert (connection.receiver, connection.sender) == (receiver, "shop")


def test_a_connection_of_a_dead_receiver_has_none() -> None:
    """What was connected is gone, but its name is known."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("r"))
    [connection] = signal.connections
    diary.kept.clear()

    assert (connection.receiver, connection.connected) == (None, False)
    assert connection.name == "tests.core.diary.Diary.receiver.<locals>.receive"


def test_a_connection_outlives_its_signal() -> None:
    """A record that somebody keeps does not keep the signal, and has ended with it."""
    signal, diary = Signal("paid"), Diary()
    shop = Shop()
    signal.connect(diary.receiver("r"), shop)
    [connection] = signal.connections

    del signal

    assert not connection.connected

    del shop
    diary.kept.clear()

    assert (connection.receiver, connection.sender) == (None, None)


# --- connecting again ------------------------------------------------------------------


def test_connecting_again_changes_the_options_and_keeps_the_place() -> None:
    """The last options count, in the place and at the line of the first connect."""
    signal, diary = Signal("paid"), Diary()
    first, second = diary.receiver("first"), diary.receiver("second")
    signal.connect(first)
    signal.connect(second)
    place = signal.connections[0].location
    signal.connect(first, on_error="log", inline=True)
    connection = signal.connections[0]

    assert (connection.on_error, connection.inline) == ("log", True)
    assert connection.location == place
    assert [value for _, value in signal.send()] == ["first", "second"]


def test_connecting_again_in_the_same_way_changes_nothing() -> None:
    """The connection is the very same one."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver, "shop")
    before = signal.connections
    signal.connect(receiver, "shop")

    assert signal.connections == before


@pytest.mark.parametrize("sender", [ANY, "shop", "kiosk"])
def test_strong_stays_strong(sender: object) -> None:
    """Whoever connected strongly relies on it: a weak connect later takes nothing away."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver, "shop", weak=False)
    signal.connect(receiver, sender)
    diary.kept.clear()

    del receiver

    assert [value for _, value in signal.send("shop")] == ["r"]


def test_a_weak_connection_can_be_made_strong() -> None:
    """Connecting again strongly keeps the receiver alive from then on."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver)
    signal.connect(receiver, weak=False)
    diary.kept.clear()

    del receiver

    assert [value for _, value in signal.send()] == ["r"]


def test_a_receiver_is_let_go_with_its_last_strong_connection() -> None:
    """Weak connections that are left keep nobody alive."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver, "weakly")
    signal.connect(receiver, "strongly", weak=False)
    signal.disconnect(receiver, "strongly")
    diary.kept.clear()

    del receiver

    assert signal.connections == ()


def test_weak_may_be_anything_that_is_true() -> None:
    """What it is counts for nothing when connections of the receiver are counted."""
    signal, diary = Signal("paid"), Diary()
    receiver, true = diary.receiver("told"), 1
    for sender in ("a", "b"):
        signal.connect(receiver, sender, weak=true)  # type: ignore[call-overload]  # That is it.
    signal.disconnect(receiver, "a")
    for sender in ("c", "d"):
        signal.connect(receiver, sender, weak=False)
    signal.disconnect(receiver, "d")
    diary.kept.clear()
    del receiver

    signal.send("c")

    assert diary.lines == ["told"]


@pytest.mark.parametrize("sender", [ANY, "shop"])
def test_a_receiver_that_cannot_be_held_weakly_can_be_given_other_options(sender: object) -> None:
    """Connecting it again does not lose it."""
    signal, receiver = Signal("paid"), SlottedReceiver()
    signal.connect(receiver, sender, weak=False)
    signal.connect(receiver, sender, weak=False, priority=5)

    assert signal.send("shop") == [(receiver, "slotted")]
    assert [connection.priority for connection in signal.connections] == [5]

    signal.disconnect(receiver)

    assert signal.send("shop") == []


def test_a_receiver_that_cannot_be_held_weakly_is_let_go_when_it_is_disconnected() -> None:
    """A record that somebody keeps does not keep such a receiver."""
    signal, receiver = Signal("paid"), SlottedReceiver()
    signal.connect(receiver, weak=False)
    [connection] = signal.connections
    signal.disconnect(receiver)

    assert connection.receiver is None


# --- disconnecting ---------------------------------------------------------------------


def test_disconnect_for_a_sender_ends_that_connection_alone() -> None:
    """Other senders are still heard."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    for sender in ("a", "b", "c"):
        signal.connect(receiver, sender)
    signal.disconnect(receiver, "b")

    assert [connection.sender for connection in signal.connections] == ["a", "c"]


def test_disconnect_for_a_sender_leaves_the_connection_for_any() -> None:
    """Whoever hears everybody still hears that sender."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver)
    signal.connect(receiver, "shop")
    signal.disconnect(receiver, "shop")

    assert signal.send("shop") == [(receiver, "r")]


def test_disconnect_for_all_ends_every_connection() -> None:
    """`ANY` stands for all senders, those that were connected singly included."""
    signal, diary = Signal("paid"), Diary()
    receiver, other = diary.receiver("r"), diary.receiver("other")
    for sender in (ANY, "a", 0, None):
        signal.connect(receiver, sender)
        signal.connect(other, sender)
    signal.disconnect(receiver)

    assert [connection.receiver for connection in signal.connections] == [other] * 4


def test_the_code_of_the_class_of_a_class_may_run_while_a_connection_ends() -> None:
    """Numbers of a class are the same sender by that class, which may have a hash of its own."""
    acts: list[Callable[[], object]] = []

    class Kind(type):
        def __hash__(cls) -> int:
            if acts:
                acts.pop()()
            return 5

    class Cents(int, metaclass=Kind):
        """A number as a sender."""

    def receiver(sender: object, **payload: object) -> None:
        """Do nothing."""

    def elsewhere() -> None:
        signal.disconnect(receiver)
        signal.connect(receiver, "kiosk")

    for looks in range(8):
        for end in ("block", "disconnect"):
            signal = Signal("paid")
            block = signal.connected_to(receiver, Cents(3))
            if end == "block":
                signal.connect(receiver, Cents(4))
            block.__enter__()
            acts[:] = [elsewhere, *[list] * looks]
            if end == "disconnect":
                signal.disconnect(receiver)
            block.__exit__(None, None, None)
            acts.clear()
            signal.disconnect(receiver)

            assert (signal.connections, signal.receivers) == ((), ())


def test_disconnect_ends_temporary_connections_too() -> None:
    """Whoever is disconnected is not called any more, however it was connected."""
    signal, diary = Signal("paid"), Diary()
    receiver, other = diary.receiver("r"), diary.receiver("other")
    signal.connect(receiver, "shop")
    with (
        signal.connected_to(receiver, "shop"),
        signal.connected_to(receiver, "kiosk"),
        signal.connected_to(other, "kiosk"),
    ):
        signal.disconnect(receiver, "kiosk")
        kiosk = signal.send("kiosk")
        signal.disconnect(receiver)
        shop = signal.send("shop")

    assert (kiosk, shop) == ([(other, "other")], [])
    assert signal.connections == ()


@pytest.mark.parametrize("sender", [ANY, "shop"])
def test_disconnect_ends_just_the_connection_that_it_is_given(sender: object) -> None:
    """Those of the same receiver for others stay, a temporary one for the same sender too."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    for each in (ANY, "shop", "kiosk"):
        signal.connect(receiver, each)
    told: list[object] = []
    ended = next(it for it in signal.connections if it.sender == sender)
    others = [it for it in signal.connections if it is not ended]
    with signal.connected_to(receiver, sender):
        [temporary] = set(signal.connections) - {ended, *others}
        with signal.receiver_disconnected.connected_to(
            lambda _, connection: told.append(connection)
        ):
            signal.disconnect(ended)
            signal.disconnect(ended)
        left = signal.connections

    assert (left, told) == ((*others, temporary), [ended])
    assert signal.connections == tuple(others)


def test_disconnect_leaves_the_connections_of_another_signal_alone() -> None:
    """As a receiver that is not connected, it is no error."""
    signal, other, diary = Signal("paid"), Signal("placed"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver)
    other.connect(receiver)
    signal.disconnect(*other.connections)

    assert (signal.receivers, other.receivers) == ((receiver,), (receiver,))


# --- where -----------------------------------------------------------------------------


def test_where_is_the_line_outside_of_heliograph() -> None:
    """Decorators and `with` blocks name the line of whoever wrote them."""
    signal, diary = Signal("paid"), Diary()
    line = test_where_is_the_line_outside_of_heliograph.__code__.co_firstlineno
    signal.connect_via("shop")(diary.receiver("a"))
    with signal.connected_to(diary.receiver("b"), "shop"):
        places = [connection.location for connection in signal.connections]

    assert places == [f"{__file__}:{line + 4}", f"{__file__}:{line + 5}"]


def test_where_is_known_of_a_thread_that_only_connects() -> None:
    """Without any caller outside, the line is in `connect` itself."""
    signal, diary, done = Signal("paid"), Diary(), threading.Event()
    signal.receiver_connected.connect(lambda *_, **__: done.set(), weak=False)
    _thread.start_new_thread(signal.connect, (diary.receiver("r"),))
    done.wait(10)

    [connection] = signal.connections
    assert connection.location.partition(":")[0].endswith("connecting.py")


def test_code_without_line_numbers_is_placed_at_its_first_line() -> None:
    """A compiled file may have been stripped of its lines."""
    code = line_of.__code__.replace(co_linetable=b"")

    assert line_of((code, 2)) == line_of.__code__.co_firstlineno


# --- what can never work ---------------------------------------------------------------


def _generating(sender: object) -> Any:
    yield 1


async def _async_generating(sender: object) -> Any:
    yield 1


@pytest.mark.parametrize("receiver", [_generating, _async_generating])
def test_a_generator_function_is_warned_of_where_it_is_connected(
    receiver: Callable[..., Any],
) -> None:
    """As a receiver it would never run one of its lines."""
    signal = Signal("paid")
    line = test_a_generator_function_is_warned_of_where_it_is_connected.__code__.co_firstlineno
    with pytest.warns(ReceiverWarning) as caught:
        signal.connect(receiver)

    assert [str(warning.message) for warning in caught] == [
        (
            f"{__name__}.{receiver.__name__} is a generator function: calling it runs none of "
            "its lines, so as a receiver it does nothing. Take the yield out."
        )
    ]
    assert [(warning.filename, warning.lineno - line) for warning in caught] == [(__file__, 8)]


def test_a_partial_is_a_receiver_of_its_own() -> None:
    """Two partials of one function are connected side by side."""
    signal = Signal("paid")

    def receiver(word: str, sender: object) -> str:
        return word

    one, other = partial(receiver, "one"), partial(receiver, "other")
    signal.connect(one)
    signal.connect(other)

    assert signal.send() == [(one, "one"), (other, "other")]


@pytest.mark.parametrize("kind", [Signal, heliograph.blinker.Signal])
def test_a_decorator_may_have_options(kind: type[Signal[...]]) -> None:
    """`connect` without a receiver returns what connects one, as it was told to."""
    signal = kind()

    @signal.connect(sender="shop", priority=3, on_error="log")
    def receiver(sender: object, **payload: object) -> None:
        """Receive."""

    [connection] = signal.connections
    assert (connection.receiver, connection.sender) == (receiver, "shop")
    assert (connection.priority, connection.on_error, connection.weak) == (3, "log", True)
    assert connection.location.startswith(__file__)


def test_a_misspelt_option_of_a_decorator_is_told_of_when_it_decorates() -> None:
    """As without a decorator."""
    with pytest.raises(ArgumentError, match="Did you mean 'priority'"):
        Signal("paid").connect(priorty=3)(print)  # type: ignore[call-overload]  # Misspelt.


def test_type_checkers_see_the_options_that_there_are() -> None:
    """And `help` shows them by the name of their class, with nothing for what is misspelt."""
    shown = pydoc.plain(pydoc.render_doc(Signal.connect))

    assert ConnectOptions.__annotations__.keys() == DEFAULTS.keys()
    assert How._fields == (*DEFAULTS, "weak")
    assert "**options: Unpack[ConnectOptions]" in shown.replace("'", "")
    assert [it for it in DEFAULTS if f"``{it}``:" not in shown] == []
    assert "misspelt" not in shown
