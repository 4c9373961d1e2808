"""What becomes of the errors of receivers: everybody is called, then they are raised or logged."""

from __future__ import annotations

import asyncio
import gc
import logging
from bdb import BdbQuit
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import ref

import pytest

import heliograph
from heliograph import AsyncReceiverError, ReceiverError, ReceiverWarning, Signal, SignalError
from heliograph.core.sending.lookup import find
from tests.core.diary import Diary
from tests.core.handling import call_while_handling, chain
from tests.core.logs import logging_fails
from tests.core.room import no_collector, room_for
from tests.core.stepping import Return, Step, every_step
from tests.core.watching import watching

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "tests.core.diary.Diary.receiver.<locals>.receive"


# What concerns the whole program, and not the receiver that it came from.
FATAL: list[BaseException] = [
    KeyboardInterrupt(),
    SystemExit(1),
    asyncio.CancelledError(),
    RecursionError(),
    MemoryError(),
    BdbQuit(),
    ExceptionGroup("mixed", [ValueError(), ExceptionGroup("inner", [RecursionError()])]),
]


class OutOfStockError(Exception):
    """An error of the application."""


@dataclass(frozen=True)
class FrozenError(Exception):
    """An error that refuses every attribute, notes included."""

    code: int


def send(signal: Signal, *, watched: bool, **payload: object) -> None:
    """Send on the short way through the engine, or on the one with instruments."""
    if not watched:
        signal.send("shop", **payload)
        return
    with watching() as seen:
        try:
            signal.send("shop", **payload)
        finally:
            seen.clear()


def notes_of(error: BaseException) -> list[str]:
    """Return the notes of an error, without the line that connected the receiver."""
    return [note.partition(", connected at ")[0] for note in getattr(error, "__notes__", [])]


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_everybody_is_called_before_an_error_is_raised(place: int, *, watched: bool) -> None:
    """One receiver's error keeps nobody else from hearing, and is raised as itself."""
    signal, diary, error = Signal("paid"), Diary(), OutOfStockError("lamp")
    for number in range(3):
        signal.connect(diary.receiver(str(number), error=error if number == place else None))
    with pytest.raises(OutOfStockError) as caught:
        send(signal, watched=watched)

    assert caught.value is error
    assert diary.lines == ["0", "1", "2"]


async def test_everybody_is_awaited_before_an_error_is_raised() -> None:
    """`send_async` treats errors as `send` does, those of async receivers and of plain ones."""
    signal, diary, error = Signal("paid"), Diary(), OutOfStockError("lamp")
    signal.connect(diary.async_receiver("1", error=error))
    signal.connect(diary.receiver("2"))
    signal.connect(diary.async_receiver("3"))
    with pytest.raises(OutOfStockError) as caught:
        await signal.send_async("shop")

    assert caught.value is error
    assert diary.lines == ["1", "2", "3"]


def test_a_note_names_signal_receiver_and_line() -> None:
    """Whoever reads the traceback learns which delivery failed, and where it was connected."""
    signal, diary = Signal("paid"), Diary()
    line = test_a_note_names_signal_receiver_and_line.__code__.co_firstlineno + 4
    signal.connect(diary.receiver("r", error=OutOfStockError()))
    with pytest.raises(OutOfStockError) as caught:
        signal.send("shop")

    assert caught.value.__notes__ == [
        f"while signal 'paid' was delivered to {NAME}, connected at {__file__}:{line}"
    ]


def test_the_note_of_a_signal_without_a_name_says_so() -> None:
    """A signal need not have a name."""
    signal, diary = Signal(), Diary()
    signal.connect(diary.receiver("r", error=OutOfStockError()))
    with pytest.raises(OutOfStockError) as caught:
        signal.send("shop")

    assert notes_of(caught.value) == [f"while a signal without a name was delivered to {NAME}"]


class Label:
    """A name that is no string, and changes."""

    text = "paid"

    def __repr__(self) -> str:
        """Return the text as it is now."""
        return self.text


