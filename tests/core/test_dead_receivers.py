"""Receivers that died: what is remembered of them, and who is warned of at once."""

from __future__ import annotations

import gc
import subprocess
import sys
import warnings
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from time import time
from types import MethodType
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import ANY, ArgumentError, Namespace, ReceiverWarning, Signal
from tests.core.diary import Diary

if TYPE_CHECKING:
    from collections.abc import Callable

    from heliograph import Connection


class Shop:
    """An object with a method."""

    def receive(self, sender: object, **payload: object) -> None:
        """Do nothing."""

    def __call__(self, sender: object, **payload: object) -> None:
        """Do nothing."""


def plain(word: str, sender: object) -> None:
    """Do nothing."""


def warnings_of(function: Callable[[], object]) -> list[tuple[str, int]]:
    """Return the receivers that are warned of while a function runs, and in which of its lines."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function()
        gc.collect()
    first = function.__code__.co_firstlineno
    assert {warning.category for warning in caught} <= {ReceiverWarning}
    assert {warning.filename for warning in caught} <= {__file__}
    return [(str(warning.message).partition(" ")[0], warning.lineno - first) for warning in caught]


# --- remembered ------------------------------------------------------------------------


def test_a_dead_receiver_is_remembered_by_name_and_line() -> None:
    """Tools can say who does not hear any more, and where it was connected."""
    signal, diary = Signal("paid"), Diary()
    line = test_a_dead_receiver_is_remembered_by_name_and_line.__code__.co_firstlineno + 4
    signal.connect(diary.receiver("r"))
    before = signal.dead_receivers
    diary.kept.clear()
    [dead] = signal.dead_receivers

    assert before == ()
    assert dead.name == "tests.core.diary.Diary.receiver.<locals>.receive"
    assert dead.location == f"{__file__}:{line}"
    assert repr(dead) == f"<DeadReceiver {dead.name}, connected at {dead.location}>"


@pytest.mark.filterwarnings("ignore::heliograph.ReceiverWarning")
def test_a_dead_receiver_tells_whether_it_died_by_mistake() -> None:
    """In the statement that connected it, or with its function before any send: not otherwise."""
    signal = Signal("paid")

    def lose() -> None:
        @signal.connect
        def nested(sender: object) -> None: ...

    def use() -> None:
        @signal.connect
        def used(sender: object) -> None: ...

        signal.send("kiosk")

    def drop() -> None:
        def dropped(sender: object) -> None: ...

        signal.connect(dropped)
        del dropped
        gc.collect()

    lose()
    use()
    drop()
    signal.connect(lambda sender: None)
    signal.connect(Shop().receive)
    gc.collect()

    assert {it.name.rpartition(".")[2]: it.lost for it in signal.dead_receivers} == {
        "nested": True,
        "used": False,
        "dropped": False,
        "<lambda>": True,
        "receive": True,
    }


def test_dead_receivers_are_forgotten_line_by_line() -> None:
    """What a connection has lost can be taken from the list, and nothing else goes with it."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("r"))
    [connection] = signal.connections
    signal.connect(diary.receiver("other"))
    diary.kept.clear()
    both = [dead.location for dead in signal.dead_receivers]
    signal.forget_dead(connection)

    assert len(both) == 2
    left = [where for where in both if where != connection.location]
    assert [dead.location for dead in signal.dead_receivers] == left


def test_only_connections_have_dead_receivers_to_forget() -> None:
    """A tuple of them is refused, with what to write instead."""
    signal = Signal("paid")

    with pytest.raises(ArgumentError, match=r"takes connections, one by one, and not \(\)\."):
        signal.forget_dead(signal.connections)  # type: ignore[arg-type]  # That is the mistake.