def test_a_note_has_the_name_that_the_signal_has_now() -> None:
    """What was written of an earlier error is written again once the name is another one."""
    signal, label = Signal("paid"), Label()

    def receiver(sender: object) -> None:
        raise OutOfStockError

    signal.connect(receiver)
    notes = list[str]()
    for name in ("paid", "paid", "billed", label, None):
        signal.name = name  # type: ignore[assignment]  # Programs may.
        for text in ("shipped", "sunk"):
            label.text = text
            with pytest.raises(OutOfStockError) as caught:
                signal.send("shop")
            notes += [note.partition(" was")[0] for note in notes_of(caught.value)]

    assert notes == [
        *["while signal 'paid'"] * 4,
        *["while signal 'billed'"] * 2,
        *["while signal shipped", "while signal sunk"],
        *["while a signal without a name"] * 2,
    ]


def test_each_sender_has_the_line_that_connected_it_in_its_note() -> None:
    """Also if several senders have the same receiver alone."""
    signal, shop, kiosk = Signal("paid"), Diary(), Diary()

    def receiver(sender: object) -> None:
        raise OutOfStockError

    signal.connect(receiver, shop)
    signal.connect(receiver, kiosk)
    lines = list[str]()
    for sender in (shop, kiosk, shop):
        with pytest.raises(OutOfStockError) as caught:
            signal.send(sender)
        lines += [note.rpartition(":")[2] for note in caught.value.__notes__]
    first = int(lines[0])

    assert lines == [str(first), str(first + 1), str(first)]


@pytest.mark.parametrize("way", ["send", "send_async", "wrapped"])
def test_a_receiver_that_is_dead_when_its_turn_comes_is_left_out(way: str) -> None:
    """It is nobody's error: its end may not have been taken note of yet."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.async_receiver("r") if way == "wrapped" else diary.receiver("r"))
    [connection] = signal.connections
    snapshot = find(signal._registry, "shop")[2]

    def dead() -> None:
        """Be a reference to nobody."""

    snapshot.calls = (*snapshot.made_calls(), (dead, True, True))
    snapshot.receiver_refs = (*snapshot.receiver_refs, dead)
    snapshot.connections = (*snapshot.connections, connection)
    snapshot.only_ref = None
    results: Any = []
    if way == "send_async":
        with suppress(StopIteration):
            signal.send_async("shop").send(None)
    else:
        results = signal.send("shop", _async_wrapper=lambda it: lambda sender: it(sender).close())

    assert len(results) == (way != "send_async")
    assert diary.lines == ([] if way == "wrapped" else ["r"])


def test_a_traceback_leads_from_the_send_to_the_receiver() -> None:
    """Nothing that the engine does with an error comes in between, if nobody is called after it."""
    signal = Signal("paid")

    def receiver(sender: object) -> None:
        raise OutOfStockError

    signal.connect(receiver)
    with pytest.raises(OutOfStockError) as caught:
        signal.send("shop")
    functions = [entry.name for entry in caught.traceback]

    assert [name for name in functions if name != "send"] == [
        "test_a_traceback_leads_from_the_send_to_the_receiver",
        "receiver",
    ]


def test_several_errors_are_raised_as_a_group() -> None:
    """The group has them in the order of calling, each with its note."""
    signal, diary = Signal("paid"), Diary()
    first, second = OutOfStockError("lamp"), ValueError("price")
    signal.connect(diary.receiver("1", error=first))
    signal.connect(diary.receiver("2"))
    signal.connect(diary.receiver("3", error=second))
    with pytest.raises(ExceptionGroup) as caught:
        signal.send("shop")

    assert caught.value.message == "2 receivers of signal 'paid' failed"
    assert caught.value.exceptions == (first, second)
    assert [notes_of(error) for error in caught.value.exceptions] == [
        [f"while signal 'paid' was delivered to {NAME}"],
        [f"while signal 'paid' was delivered to {NAME}"],
    ]
    assert diary.lines == ["1", "2", "3"]


def test_a_group_that_a_receiver_raises_is_one_error() -> None:
    """What a receiver raises is not taken apart."""
    signal, diary = Signal("paid"), Diary()
    group = ExceptionGroup("mine", [OutOfStockError()])
    signal.connect(diary.receiver("r", error=group))
    with pytest.raises(ExceptionGroup) as caught:
        signal.send("shop")

    assert caught.value is group


def test_an_error_that_is_raised_again_and_again_keeps_one_note() -> None:
    """An error object that lives as long as the program does not grow."""
    signal, diary, error = Signal("paid"), Diary(), OutOfStockError()
    signal.connect(diary.receiver("r", error=error))
    for _ in range(3):
        with pytest.raises(OutOfStockError):
            signal.send("shop")

    assert notes_of(error) == [f"while signal 'paid' was delivered to {NAME}"]


def test_an_error_that_takes_no_notes_is_raised_all_the_same() -> None:
    """A frozen dataclass as an error refuses the note, and is still the error that is raised."""
    signal, diary, error = Signal("paid"), Diary(), FrozenError(7)

    def receiver(sender: object) -> None:
        raise error

    signal.connect(receiver)
    signal.connect(diary.receiver("last"))
    with pytest.raises(FrozenError) as caught:
        signal.send("shop")

    assert caught.value is error
    assert diary.lines == ["last"]


def test_a_payload_key_named_sender_is_explained() -> None:
    """It collides with the first parameter of the usual receiver; a second note says so."""
    signal = Signal("paid")

    def receiver(sender: object, **payload: object) -> None:
        """Take the sender by its name."""

    signal.connect(receiver)
    with pytest.raises(TypeError, match="multiple values for argument 'sender'") as caught:
        signal.send("shop", sender="me")

    assert caught.value.__notes__[1:] == [
        (
            "The payload has a key 'sender', which collides with a first parameter of that name: "
            "rename the key, or make the parameter positional-only."
        )
    ]


def test_a_sender_that_is_given_by_name_is_explained() -> None:
    """It is part of the payload then, as in Blinker, and the sender is None."""
    signal = Signal("paid")

    def receiver(sender: object, **payload: object) -> None:
        """Take the sender by its name."""

    signal.connect(receiver)
    with (
        pytest.warns(ReceiverWarning, match="its payload has a key 'sender'"),
        pytest.raises(TypeError, match="multiple values for argument 'sender'") as caught,
    ):
        signal.send(sender="shop")

    assert caught.value.__notes__[2:] == [
        "If that is the sender, pass it first, without a name: `send(sender, ...)`."
    ]


async def test_a_wrapper_without_its_underscore_is_explained() -> None:
    """It is part of the payload, and whatever fails for that says what is missing."""
    signal = Signal("paid")

    def receiver(sender: object) -> None:
        """Take no payload."""

    signal.connect(receiver)
    with pytest.raises(TypeError) as caught:
        await signal.send_async("shop", sync_wrapper=print)
    notes = caught.value.__notes__[1:]
    signal.connect(coroutine_function, priority=1)
    with pytest.raises(AsyncReceiverError) as refused:
        signal.send("shop", async_wrapper=print)

    assert notes == ["The payload has a key 'sync_wrapper'. Did you mean '_sync_wrapper'?"]
    assert str(refused.value).endswith(
        " No receiver was called. The payload has a key 'async_wrapper'. Did you mean "
        "'_async_wrapper'?"
    )


async def coroutine_function(sender: object, **payload: object) -> None:
    """Do nothing."""


@pytest.mark.parametrize("watched", [False, True])
def test_a_method_without_its_object_is_explained(*, watched: bool) -> None:
    """Whose second parameter could be in the payload, and is not; if the call itself fails."""

    class Mailer:
        def send(self, order: object, **extra: object) -> None:
            """Do nothing."""

        def bill(self, order: object = None, **extra: object) -> None:
            """Fail in another way."""
            message = "It is not that."
            raise TypeError(message)

    signal = Signal("paid")
    signal.connect(Mailer.send)
    signal.connect(Mailer.bill)
    with pytest.raises(ExceptionGroup) as caught:
        send(signal, watched=watched)

    assert [error.__notes__[1:] for error in caught.value.exceptions] == [
        [
            (
                "It looks like a method without its object. The sender would become its 'self'. "
                "Connect the method of an object, such as `signal.connect(self.send)` in "
                "`__init__`, and keep the object, or define 'send' outside the class."
            )
        ],
        [],
    ]


@pytest.mark.parametrize("watched", [False, True])
def test_a_receiver_that_does_not_take_the_payload_is_explained(*, watched: bool) -> None:
    """By all the names that it would need; if the call itself fails."""

    class Shop:
        def bill(self, sender: object, /, total: int) -> None:
            """Take some of it."""

        def deliver(self, sender: object, **extra: object) -> None:
            """Take all of it, and fail in another way."""
            next(sender)  # type: ignore[call-overload]  # It is what fails.

    def mail(sender: object) -> None:
        """Take nothing of it."""

    signal, shop = Signal("paid"), Shop()
    for receiver in (shop.bill, shop.deliver, mail):
        signal.connect(receiver)
    with pytest.raises(ExceptionGroup) as caught:
        send(signal, watched=watched, total=1, place="Rome")

    assert [error.__notes__[1:] for error in caught.value.exceptions] == [
        ["It does not take 'place': add **extra to its parameters."],
        [],
        [
            f"It does not take {name!r}: add **extra to its parameters."
            for name in ("total", "place")
        ],
    ]


def test_an_unexpected_keyword_is_the_receivers_own_error() -> None:
    """A receiver that does not take the payload fails by itself, and others are called."""
    signal, diary = Signal("paid"), Diary()

    def receiver(sender: object) -> None:
        """Take no payload."""

    signal.connect(receiver)
    signal.connect(diary.receiver("last"))
    with pytest.raises(TypeError, match="unexpected keyword argument 'total'"):
        signal.send("shop", total=12)

    assert diary.lines == ["last"]


def test_no_payload_values_are_in_messages_and_notes() -> None:
    """Errors end up in logs and reports, where the payload has no business."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("1", error=OutOfStockError()))
    signal.connect(diary.receiver("2", error=OutOfStockError()))
    with pytest.raises(ExceptionGroup) as caught:
        signal.send("sender-5f2c", card="card-5f2c")
    texts = [str(caught.value), *map(str, caught.value.exceptions)]
    for error in caught.value.exceptions:
        texts += error.__notes__

    assert [text for text in texts if "5f2c" in text] == []


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("on_error", ["raise", "log"])
@pytest.mark.parametrize("error", FATAL, ids=repr)
def test_what_ends_the_program_leaves_at_once(
    error: BaseException, on_error: str, *, watched: bool
) -> None:
    """It waits for nobody, and gets no note: also an error, if nobody else can be called."""
    signal, diary = Signal("paid"), Diary()
    # A `str` here, not one of two literals.
    signal.connect(diary.receiver("1", error=error), on_error=on_error)  # type: ignore[call-overload]
    signal.connect(diary.receiver("2"))
    with pytest.raises(type(error)) as caught:
        send(signal, watched=watched)

    assert caught.value is error
    assert (diary.lines, notes_of(error)) == (["1"], [])