def test_a_receiver_that_dies_with_many_connections_is_remembered_once() -> None:
    """One receiver is one memory, however many senders it heard."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    for sender in ("a", "b", "c"):
        signal.connect(receiver, sender)
    diary.kept.clear()
    del receiver

    assert (len(signal.dead_receivers), signal.connections) == (1, ())


def test_only_the_last_few_dead_receivers_are_remembered() -> None:
    """What is remembered is bounded."""
    signal = Signal("paid")
    for _ in range(100):
        signal.connect(Shop().receive, weak=False)
        shop = Shop()
        signal.connect(shop.receive)
        del shop

    assert len(signal.dead_receivers) == 16


def test_a_receiver_that_was_disconnected_first_is_not_remembered() -> None:
    """Only those count who were still connected."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver)
    signal.disconnect(receiver)
    diary.kept.clear()
    del receiver

    assert signal.dead_receivers == ()


def test_a_receiver_whose_sender_died_first_is_not_remembered() -> None:
    """It had nobody to hear any more."""
    signal, diary, shop = Signal("paid"), Diary(), Shop()
    signal.connect(diary.receiver("r"), shop)
    del shop
    diary.kept.clear()

    assert signal.dead_receivers == ()
    assert (signal._registry.idle, signal._registry.receivers) == ({}, {})


def test_a_receiver_may_die_after_its_signal() -> None:
    """Nobody is left to remember it."""
    diary = Diary()
    signal = Signal("paid")
    signal.connect(diary.receiver("r"))
    connections = signal.connections
    del signal
    diary.kept.clear()

    assert [connection.receiver for connection in connections] == [None]


def test_a_receiver_whose_sender_died_can_be_connected_again() -> None:
    """It is the same receiver, with a new connection."""
    signal, diary, shop = Signal("paid"), Diary(), Shop()
    receiver = diary.receiver("r")
    signal.connect(receiver, shop)
    del shop
    signal.connect(receiver, "kiosk")

    assert signal.send("kiosk") == [(receiver, "r")]
    assert signal._registry.idle == {}


def test_a_receiver_whose_sender_died_can_be_disconnected() -> None:
    """Nothing of it is kept then."""
    signal, diary, shop = Signal("paid"), Diary(), Shop()
    receiver = diary.receiver("r")
    signal.connect(receiver, shop)
    del shop
    signal.disconnect(receiver)

    assert signal._registry.idle == {}


def test_a_strong_receiver_goes_with_its_sender() -> None:
    """What was connected strongly for a sender is kept as long as the sender is."""
    signal, diary, shop = Signal("paid"), Diary(), Shop()
    signal.connect(diary.receiver("r"), shop, weak=False)
    diary.kept.clear()
    [connection] = signal.connections
    alive = connection.receiver is not None
    del shop

    assert (alive, connection.receiver, signal._registry.idle) == (True, None, {})


# --- warned of -------------------------------------------------------------------------


def test_a_receiver_that_nothing_else_holds_is_warned_of() -> None:
    """Connected weakly, it is gone in the very statement; the warning has the line that did it."""
    signal = Signal("paid")

    def connect() -> None:
        signal.connect(lambda sender: None)
        signal.connect(partial(plain, "word"), "shop")
        signal.connect(
            Shop().receive,
            sender="shop",
        )
        signal.connect(Shop())
        for _ in range(2):
            signal.connect(lambda sender: None)

    name = test_a_receiver_that_nothing_else_holds_is_warned_of.__name__
    vanishing = f"{__name__}.{name}.<locals>.connect.<locals>.<lambda>"

    assert warnings_of(connect) == [
        (vanishing, 1),
        (f"{__name__}.plain", 2),
        (f"{__name__}.Shop.receive", 3),
        (f"{__name__}.Shop", 7),
        (vanishing, 9),
        (vanishing, 9),
    ]
    assert signal.connections == ()


def test_what_is_lost_again_and_again_is_warned_of_once() -> None:
    """Python's usual filter shows a warning once for each place, as it does for others."""
    signal = Signal("paid")

    def request() -> None:
        signal.connect(Shop().receive)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            request()

    assert len(caught) == 1