@pytest.mark.parametrize("error", FATAL, ids=repr)
async def test_what_ends_the_program_leaves_send_async_at_once(error: BaseException) -> None:
    """Awaiting makes no difference."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("1", error=error))
    signal.connect(diary.async_receiver("2"))
    with pytest.raises(type(error)) as caught:
        # Driven by hand, as an event loop ends at these errors itself.
        signal.send_async("shop").send(None)

    assert caught.value is error
    assert diary.lines == ["1"]


# Receivers of two signals that each send the other one; four in all.
CYCLES: dict[str, dict[str, Any]] = {
    "plain": {},
    "for a sender": {"sender": "shop"},
    "observers": {"on_error": "log"},
}


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("options", CYCLES.values(), ids=CYCLES)
def test_receivers_that_send_again_end_with_the_stack(
    options: dict[str, Any], *, watched: bool
) -> None:
    """Nobody else is called where there is no room: each of two would double the calls."""
    signals, calls = (Signal("paid"), Signal("billed")), list[int]()

    def receiver(number: int) -> Callable[..., None]:
        def receive(sender: object) -> None:
            calls.append(number)
            signals[number // 2].send(sender)

        return receive

    for number in range(4):
        signals[1 - number // 2].connect(receiver(number), weak=False, **options)
    with watching() if watched else nullcontext(), room_for(80), pytest.raises(RecursionError) as c:
        signals[0].send("shop")

    # From Python 3.14 on, calls from C take no part of it, and there is some room more.
    assert (len(calls) <= 90, set(calls)) == (True, {0, 2})
    assert notes_of(c.value) == []


@pytest.mark.parametrize("watched", [False, True])
async def test_async_receivers_that_send_again_end_with_the_stack(*, watched: bool) -> None:
    """Awaiting makes no difference."""
    signal, calls = Signal("paid"), list[str]()

    async def one(sender: object) -> None:
        calls.append("one")
        await signal.send_async(sender)

    async def other(sender: object) -> None:
        calls.append("other")
        await signal.send_async(sender)

    signal.connect(one)
    signal.connect(other)
    with watching() if watched else nullcontext(), room_for(80), pytest.raises(RecursionError):
        signal.send_async("shop").send(None)

    assert (len(calls) < 80, set(calls)) == (True, {"one"})


@pytest.mark.parametrize("way", ["send", "send_async"])
def test_wherever_the_stack_ends_the_error_is_that_it_has(way: str) -> None:
    """Looking a receiver up is a call, too; that it fails is nobody's fault who was called."""

    class Shop:
        """Sends on and on."""

        def first(self, sender: object) -> None:
            """Return at once."""

        def second(self, sender: object) -> None:
            """Send again."""
            again()

    signal, shop = Signal("paid"), Shop()
    ways: dict[str, Callable[[], object]] = {
        "send": lambda: signal.send("shop"),
        "send_async": lambda: signal.send_async("shop").send(None),
    }
    again = ways[way]
    signal.connect(shop.first)
    signal.connect(shop.second)
    ends = set[str]()
    with no_collector():
        for room in range(30, 90):
            with room_for(room), pytest.raises(RecursionError) as caught:
                again()
            ends.add(f"{type(caught.value).__name__} {notes_of(caught.value)}")

    assert ends == {"RecursionError []"}