def test_the_warning_says_what_happened_and_what_to_do() -> None:
    """It names the receiver and both ways out."""
    signal = Signal("paid")
    with pytest.warns(ReceiverWarning) as caught:
        signal.connect(Shop())

    assert [str(warning.message) for warning in caught] == [
        (
            f"{__name__}.Shop object was garbage-collected in the very statement that connected "
            "it, because nothing else holds it: it will never be called. Connect it with "
            "weak=False, or keep it in a variable."
        )
    ]
    assert [dead.name for dead in signal.dead_receivers] == [f"{__name__}.Shop object"]


def test_a_receiver_that_something_holds_is_not_warned_of() -> None:
    """Kept in a variable, in a list, returned, connected strongly, or for a block."""
    signal, diary = Signal("paid"), Diary()
    kept: list[Any] = []

    def returning() -> Any:
        return signal.connect(lambda sender: None)

    def connect() -> None:
        kept.append(signal.connect(lambda sender: None))
        kept.append(returning())
        named = signal.connect(lambda sender: None)
        signal.connect(lambda sender: None, weak=False)
        signal.connect(diary.receiver("r"))
        with signal.connected_to(lambda sender: None):
            kept.append(named)

    assert warnings_of(connect) == []


def test_a_receiver_that_is_deleted_on_a_later_line_is_not_warned_of() -> None:
    """Whoever deletes a receiver means it, at once or at the end of a function."""
    signal = Signal("paid")

    def connect() -> None:
        receiver = signal.connect(lambda sender: None)
        del receiver
        other = Shop()
        signal.connect(other)
        other = Shop()
        signal.connect(other.receive)

    assert warnings_of(connect) == []


def test_a_function_inside_of_a_function_is_not_warned_of() -> None:
    """It lives until the outer function returns, which may be the end of the program."""
    signal = Signal("paid")

    def connect() -> None:
        @signal.connect
        def receiver(sender: object) -> None:
            """Do nothing."""

    assert warnings_of(connect) == []


def test_a_receiver_that_dies_elsewhere_is_not_warned_of() -> None:
    """Where somebody else drops it, somebody else has held it."""
    signal = Signal("paid")
    kept: list[Any] = []

    def connect() -> None:
        kept.append(Shop())
        signal.connect(kept[0])
        drop()

    def drop() -> None:
        kept.clear()

    assert warnings_of(connect) == []
    assert len(signal.dead_receivers) == 1


def test_a_receiver_that_was_disconnected_is_not_warned_of() -> None:
    """It has done its work, although it dies in the very statement that connected it."""
    signal = Signal("paid")

    def use(_: object, connection: Connection) -> None:
        signal.send()
        assert connection.receiver is not None
        signal.disconnect(connection.receiver)

    signal.receiver_connected.connect(use)

    def connect() -> None:
        signal.connect(Shop(), weak=False)

    assert warnings_of(connect) == []


# --- lost before anything was sent to them ----------------------------------------------


def create_app(signal: Signal, sender: object = ANY) -> None:
    """Connect a function that is gone when this returns."""

    @signal.connect(sender=sender)
    def log(sender: object, **extra: object) -> None:
        """Do nothing."""


def told_by_sends(signal: Signal, times: int = 2) -> list[str]:
    """Return the warnings of some sends, without what all of them say."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(times):
            signal.send("shop")
    assert {warning.category for warning in caught} <= {ReceiverWarning}
    return [str(warning.message).partition(" was never called")[0] for warning in caught]


LOST = f"{__name__}.create_app.<locals>.log"


async def test_a_function_that_went_with_the_one_around_it_is_told_of_by_the_next_send() -> None:
    """Once, with the line that connected it, what became of it, and both ways out."""
    plain, awaited = Signal("paid"), Signal()
    create_app(plain)
    create_app(awaited)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            plain.send("shop")
            await awaited.send_async("shop")

    line = create_app.__code__.co_firstlineno + 3
    assert [(it.category, it.filename, it.lineno) for it in caught] == [
        (ReceiverWarning, __file__, line)
    ] * 2
    assert [str(it.message) for it in caught] == [
        f"{LOST} was never called: after create_app, which connected it to {title}, had returned, "
        "nothing held it, and it was garbage-collected. Connect it with weak=False, or keep it, "
        "or the object whose method it is, as long as it is wanted."
        for title in ("signal 'paid'", "a signal without a name")
    ]


def test_every_function_that_was_lost_is_told_of_once_for_its_place() -> None:
    """However often the function around it runs, and whatever the signal is declared to be."""

    @Namespace("shop").declare
    def paid(sender: str) -> None: ...

    def create_other() -> None:
        @paid.connect
        def mail(sender: str) -> None:
            """Do nothing."""

    for signal in (Signal(), paid):
        told = []
        for _ in range(2):
            create_app(signal)
            create_app(signal, "kiosk")
            told.append(told_by_sends(signal))
        assert told == [[LOST], []]
    create_other()

    assert [name.rpartition(".")[2] for name in told_by_sends(paid)] == ["mail"]


def test_a_function_that_was_sent_something_is_not_told_of() -> None:
    """It did its work, or a mute or its own error kept it from that."""
    signal = Signal("paid")

    def create() -> None:
        @signal.connect
        def log(sender: object) -> None:
            """Do nothing."""

        with signal.muted():
            signal.send("shop")

    create()

    assert (told_by_sends(signal), len(signal.dead_receivers)) == ([], 1)


def test_a_function_that_was_dropped_on_purpose_is_not_told_of() -> None:
    """Disconnected, deleted where it was connected, or held by somebody for a time."""
    signal, diary = Signal("paid"), Diary()

    def create() -> None:
        @signal.connect
        def disconnected(sender: object) -> None:
            """Do nothing."""

        signal.disconnect(disconnected)

        @signal.connect
        def deleted(sender: object) -> None:
            """Do nothing."""

        del deleted
        signal.send("shop")
        signal.connect(diary.receiver("r"))
        signal.connect(Shop())

    with pytest.warns(ReceiverWarning, match="in the very statement"):
        create()
    diary.kept.clear()

    assert told_by_sends(signal) == []


class Mailer:
    """An object that connects its method, or itself, while it is made."""

    def __init__(self, connect: Callable[[Any], object], *, method: bool = True) -> None:
        connect(self.send if method else self)

    def send(self, sender: object) -> None:
        """Do nothing."""

    __call__ = send

    def use(self) -> None:
        """Do nothing with the connection."""


class Heir(Mailer):
    """One that is connected by the class that it inherits from."""

    def __init__(self, connect: Callable[[Any], object]) -> None:
        super().__init__(connect)


@dataclass
class Written:
    """One for which others write what makes it."""

    connect: Callable[[Any], object]

    def __post_init__(self) -> None:
        self.connect(self.send)

    def send(self, sender: object) -> None:
        """Do nothing."""


def test_an_object_that_is_dropped_where_it_is_made_is_told_of() -> None:
    """It has connected itself or its method, and was made for nothing else, and not kept."""

    def create_mailer() -> None:
        Mailer(signal.connect)

    def create_caller() -> None:
        Mailer(
            signal.connect,
            method=False,
        )

    def create_heir() -> None:
        Heir(signal.connect)

    def create_written() -> None:
        Written(signal.connect)

    told = []
    for create in (create_mailer, create_caller, create_heir, create_written):
        signal = Signal("paid")
        create()
        told += told_by_sends(signal)

    assert told == [
        f"{__name__}.{name}"
        for name in ("Mailer.send", "Mailer object", "Mailer.send", "Written.send")
    ]


def test_an_object_that_comes_and_goes_is_not_told_of() -> None:
    """It was used, or kept for a while, or called, or it was not made to the end."""
    signal = Signal("paid")

    class Failing(Mailer):
        def __init__(self) -> None:
            super().__init__(signal.connect)
            raise ValueError

    class Called(Mailer):
        def __init__(self) -> None:
            super().__init__(signal.connect)
            signal.send("shop")

    def create() -> None:
        Mailer(signal.connect).use()
        kept = Mailer(signal.connect)
        del kept
        _ = Mailer(signal.connect)
        with suppress(ValueError):
            Failing()
        Called()

    create()

    assert (told_by_sends(signal), len(signal.dead_receivers)) == ([], 5)


def test_an_object_is_not_told_of_by_signals_that_come_after_it() -> None:
    """It connected to all that match, and was lost before these were made, or is there."""
    namespace = Namespace("shop")
    mailer = Mailer(namespace.signals("*").connect)
    signal = namespace.signal("paid")
    told = told_by_sends(signal)
    del mailer

    assert (told, told_by_sends(signal)) == ([], [])


def test_what_was_lost_in_another_test_is_not_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that sends nothing may leave functions behind; what imports leave is everybody's."""
    signal = Signal("paid")
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "tests/test_shop.py::test_silence (call)")
    create_app(signal)
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "tests/test_shop.py::test_paying (setup)")
    others = told_by_sends(signal)
    create_app(signal)
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "tests/test_shop.py::test_paying (call)")

    assert (others, told_by_sends(signal)) == ([], [LOST])