class AlarmError(Exception):
    """What a program's own signal handler raises, wherever it is."""


# A `Step` takes the place of the tracer by which coverage is measured; a `Return` does not.
@pytest.mark.parametrize("kind", [Step, Return])
@pytest.mark.parametrize("way", ["send", "send_async"])
def test_an_error_that_comes_between_two_calls_is_nobodys(way: str, kind: type[Step]) -> None:
    """Nobody is blamed who was called before, and nobody left out while others are called."""

    class InPython(Signal):
        """Sends without the part in C, which has nothing between two calls."""

        send = getattr(Signal.send, "__wrapped__", Signal.send)
        send_async = getattr(Signal.send_async, "__wrapped__", Signal.send_async)

    signal, called = InPython("paid"), list[str]()

    def ring() -> None:
        raise AlarmError

    def first(sender: object) -> None:
        called.append("first")

    def second(sender: object) -> None:
        called.append("second")

    def third(sender: object) -> None:
        called.append("third")

    def send() -> None:
        if way == "send":
            signal.send("shop")
        else:
            with suppress(StopIteration):
                signal.send_async("shop").send(None)

    receivers = [first, second, third]
    for receiver in receivers:
        signal.connect(receiver)
    names = [receiver.__name__ for receiver in receivers]
    send()
    with no_collector():  # What it runs is the engine's, too.
        for step in every_step(kind, least=1):
            called.clear()
            blamed = list[str]()
            try:
                step.interrupt(send, ring)
            except AlarmError as error:
                blamed = [note.rpartition("<locals>.")[2] for note in notes_of(error)]

            left_out = blamed or names[len(called) :]
            assert called in (names, [name for name in names if name not in left_out])


async def test_a_send_that_is_cancelled_calls_nobody_else() -> None:
    """Cancelling a task ends its send at the receiver that it waits for."""
    signal, diary, reached = Signal("paid"), Diary(), asyncio.Event()

    async def waiting(sender: object) -> None:
        reached.set()
        await asyncio.Event().wait()

    signal.connect(waiting)
    signal.connect(diary.receiver("last"))
    task = asyncio.create_task(signal.send_async("shop"))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert diary.lines == []


# --- on_error="log" --------------------------------------------------------------------