def test_nothing_is_told_of_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    """There one send asks, and is quick again from the next one on."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "0")
    signal = Signal("paid")
    create_app(signal)
    before = signal._registry.needs_slow_path
    told = told_by_sends(signal)
    create_app(signal)

    assert (before, told, signal._registry.needs_slow_path) == (True, [], False)


def test_a_warning_that_is_an_error_is_raised_before_anybody_is_called() -> None:
    """Then sends go on, and the others that were lost are told of, too."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("r"))

    def create_other() -> None:
        @signal.connect
        def mail(sender: object) -> None:
            """Do nothing."""

    create_app(signal)
    create_other()
    for name in ("log", "mail"):
        with pytest.raises(ReceiverWarning, match=f"{name} was never called"):
            signal.send("shop")
    heard = list(diary.lines)

    assert (heard, [value for _, value in signal.send("shop")]) == ([], ["r"])


def test_a_method_that_super_gives_is_not_taken_for_the_one_that_overrides_it() -> None:
    """It cannot be found again by its name, and so is not held by its object."""

    class Loud(set[object]):
        def add(self, element: object) -> None:
            raise AssertionError

        def quiet(self) -> Callable[..., object]:
            return super().add

    signal, heard = Signal("paid"), Loud()
    signal.connect(heard.quiet(), weak=False)
    signal.send("shop")

    assert heard == {"shop"}


def test_a_function_may_die_after_the_signal_that_it_was_a_method_for() -> None:
    """Whoever keeps a connection keeps a record that has no signal any more."""

    class Shop:
        """An object to bind functions to."""

    shop, signal = Shop(), Signal("paid")
    functions = [lambda shop, sender: None]
    signal.connect(MethodType(functions[0], shop))
    [connection] = signal.connections

    del signal
    functions.clear()

    assert connection.receiver is None


AT_THE_END = """
import os, sys, threading
import heliograph
from heliograph import Signal

class Shop:
    def method(self, sender): "Receive."
    def __call__(self, sender): "Receive."

def receiver(sender): "Receive."

signal, shop, callable_shop, method_shop = Signal("sold"), Shop(), Shop(), Shop()
for each in (receiver, callable_shop, method_shop.method):
    signal.connect(each)
    signal.connect(each, shop)
signal.send(shop)
thread = threading.Thread(target=int)
thread.start()
thread.join()
# Modules that came late are emptied first, and what stands last dies first. They are if somebody
# holds them, as on builds without a GIL where a thread was started.
sys.all_modules = list(sys.modules.values())
os.kept = [signal, Shop, receiver, callable_shop, method_shop, shop, signal.stream()]
del Shop, receiver, callable_shop, method_shop, shop, each
"""


def test_nothing_is_said_of_what_dies_with_the_interpreter() -> None:
    """The modules that would deal with it are empty by then."""
    command = [sys.executable, "-c", AT_THE_END]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_it_is_remembered_when_a_receiver_died() -> None:
    """In seconds since the epoch."""
    signal = Signal("paid")

    def receiver(sender: object) -> None:
        """Do nothing."""

    signal.connect(receiver)
    before = time()
    del receiver
    gc.collect()

    [dead] = signal.dead_receivers
    assert before <= dead.time <= time()