def test_errors_of_observers_are_logged_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    """With ``on_error="log"`` nothing is raised; the record names receiver, signal and line."""
    signal, diary, error = Signal("paid"), Diary(), OutOfStockError("lamp")
    observer, last = diary.receiver("observer", error=error), diary.receiver("last")
    signal.connect(observer, on_error="log")
    signal.connect(last)
    [connection, _] = signal.connections

    assert signal.send("sender-5f2c", card="card-5f2c") == [(last, "last")]
    assert connection.receiver_failures == 1

    [record] = caplog.records
    assert (record.name, record.levelno) == ("heliograph", logging.ERROR)
    assert record.getMessage() == (
        f"{NAME} failed when signal 'paid' was delivered to it. "
        f"It was connected with on_error='log' at {connection.location}."
    )
    assert record.exc_info is not None
    assert record.exc_info[1] is error
    assert notes_of(error) == []


def test_failures_are_counted_over_all_senders_of_a_receiver() -> None:
    """The count belongs to the receiver, not to one of its connections."""
    signal, diary = Signal("paid"), Diary()
    observer = diary.receiver("observer", error=OutOfStockError())
    for sender in ("a", "b"):
        signal.connect(observer, sender, on_error="log")
        signal.send(sender)
        signal.send(sender)

    assert [connection.receiver_failures for connection in signal.connections] == [4, 4]


async def test_errors_of_async_observers_are_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    """`send_async` keeps to ``on_error`` as well."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.async_receiver("observer", error=OutOfStockError()), on_error="log")

    assert await signal.send_async("shop") == []
    assert [record.name for record in caplog.records] == ["heliograph"]


def test_errors_of_observers_and_of_others_are_kept_apart() -> None:
    """An observer's error does not make a group of another one's."""
    signal, diary, error = Signal("paid"), Diary(), ValueError("price")
    signal.connect(diary.receiver("1", error=OutOfStockError()), on_error="log")
    signal.connect(diary.receiver("2", error=error))
    signal.connect(diary.receiver("3", error=OutOfStockError()), on_error="log")
    with pytest.raises(ValueError, match="price") as caught:
        signal.send("shop")

    assert caught.value is error
    assert diary.lines == ["1", "2", "3"]


# --- what is left behind ---------------------------------------------------------------


@pytest.mark.parametrize("errors", [1, 2])
@pytest.mark.parametrize("on_error", ["raise", "log"])
@pytest.mark.parametrize("watched", [False, True])
def test_an_error_is_freed_with_its_last_reference(
    errors: int, on_error: str, *, watched: bool
) -> None:
    """No frame of the engine that the traceback knows refers back to the error."""
    signal = Signal("paid")
    alive: list[ref[OutOfStockError]] = []

    def make() -> Callable[..., None]:
        def receiver(sender: object) -> None:
            error = OutOfStockError()
            alive.append(ref(error))
            try:
                raise error
            finally:
                del error

        return receiver

    receivers = [make() for _ in range(errors)]
    for receiver in receivers:
        # A `str`, as above.
        signal.connect(receiver, on_error=on_error)  # type: ignore[call-overload]
    logging.disable()
    gc.disable()
    try:
        with suppress(OutOfStockError, ExceptionGroup):
            send(signal, watched=watched)
        left = [error() for error in alive]
    finally:
        gc.enable()
        logging.disable(logging.NOTSET)

    assert left == [None] * errors


# --- the errors themselves -------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "bases"),
    [
        (SignalError, (Exception,)),
        (ReceiverError, (SignalError, TypeError)),
        (AsyncReceiverError, (SignalError, RuntimeError)),
        (heliograph.ArgumentError, (SignalError, TypeError, ValueError)),
        (heliograph.ReceiverWarning, (UserWarning,)),
    ],
)
def test_each_error_is_also_what_python_or_blinker_would_raise(
    error: type[Exception], bases: tuple[type[Exception], ...]
) -> None:
    """Old `except` clauses go on working, and one base class catches all of Heliograph's."""
    assert error.__bases__ == bases


def test_errors_that_an_interrupt_keeps_from_being_raised_are_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing is lost silently."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("1", error=ValueError("lost")))
    signal.connect(diary.receiver("2", error=KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        signal.send("shop")

    assert [record.getMessage() for record in caplog.records] == [
        (
            "A receiver of signal 'paid' failed, but KeyboardInterrupt came before its error "
            "could be raised."
        )
    ]


def test_a_receiver_that_disconnects_itself_and_fails_keeps_its_way_with_errors(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its connection has ended by then, but it was called by it."""

    class Shop:
        """A sender."""

    signal, shop = Signal("paid"), Shop()

    def audit(sender: object) -> None:
        signal.disconnect(audit)
        raise ValueError

    for _ in range(2):
        signal.connect(audit, shop, on_error="log")

        assert signal.send(shop) == []

    assert [record.getMessage().partition(" failed")[0] for record in caplog.records] == [
        f"{__name__}.{audit.__qualname__}"
    ] * 2


# --- what an error came from -----------------------------------------------------------


def fail_late(sender: object) -> None:
    """Fail while another error is being handled."""
    try:
        _ = dict[str, int]()["inner"]
    except KeyError:
        msg = "late"
        raise ValueError(msg)  # noqa: B904 - that is the point.


SENDS: dict[str, Callable[[Signal], object]] = {
    "send": lambda signal: send(signal, watched=False),
    "a watched send": lambda signal: send(signal, watched=True),
    "send_async": lambda signal: signal.send_async("shop").send(None),
}


@pytest.mark.parametrize("receivers", [1, 2])
@pytest.mark.parametrize("way", SENDS)
def test_an_error_keeps_what_it_came_from(way: str, receivers: int) -> None:
    """Also if the send is made while another error is handled, as Flask reports exceptions."""
    signal = Signal("paid")
    for _ in range(receivers):
        signal.connect(lambda sender: fail_late(sender), weak=False)  # noqa: PLW0108 - another.
    with pytest.raises((ValueError, ExceptionGroup)) as caught:
        call_while_handling(lambda: SENDS[way](signal))
    error = caught.value
    errors = error.exceptions if isinstance(error, ExceptionGroup) else ()

    assert [chain(each) for each in errors or [error]] == [
        ["ValueError", "KeyError", "ZeroDivisionError"]
    ] * receivers
    assert chain(error)[-1] == "ZeroDivisionError"


@pytest.mark.parametrize("way", SENDS)
def test_an_error_keeps_its_cause_and_what_it_hides(way: str) -> None:
    """``raise … from …`` says the same as without a signal in between."""
    signal, cause = Signal("paid"), KeyError("cause")

    def receiver(sender: object) -> None:
        raise OutOfStockError from cause

    signal.connect(receiver)
    with pytest.raises(OutOfStockError) as caught:
        call_while_handling(lambda: SENDS[way](signal))
    error = caught.value

    assert (error.__cause__, error.__suppress_context__) == (cause, True)
    assert chain(error) == ["OutOfStockError", "ZeroDivisionError"]


def test_an_error_that_refuses_all_changes_keeps_what_it_came_from() -> None:
    """A frozen dataclass guards its own fields alone."""
    signal = Signal("paid")

    def receiver(sender: object) -> None:
        try:
            _ = dict[str, int]()["inner"]
        except KeyError:
            raise FrozenError(7)  # noqa: B904 - that is the point.

    signal.connect(receiver)
    with pytest.raises(FrozenError) as caught:
        call_while_handling(lambda: signal.send("shop"))

    assert chain(caught.value) == ["FrozenError", "KeyError", "ZeroDivisionError"]


# --- logging that fails ----------------------------------------------------------------


@pytest.mark.parametrize("error", [RecursionError(), OSError()], ids=repr)
def test_an_interrupt_is_not_replaced_by_what_fails_in_logging(error: Exception) -> None:
    """Logging goes deep, and near the end of the stack there is no room for it."""
    signal, diary, interrupt = Signal("paid"), Diary(), KeyboardInterrupt()
    signal.connect(diary.receiver("1", error=ValueError("lost")))
    signal.connect(diary.receiver("2", error=interrupt))
    with logging_fails(error), pytest.raises(KeyboardInterrupt) as caught:
        signal.send("shop")

    assert caught.value is interrupt


def test_an_observer_without_room_to_log_its_error_keeps_nobody_from_hearing() -> None:
    """Whoever comes next may need less room."""
    signal, diary = Signal("paid"), Diary()
    last = diary.receiver("2")
    signal.connect(diary.receiver("1", error=ValueError("lost")), on_error="log")
    signal.connect(last)
    with logging_fails(RecursionError()):
        assert signal.send("shop") == [(last, "2")]
