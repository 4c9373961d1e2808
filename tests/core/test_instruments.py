"""Instruments: what is told of a send, when, and that watching changes nothing."""

from __future__ import annotations

import asyncio
import copy
import gc
import logging
import sys
import threading
import time
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any
from weakref import ref

import pytest

from heliograph import (
    ANY,
    ArgumentError,
    Connection,
    Emission,
    Namespace,
    Signal,
    add_instrument,
    remove_instrument,
)
from heliograph.core.observing import emission as emission_module
from heliograph.core.observing import telling
from heliograph.core.observing.nesting import Place
from heliograph.core.observing.wishes import EVERYWHERE
from heliograph.core.sending.lookup import find
from heliograph.core.sending.watched_outcome import WatchedOutcome
from heliograph.describe import describe_callable, describe_duration
from tests.core.diary import Diary
from tests.core.room import no_collector, room_for
from tests.core.stepping import every_step
from tests.core.watching import watched_by, watching
from tests.ids import without_address
from tests.threads import INHERITING, in_a_plain_thread, in_a_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator


class Given(Signal):
    """A signal that makes up who is called."""

    def __init__(self, given: Callable[..., Any]) -> None:
        super().__init__("given")
        self.given = given
        self._registry.override(on=True)

    def receivers_for(self, sender: Any) -> Any:
        """Give one that nobody connected."""
        return iter([self.given])


class Proxy:
    """Stands for another object."""

    def __init__(self, target: object) -> None:
        self.target = target

    def _get_current_object(self) -> object:
        return self.target


def outcomes(emission: Emission) -> list[tuple[object, object, object]]:
    """Return receiver, value and error of each delivery."""
    return [(it.receiver, it.value, it.error) for it in emission.deliveries]


def test_what_was_sent_inside_of_another_lies_inside_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """However the system's clock is set meanwhile."""
    outer, middle, inner = Signal("outer"), Signal("middle"), Signal("inner")
    hour = iter(range(0, 360_000, 3_600))
    monkeypatch.setattr(emission_module, "time", lambda: float(next(hour)))

    @outer.connect
    def pass_on(sender: object) -> None:
        middle.send(sender)

    @middle.connect
    def pass_on_again(sender: object) -> None:
        inner.send(sender)

    with watching() as seen:
        outer.send("shop")
    begun = [it.started for it in seen]
    ended = [it.started + it.duration for it in seen]

    assert [it.signal for it in seen] == [inner, middle, outer]
    assert begun == sorted(begun, reverse=True)
    assert ended == sorted(ended)


def test_an_emission_says_what_a_send_did() -> None:
    """Signal, sender, payload, when, how long, and each delivery with its connection."""
    signal, diary = Signal("paid"), Diary()
    first, second = diary.receiver("1"), diary.receiver("2")
    signal.connect(first)
    signal.connect(second, "shop")
    before = time.time()
    with watching() as seen:
        signal.send("shop", total=12)
    after = time.time()
    [emission] = seen

    assert (emission.signal, emission.sender, emission.payload) == (signal, "shop", {"total": 12})
    assert (emission.parent, emission.muted) == (None, False)
    assert before <= emission.started <= after
    assert emission.started == emission.started  # Asked once: the clock goes on.
    assert outcomes(emission) == [(first, "1", None), (second, "2", None)]
    assert tuple(it.connection for it in emission.deliveries) == signal.connections
    assert all(0.0 <= it.duration <= emission.duration for it in emission.deliveries)


async def test_send_async_is_told_of_likewise() -> None:
    """The duration of a delivery includes awaiting."""
    signal, diary = Signal("paid"), Diary()

    async def slow(sender: object) -> str:
        await asyncio.sleep(0.01)
        return "slow"

    quick = diary.receiver("quick")
    signal.connect(slow)
    signal.connect(quick)
    with watching() as seen:
        await signal.send_async("shop")
    [emission] = seen

    assert outcomes(emission) == [(slow, "slow", None), (quick, "quick", None)]
    assert emission.deliveries[0].duration > 0.005


def test_an_emission_has_the_errors_of_its_deliveries() -> None:
    """A delivery has a value or an error, whether the error is raised or logged."""
    signal, diary = Signal("paid"), Diary()
    raised, logged = ValueError("raised"), ValueError("logged")
    first, second, third = (
        diary.receiver("1", error=raised),
        diary.receiver("2", error=logged),
        diary.receiver("3"),
    )
    signal.connect(first)
    signal.connect(second, on_error="log")
    signal.connect(third)
    with watching() as seen, pytest.raises(ValueError, match="raised"):
        signal.send("shop")
    [emission] = seen

    assert outcomes(emission) == [
        (first, None, raised),
        (second, None, logged),
        (third, "3", None),
    ]


def test_an_instrument_is_told_when_a_send_is_cut_short() -> None:
    """Whatever ends a send, it is told of, with what had been delivered and what left it."""
    signal, diary = Signal("paid"), Diary()
    first = diary.receiver("1")
    signal.connect(first)
    interrupt = KeyboardInterrupt()
    second = signal.connect(diary.receiver("2", error=interrupt))
    signal.connect(diary.receiver("3"))
    with watching() as seen, pytest.raises(KeyboardInterrupt):
        signal.send("shop")

    assert [outcomes(emission) for emission in seen] == [
        [(first, "1", None), (second, None, interrupt)]
    ]


async def test_sends_that_reach_nobody_are_told_of() -> None:
    """An instrument sees every send, also where nobody is connected."""
    signal = Signal("paid")
    with watching() as seen:
        signal.send("shop", total=12)
        await signal.send_async("kiosk")

    assert [(it.sender, it.deliveries, it.muted) for it in seen] == [
        ("shop", (), False),
        ("kiosk", (), False),
    ]


def test_a_send_that_nobody_awaits_any_more_is_told_of() -> None:
    """Where a coroutine is closed in another context, that context stays what it is."""
    outer, inner = Signal("outer"), Signal("inner")

    async def waiting(sender: object) -> None:
        await asyncio.sleep(0)

    outer.connect(waiting)
    with watching() as seen:
        coroutine = outer.send_async("shop")
        copy_context().run(coroutine.send, None)
        coroutine.close()
        inner.send()

    assert [(it.signal, it.parent, len(it.deliveries)) for it in seen] == [
        (outer, None, 1),
        (inner, None, 0),
    ]


def test_a_muted_send_is_told_of_as_muted() -> None:
    """No receiver was called, and the emission says why."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("r"))
    with watching() as seen, signal.muted():
        signal.send("shop")

    assert [(it.muted, it.deliveries) for it in seen] == [(True, ())]


def test_the_sender_of_an_emission_is_the_real_object() -> None:
    """Proxies are unwrapped."""
    signal, target = Signal("paid"), Diary()
    with watching() as seen:
        signal.send(Proxy(target))

    assert [emission.sender for emission in seen] == [target]


def test_a_made_up_receiver_has_no_connection() -> None:
    """A signal that overrides `receivers_for` may call whom it likes."""
    diary = Diary()
    given, connected = diary.receiver("given"), diary.receiver("connected")
    signal = Given(given)
    with watching() as seen:
        signal.send()
        signal.given = connected
        signal.connect(connected)
        signal.send()

    assert [(it.receiver, it.connection) for emission in seen for it in emission.deliveries] == [
        (given, None),
        (connected, signal.connections[0]),
    ]


def test_the_error_of_a_made_up_receiver_is_raised_with_a_note() -> None:
    """There is no line that connected it."""
    diary = Diary()
    signal = Given(diary.receiver("given", error=ValueError("price")))
    with pytest.raises(ValueError, match="price") as caught:
        signal.send()

    assert caught.value.__notes__ == [
        "while signal 'given' was delivered to tests.core.diary.Diary.receiver.<locals>.receive"
    ]


# --- nesting ---------------------------------------------------------------------------


def test_an_emission_inside_of_another_one_knows_it() -> None:
    """The inner one is told of first; its parent is the very object that is told of later."""
    outer, inner, diary = Signal("outer"), Signal("inner"), Diary()
    inner.connect(diary.receiver("i"))
    outer.connect(diary.receiver("o", then=lambda: inner.send("shop")))
    with watching() as seen:
        outer.send()
        inner.send()

    assert [it.signal for it in seen] == [inner, outer, inner]
    assert [it.parent for it in seen] == [seen[1], None, None]


async def test_tasks_and_awaits_know_their_own_parent() -> None:
    """Two sends at once are told apart, and what a task sends belongs to what started it."""
    outer, inner = Signal("outer"), Signal("inner")

    async def child(sender: object) -> None:
        inner.send(sender)

    async def receiver(sender: object) -> None:
        await asyncio.sleep(0)
        await asyncio.create_task(child(sender))

    outer.connect(receiver)
    with watching() as seen:
        await asyncio.gather(outer.send_async("a"), outer.send_async("b"))
    parents = {
        emission.sender: emission.parent.sender for emission in seen if emission.parent is not None
    }

    assert parents == {"a": "a", "b": "b"}


def test_another_thread_is_inside_if_threads_inherit_contexts() -> None:
    """Where they do not, it begins without a parent."""
    outer, inner, diary = Signal("outer"), Signal("inner"), Diary()

    def send_in_a_thread() -> None:
        thread = threading.Thread(target=inner.send)
        thread.start()
        thread.join()

    outer.connect(diary.receiver("o", then=send_in_a_thread))
    with watching() as seen:
        outer.send()

    assert [(it.signal, it.parent) for it in seen] == [
        (inner, seen[1] if INHERITING else None),
        (outer, None),
    ]


async def test_a_parent_is_what_is_still_under_way() -> None:
    """A task that outlives a send is inside of the one around it, and then of none."""
    outer, inner, work = Signal("outer"), Signal("inner"), Signal("work")
    go_on, tasks = [asyncio.Event() for _ in range(3)], list[asyncio.Task[None]]()

    async def working() -> None:
        for event in go_on:
            await event.wait()
            work.send()

    async def let_it(number: int) -> None:
        go_on[number].set()
        await asyncio.sleep(0)

    async def in_inner(sender: object) -> None:
        tasks.append(asyncio.create_task(working()))
        await asyncio.sleep(0)
        await let_it(0)

    async def in_outer(sender: object) -> None:
        await inner.send_async()
        await let_it(1)

    inner.connect(in_inner)
    outer.connect(in_outer)
    with watching() as seen:
        await outer.send_async()
        await let_it(2)
    await tasks[0]
    parents = [it.parent and it.parent.signal for it in seen if it.signal is work]

    assert parents == [inner, outer, None]


@contextmanager
def counting() -> Iterator[list[ref[Emission]]]:
    """Give a list of references to all emissions, to count those that are alive."""
    seen: list[ref[Emission]] = []

    def note(emission: Emission) -> None:
        seen.append(ref(emission))

    add_instrument(note)
    try:
        yield seen
    finally:
        remove_instrument(note)


@pytest.mark.parametrize("pauses", [0, 1, 5])
async def test_jobs_that_start_each_other_keep_none_that_is_over(pauses: int) -> None:
    """Whether each has ended before the next one begins, or goes on for a while beside it."""

    def count() -> int:
        gc.collect()
        return sum(isinstance(it, (Emission, Place)) for it in gc.get_objects())

    signal, over = Signal("job"), asyncio.Event()
    tasks = set[asyncio.Task[Any]]()
    alive = [count()]

    async def work(sender: int) -> None:
        if sender < 100:
            tasks.add(task := asyncio.create_task(signal.send_async(sender + 1)))
            task.add_done_callback(tasks.discard)
            for _ in range(pauses):
                await asyncio.sleep(0)
            return
        alive.append(count())
        over.set()

    signal.connect(work)
    with counting():
        await signal.send_async(1)
        await asyncio.wait_for(over.wait(), 60)

    assert len(alive) == 2
    assert alive[1] - alive[0] < 20


def test_threads_that_start_each_other_keep_no_emission() -> None:
    """Whether they inherit their context or are given a copy of it."""
    signal, threads = Signal("job"), list[threading.Thread]()

    def work(sender: int) -> None:
        if sender < 20:
            job = (copy_context().run, signal.send, sender + 1)
            threads.append(threading.Thread(target=job[0], args=job[1:]))
            threads[-1].start()

    signal.connect(work)
    with counting() as seen:
        signal.send(1)
        for thread in threads:
            thread.join()

    assert len(seen) == 20
    assert [it for it in seen if it() is not None] == []


async def test_a_worker_that_a_receiver_has_started_keeps_no_payload() -> None:
    """It lives as long as the program, and the context that it was started in with it."""
    signal, over = Signal("started"), asyncio.Event()
    workers = list[asyncio.Task[Any]]()

    async def start(sender: object, **payload: object) -> None:
        workers.append(asyncio.create_task(over.wait()))

    signal.connect(start)
    sender = Diary()
    seen = ref(sender)
    with watching() as emissions:
        await signal.send_async(sender)
    emissions.clear()
    del sender

    assert seen() is None

    over.set()
    await workers[0]


async def test_an_emission_that_outlives_its_parent_knows_it_while_somebody_does() -> None:
    """Whoever has kept both sees which belongs to which; it keeps the parent for nobody."""
    outer, inner, over = Signal("outer"), Signal("inner"), asyncio.Event()
    tasks = list[asyncio.Task[Any]]()
    told = list[object]()

    async def wait(sender: object) -> None:
        await over.wait()

    async def start(sender: object) -> None:
        tasks.append(asyncio.create_task(inner.send_async()))
        await asyncio.sleep(0)

    def note(emission: Emission) -> None:
        told.append(emission.parent and emission.parent.signal)

    inner.connect(wait)
    outer.connect(start)
    add_instrument(note)
    with watching() as seen:
        await outer.send_async()
        over.set()
        await tasks[0]
    remove_instrument(note)
    parents = [it.parent for it in seen]

    assert parents == [None, seen[0]]
    assert told == [None, outer]

    del seen[0], parents
    assert [it.parent for it in seen] == [None]


def test_a_send_that_ends_with_the_stack_is_over_all_the_same() -> None:
    """There may be no room to leave it as others are left."""
    endless, later = Signal("endless"), Signal("later")
    endless.connect(endless.send, weak=False)
    with watching() as seen, no_collector():
        for room in range(30, 70):
            with room_for(room), pytest.raises(RecursionError):
                endless.send()
        later.send()

    assert (seen[-1].signal, seen[-1].parent) == (later, None)


def test_an_emission_that_goes_on_has_no_duration_yet() -> None:
    """What an inner emission's parent says is what has happened so far."""
    outer, inner, diary = Signal("outer"), Signal("inner"), Diary()
    outer.connect(diary.receiver("1"))
    outer.connect(diary.receiver("2", then=inner.send))
    parents: list[tuple[float, int]] = []

    def instrument(emission: Emission) -> None:
        if emission.parent is not None:
            parents.append((emission.parent.duration, len(emission.parent.deliveries)))

    add_instrument(instrument)
    outer.send()
    remove_instrument(instrument)

    assert parents == [(0.0, 1)]


# --- adding and removing ---------------------------------------------------------------


def test_instruments_are_told_in_the_order_in_which_they_were_added() -> None:
    """Each is told once, however often it was added; one that is removed is told no more."""
    signal = Signal("paid")
    told: list[str] = []

    def one(emission: Emission) -> None:
        told.append("one")

    def other(emission: Emission) -> None:
        told.append("other")

    for instrument in (one, other, one):
        add_instrument(instrument)
    signal.send()
    remove_instrument(one)
    signal.send()
    remove_instrument(other)
    remove_instrument(other)
    signal.send()

    assert told == ["one", "other", "other"]
    assert EVERYWHERE == []


def test_an_instrument_may_remove_itself() -> None:
    """The others are told all the same."""
    signal = Signal("paid")
    told: list[str] = []

    def once(emission: Emission) -> None:
        told.append("once")
        remove_instrument(once)

    def other(emission: Emission) -> None:
        told.append("other")

    add_instrument(once)
    add_instrument(other)
    signal.send()
    signal.send()
    remove_instrument(other)

    assert told == ["once", "other", "other"]


def test_an_instrument_may_add_another_while_it_is_told() -> None:
    """The new one is told of the next send; one that adds itself again is told once."""
    signal = Signal("paid")
    told: list[str] = []

    def second(emission: Emission) -> None:
        told.append("second")

    def first(emission: Emission) -> None:
        told.append("first")
        add_instrument(first)
        add_instrument(second)

    with watched_by(first):
        signal.send()
        signal.send()
    remove_instrument(second)

    assert told == ["first", "first", "second"]


def fits(sender: object, **extra: object) -> None:
    """Be a receiver."""


def test_an_instrument_that_fails_at_a_connection_is_switched_off(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The connection is made all the same, and the instrument is named once."""

    class Failing:
        def __call__(self, emission: Emission) -> None:
            """See nothing."""

        def on_connect(self, *_: object) -> None:
            raise OSError

    signal = Signal("paid")
    with watched_by(Failing()):
        signal.connect(fits)
        signal.connect(fits, "shop")

    assert len(signal.connections) == 2
    assert [
        it.getMessage().partition(" failed")[0].rpartition(".")[2] for it in caplog.records
    ] == ["on_connect"]


def test_an_instrument_added_during_a_send_is_told_of_the_next_one() -> None:
    """A send is watched from its start or not at all."""
    signal, diary = Signal("paid"), Diary()
    seen: list[Emission] = []

    def add() -> None:
        add_instrument(seen.append)
        signal.disconnect(gone)

    gone = diary.receiver("gone")
    signal.connect(diary.receiver("r", then=add))
    signal.connect(gone)
    signal.send("first")
    signal.send("second")
    remove_instrument(seen.append)

    assert [emission.sender for emission in seen] == ["second"]


def test_instruments_that_come_and_go_in_threads_are_neither_lost_nor_left() -> None:
    """Each change is made on the last one, whoever made that."""
    lost = list[object]()

    def come_and_go() -> None:
        for _ in range(300):
            observer = Observer()
            add_instrument(observer)
            if not all(
                observer in them
                for them in (EVERYWHERE, EVERYWHERE.on_start, EVERYWHERE.on_connect)
            ):
                lost.append(observer)
            remove_instrument(observer)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=come_and_go) for _ in range(6)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)

    assert (lost, EVERYWHERE, EVERYWHERE.on_start, EVERYWHERE.on_connect) == ([], [], [], [])


@pytest.mark.parametrize("change", [add_instrument, remove_instrument])
def test_an_instrument_may_come_at_any_moment(change: Callable[[Any], None]) -> None:
    """Such as in a finalizer, while another one comes or goes."""
    first, second, third = Observer(), Observer(), Observer()

    def swap() -> None:
        add_instrument(third)
        remove_instrument(first)

    with no_collector():
        for step in every_step():
            add_instrument(first)
            if change is remove_instrument:
                add_instrument(second)
            step.interrupt(partial(change, second), swap)
            found = [list(EVERYWHERE), list(EVERYWHERE.on_start), list(EVERYWHERE.on_connect)]
            for each in (first, second, third):
                remove_instrument(each)
            for them in found:
                them.sort(key=id)

            left = [second] if change is add_instrument else []
            left += [third] if step.reached else [first]
            assert found == [sorted(left, key=id)] * 3


# --- watching changes nothing ----------------------------------------------------------


OFF = " and is switched off: it sees no more sends. Fix it, and add it again with add_instrument()."


def test_an_instrument_that_fails_is_logged_by_name(caplog: pytest.LogCaptureFixture) -> None:
    """It breaks neither the send nor the other instruments; no payload is in the message."""
    signal, diary, error = Signal("paid"), Diary(), ValueError("broken")
    receiver = diary.receiver("r")
    signal.connect(receiver)

    def failing(emission: Emission) -> None:
        raise error

    add_instrument(failing)
    with watching() as seen:
        results = signal.send("sender-5f2c", card="card-5f2c")
    remove_instrument(failing)
    [record] = caplog.records

    assert results == [(receiver, "r")]
    assert len(seen) == 1
    assert (record.name, record.levelno) == ("heliograph", logging.ERROR)
    assert record.getMessage() == (
        f"The instrument {__name__}.{test_an_instrument_that_fails_is_logged_by_name.__name__}"
        f".<locals>.failing failed on <Signal 'paid'>{OFF}"
    )
    assert record.exc_info is not None
    assert record.exc_info[1] is error


def test_an_error_of_a_receiver_is_raised_though_an_instrument_fails() -> None:
    """What the instrument raised does not take its place."""
    signal, diary, error = Signal("paid"), Diary(), OSError("receiver")
    signal.connect(diary.receiver("r", error=error))

    def failing(emission: Emission) -> None:
        msg = "instrument"
        raise ValueError(msg)

    add_instrument(failing)
    with pytest.raises(OSError, match="receiver") as caught:
        signal.send()
    remove_instrument(failing)

    assert caught.value is error


def test_what_an_instrument_sends_is_delivered_but_not_watched() -> None:
    """Otherwise an instrument that sends would be told of that, and send again."""
    signal, report, diary = Signal("paid"), Signal("report"), Diary()
    report.connect(diary.receiver("report"))
    told: list[object] = []

    def reporting(emission: Emission) -> None:
        told.append(emission.signal)
        report.send()

    add_instrument(reporting)
    signal.send()
    signal.send()
    remove_instrument(reporting)

    assert told == [signal, signal]
    assert diary.lines == ["report", "report"]


async def test_what_an_instrument_starts_is_watched() -> None:
    """A task or a thread has the context of the instrument, and is not the instrument."""
    signal, report = Signal("paid"), Signal("report")
    tasks, go_on = list[asyncio.Task[None]](), asyncio.Event()
    told: list[object] = []

    def send_in_a_loop() -> None:
        async def send() -> None:
            report.send("a loop of its own")

        asyncio.run(send())

    async def send_later() -> None:
        await go_on.wait()
        report.send("a task")

    def reporting(emission: Emission) -> None:
        told.append(emission.sender)
        if emission.signal is signal:
            report.send("the instrument")
            in_a_thread(lambda: report.send("an empty thread"))
            in_a_plain_thread(lambda: report.send("a thread"))
            in_a_plain_thread(partial(copy_context().run, report.send, "a copied thread"))
            in_a_plain_thread(partial(copy_context().run, send_in_a_loop))
            tasks.append(asyncio.create_task(send_later()))

    add_instrument(reporting)
    try:
        signal.send("start")
        go_on.set()
        await tasks[0]
    finally:
        remove_instrument(reporting)

    assert told == [
        "start",
        "an empty thread",
        "a thread",
        "a copied thread",
        "a loop of its own",
        "a task",
    ]


def test_a_task_that_runs_inside_of_an_instrument_is_watched() -> None:
    """Its loop may be one that the instrument runs itself."""
    signal, report = Signal("paid"), Signal("report")
    told: list[object] = []

    async def send() -> None:
        report.send("a task")

    def reporting(emission: Emission) -> None:
        told.append(emission.sender)
        if emission.signal is signal:
            report.send("the instrument")
            asyncio.run(send())

    add_instrument(reporting)
    try:
        signal.send("start")
    finally:
        remove_instrument(reporting)

    assert told == ["start", "a task"]


def test_watching_changes_no_result() -> None:
    """Receivers, values and order are those of an unwatched send."""
    signal, diary = Signal("paid"), Diary()
    for name in "abc":
        signal.connect(diary.receiver(name))
    unwatched = signal.send("shop")
    with watching():
        watched = signal.send("shop")

    assert watched == unwatched


# --- what an instrument may be told besides ---------------------------------------------


class Observer:
    """An instrument that wants to know everything, and writes down what it sees."""

    def __init__(self) -> None:
        self.seen: list[tuple[object, ...]] = []

    def __call__(self, emission: Emission) -> None:
        """See the end of an emission."""
        self.seen.append(("end", dict(emission.payload), len(emission.deliveries)))

    def on_start(self, emission: Emission) -> None:
        """See the start of an emission."""
        self.seen.append(("start", dict(emission.payload), len(emission.deliveries)))

    def on_connect(
        self, signal: Signal, connection: Connection, previous: Connection | None
    ) -> None:
        """See a connection."""
        self.seen.append((signal, connection, previous))


@pytest.fixture
def observer() -> Iterator[Observer]:
    """Let one watch."""
    observer = Observer()
    add_instrument(observer)
    yield observer
    remove_instrument(observer)


def test_an_instrument_may_see_the_start_of_an_emission(observer: Observer) -> None:
    """Before anybody is called, and not once it is removed."""
    signal = Signal("paid")

    def receiver(sender: object, **payload: object) -> None:
        observer.seen.append(("called",))

    with signal.connected_to(receiver):
        signal.send(total=12)
        remove_instrument(observer)
        signal.send(total=13)

    assert observer.seen == [
        ("start", {"total": 12}, 0),
        ("called",),
        ("end", {"total": 12}, 1),
        ("called",),
    ]


async def test_an_instrument_sees_the_start_of_an_async_send(observer: Observer) -> None:
    """As of any other."""
    await Signal("paid").send_async(total=12)

    assert observer.seen == [("start", {"total": 12}, 0), ("end", {"total": 12}, 0)]


def test_an_instrument_may_see_connections(observer: Observer) -> None:
    """Lasting ones: new, and connected again; temporary ones undo themselves."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")
    signal.connect(receiver, "shop")
    [first] = signal.connections
    signal.connect(receiver, "shop", priority=1)
    [second] = signal.connections
    signal.connect(receiver, "shop", priority=1)
    with signal.connected_to(receiver):
        pass

    assert observer.seen == [
        (signal, first, None),
        (signal, second, first),
        (signal, second, second),
    ]


def test_an_instrument_sees_what_is_connected_to_a_pattern(observer: Observer) -> None:
    """To each signal that is there, and once for those that are still to come."""
    shop, diary = Namespace("shop"), Diary()
    paid, receiver = shop.signal("order-paid"), diary.receiver("r")
    shop.signals("order-*").connect(receiver)
    later = shop.signal("order-placed")
    first, second = observer.seen

    assert (paid.receivers, later.receivers) == ((receiver,), (receiver,))
    assert (str(first[0]), first[2]) == ("<Signal 'order-*'>", None)
    assert second == (paid, *paid.connections, None)


def test_what_an_instrument_connects_is_not_told_of(observer: Observer) -> None:
    """As what it sends is not."""
    signal, diary = Signal("paid"), Diary()
    receiver = diary.receiver("r")

    def connect(emission: Emission) -> None:
        signal.connect(receiver)

    add_instrument(connect)
    try:
        signal.send()
    finally:
        remove_instrument(connect)

    assert signal.receivers == (receiver,)
    assert [it[0] for it in observer.seen] == ["start", "end"]


class Watcher(Observer):
    """Is told of others that fail, too."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.error = error
        self.failed: list[object] = []

    def on_failure(self, instrument: object, error: Exception) -> None:
        """Write down who has failed, or fail."""
        if self.error is not None:
            raise self.error
        self.failed.append((instrument, error))


def test_who_wants_to_know_is_told_of_instruments_that_fail() -> None:
    """Once for each, whichever signals the two have named; the one itself is not told."""
    signal, error = Signal("paid"), ValueError("broken")
    early, late = Watcher(), Watcher()

    def failing(emission: Emission) -> None:
        raise error

    add_instrument(early)
    add_instrument(failing, signals=[signal])
    add_instrument(late, signals=[Signal("other")])
    try:
        signal.send()
        signal.send()
    finally:
        for each in (early, late):
            remove_instrument(each)

    assert early.failed == late.failed == [(failing, error)]


def test_who_fails_when_told_of_a_failure_is_switched_off_as_well(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is named by its method, and those who are left are told of both."""
    signal, error, other = Signal("paid"), ValueError("broken"), KeyError("broken too")
    first, second = Watcher(other), Watcher()

    def failing(emission: Emission) -> None:
        raise error

    for each in (failing, first, second):
        add_instrument(each)
    try:
        signal.send()
        signal.send()
    finally:
        remove_instrument(second)

    assert second.failed == [(first, other), (failing, error)]
    assert EVERYWHERE == []
    assert [record.getMessage().partition(" failed ")[0] for record in caplog.records] == [
        f"The instrument {failing.__module__}.{failing.__qualname__}",
        f"The instrument {__name__}.Watcher.on_failure",
    ]


def test_who_was_switched_off_meanwhile_fails_no_second_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither on the failures that it was still to be told of, nor on the same emission."""
    signal = Signal("paid")
    watchers = Watcher(ValueError("first")), Watcher(ValueError("second"))

    def failing(emission: Emission) -> None:
        msg = "broken"
        raise ValueError(msg)

    for each in (failing, *watchers):
        add_instrument(each)
    signal.send()

    assert EVERYWHERE == []
    assert [record.getMessage().partition(" failed ")[0] for record in caplog.records] == [
        f"The instrument {failing.__module__}.{failing.__qualname__}",
        *[f"The instrument {__name__}.Watcher.on_failure"] * 2,
    ]
    assert [[it[0] for it in each.seen] for each in watchers] == [["start"], ["start"]]


def test_who_fails_in_several_threads_at_once_is_named_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One of them switches it off; whoever fails after it was added again is named again."""
    signal, watcher, meet = Signal("paid"), Watcher(), threading.Barrier(3)

    def failing(emission: Emission) -> None:
        meet.wait()
        msg = "broken"
        raise ValueError(msg)

    def send_in_three_threads() -> None:
        add_instrument(failing)
        threads = [threading.Thread(target=signal.send) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    add_instrument(watcher)
    send_in_three_threads()
    once = len(caplog.records), len(watcher.failed)
    send_in_three_threads()
    remove_instrument(watcher)

    assert (once, len(caplog.records), len(watcher.failed)) == ((1, 1), 2, 2)


def test_an_instrument_that_removes_itself_and_fails_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An error is not lost."""
    signal = Signal("paid")

    def failing(emission: Emission) -> None:
        remove_instrument(failing)
        msg = "broken"
        raise ValueError(msg)

    add_instrument(failing)
    signal.send()

    assert [it.exc_info and it.exc_info[0] for it in caplog.records] == [ValueError]


def test_who_was_switched_off_meanwhile_is_not_told_of_starts() -> None:
    """As with sends that end; the others are told."""
    signal, second, third = Signal("paid"), Watcher(ValueError("second")), Watcher()

    class Failing(Observer):
        def on_start(self, emission: Emission) -> None:
            msg = "broken"
            raise ValueError(msg)

    for each in (Failing(), second, third):
        add_instrument(each)
    signal.send()
    remove_instrument(third)

    assert second.seen == []
    assert [it[0] for it in third.seen] == ["start", "end"]
    assert EVERYWHERE == []


@pytest.mark.parametrize("endless", [False, True])
def test_an_instrument_without_room_on_the_stack_stays(endless: bool) -> None:
    """Whoever is called where the stack is full fails; who fails with room to spare is at fault."""
    signal, seen = Signal("paid"), list[Emission]()

    def send_again(sender: object) -> None:
        signal.send()

    def dig(levels: int) -> None:
        if levels:
            dig(levels - 1)

    def instrument(emission: Emission) -> None:
        dig(10_000 if endless else 90)
        seen.append(emission)

    add_instrument(instrument)
    with signal.connected_to(send_again), no_collector(), pytest.raises(RecursionError):
        signal.send()
    seen.clear()
    signal.send()
    remove_instrument(instrument)

    assert len(seen) == (not endless)


def test_what_an_instrument_closes_is_told_of_and_leaves_it_one() -> None:
    """A send that it ends itself is watched, and what it sends afterwards still is not."""
    paid, awaited, told = Signal("paid"), Signal("awaited"), list[object]()

    async def later(sender: object) -> None:
        await Forever()

    class Forever:
        """Is never over."""

        def __await__(self) -> Generator[None, None, None]:
            yield

    awaited.connect(later)
    sending = awaited.send_async("shop")

    def closing(emission: Emission) -> None:
        told.append(emission.signal)
        if emission.signal is paid:
            sending.close()
            paid.send("again")

    add_instrument(closing)
    try:
        sending.send(None)
        paid.send("shop")
    finally:
        remove_instrument(closing)

    assert told == [paid, awaited]


def test_an_instrument_that_was_switched_off_may_be_added_again() -> None:
    """As one that was removed."""
    signal, told, broken = Signal("paid"), list[object](), [True]

    def mended(emission: Emission) -> None:
        if broken:
            raise ValueError
        told.append(emission.sender)

    add_instrument(mended)
    signal.send("first")
    broken.clear()
    signal.send("second")
    add_instrument(mended)
    signal.send("third")
    remove_instrument(mended)

    assert told == ["third"]


def test_an_emission_says_which_receiver_was_at_work() -> None:
    """Its turn is the place of that one's delivery, also where one has failed before."""
    outer, inner, diary = Signal("outer"), Signal("inner"), Diary()
    outer.connect(diary.receiver("1", error=ValueError()), on_error="log")
    outer.connect(diary.receiver("2", then=inner.send))
    outer.connect(diary.receiver("3"))
    outer.connect(diary.receiver("4", then=inner.send))
    with watching() as seen:
        outer.send()

    assert [(it.signal, it.turn) for it in seen] == [(inner, 1), (inner, 3), (outer, 0)]


async def test_a_receiver_that_is_dead_when_its_turn_comes_is_left_out() -> None:
    """Its end may not have been taken note of yet."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("r"))
    [connection] = signal.connections
    snapshot = find(signal._registry, "shop")[2]

    def dead() -> None:
        """Be a reference to nobody."""

    snapshot.calls = ((dead, True, True), *snapshot.made_calls())
    snapshot.receiver_refs = (dead, *snapshot.receiver_refs)
    snapshot.connections = (connection, *snapshot.connections)
    with watching() as seen:
        signal.send("shop")
        await signal.send_async("shop")

    assert [[it.value for it in each.deliveries] for each in seen] == [["r"], ["r"]]


def test_an_error_that_comes_between_two_receivers_ends_the_send_and_is_told_of() -> None:
    """Such as one that is raised where a receiver is looked up."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("r"))
    [connection] = signal.connections
    snapshot = find(signal._registry, "shop")[2]

    def fail() -> None:
        raise LookupError

    snapshot.receiver_refs = (*snapshot.receiver_refs, fail)
    snapshot.connections = (*snapshot.connections, connection)
    with watching() as seen, pytest.raises(LookupError) as caught:
        signal.send("shop")

    assert [len(it.deliveries) for it in seen] == [1]
    assert getattr(caught.value, "__notes__", []) == []


def test_an_instrument_that_fails_at_the_start_is_logged_by_name(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It breaks neither the send nor connecting."""
    signal, diary = Signal("paid"), Diary()

    class Broken(Observer):
        def on_start(self, emission: Emission) -> None:
            msg = "broken"
            raise OSError(msg)

    broken = Broken()
    add_instrument(broken)
    try:
        signal.connect(diary.receiver("r"))
        signal.send()
        signal.send()
    finally:
        remove_instrument(broken)

    [record] = caplog.records
    assert record.getMessage().endswith(f"Broken.on_start failed on <Signal 'paid'>{OFF}")
    assert [it[0] for it in broken.seen] == [signal]


class Unprepared(Observer):
    """Its methods cannot be looked up."""

    @property
    def on_start(self) -> Any:
        """Fail."""
        raise RuntimeError

    @property
    def on_connect(self) -> Any:
        """Fail."""
        raise RuntimeError


class Nameless:
    """Has nothing that can be looked up, not even a name."""

    def __init__(self) -> None:
        self.seen: list[tuple[object, ...]] = []

    def __getattr__(self, name: str) -> object:
        raise RuntimeError(name)

    def __call__(self, emission: Emission) -> None:
        """See the end of an emission."""
        self.seen.append(("end",))


@pytest.mark.parametrize("kind", [Unprepared, Nameless])
def test_an_instrument_whose_methods_cannot_be_looked_up_is_logged(
    kind: type[Unprepared | Nameless], observer: Observer, caplog: pytest.LogCaptureFixture
) -> None:
    """It breaks neither the send nor connecting, nor the other instruments."""
    signal, diary, broken, last = Signal("paid"), Diary(), kind(), Observer()
    add_instrument(broken)
    add_instrument(last)
    try:
        signal.connect(diary.receiver("r"))
        signal.send()
    finally:
        remove_instrument(broken)
        remove_instrument(last)
    kinds = [[it[0] for it in each.seen] for each in (observer, broken, last)]

    assert kinds == [[signal, "start", "end"], [], [signal, "start", "end"]]
    assert [record.getMessage() for record in caplog.records] == [
        f"The instrument {__name__}.{kind.__name__} object failed on <Signal 'paid'>{OFF}"
    ]


class Later(Observer):
    """Has an async method."""

    async def on_start(self, emission: Emission) -> None:  # type: ignore[override]
        """See the start of an emission, if somebody awaits it."""


class Awaited:
    """Is async itself."""

    async def __call__(self, emission: Emission) -> None:
        """See the end of an emission, if somebody awaits it."""


async def awaited(emission: Emission) -> None:
    """See the end of an emission, if somebody awaits it."""


class OneByOne:
    """Gives what it sees, if somebody iterates over that."""

    def __call__(self, emission: Emission) -> Iterator[Emission]:
        """See the end of an emission."""
        yield emission

    async def on_start(self, emission: Emission) -> AsyncIterator[Emission]:
        """See the start of an emission."""
        yield emission


class StartsOneByOne(Observer):
    """Gives what starts, if somebody iterates over that."""

    on_start = OneByOne.on_start  # type: ignore[assignment]  # As users write it.


LINES = "calling it runs none of its lines. Take the yield out."
INSTEAD = "and nothing would await it. Pass a plain function; it may start a task."


@pytest.mark.parametrize(
    ("instrument", "why"),
    [
        (awaited, f"it is async, {INSTEAD}"),
        (Awaited(), f"it is async, {INSTEAD}"),
        (Later(), f"its on_start is async, {INSTEAD}"),
        (OneByOne(), f"it is a generator function: {LINES}"),
        (partial(OneByOne()), f"it is a generator function: {LINES}"),
        (OneByOne().__call__, f"it is a generator function: {LINES}"),
        (StartsOneByOne(), f"its on_start is a generator function: {LINES}"),
        (Observer, "it is a class: pass an object of it."),
        (7, "it must be callable with an Emission."),
    ],
    ids=without_address,
)
def test_what_could_never_see_anything_is_no_instrument(instrument: Any, why: str) -> None:
    """An async function would never be awaited; a class or a generator only makes an object."""
    with pytest.raises(ArgumentError) as caught:
        add_instrument(instrument)

    assert str(caught.value) == f"{describe_callable(instrument)} cannot be an instrument: {why}"
    assert EVERYWHERE == []


# --- values ----------------------------------------------------------------------------


@pytest.fixture
def emission() -> Emission:
    """Return an emission with one delivery and one error."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("1"))
    signal.connect(diary.receiver("2", error=ValueError("secret")), on_error="log")
    with watching() as seen:
        signal.send("sender-5f2c", card="card-5f2c")
    return seen[0]


def test_an_emission_is_immutable(emission: Emission) -> None:
    """Nothing of it can be set or deleted, not even in its payload."""
    public = [name for name in dir(Emission) if not name.startswith("_")]
    for name in (*public, "anything"):
        with pytest.raises(AttributeError):
            setattr(emission, name, None)
        with pytest.raises(AttributeError):
            delattr(emission, name)
    with pytest.raises(TypeError):
        emission.payload["card"] = "other"  # type: ignore[index]

    assert emission.payload == {"card": "card-5f2c"}


def test_a_delivery_is_immutable(emission: Emission) -> None:
    """Nothing of it can be set or deleted."""
    delivery = emission.deliveries[0]
    for name in ("receiver", "connection", "duration", "value", "error", "anything"):
        with pytest.raises(AttributeError):
            setattr(delivery, name, None)
        with pytest.raises(AttributeError):
            delattr(delivery, name)

    assert delivery.value == "1"


def test_the_error_for_setting_says_why(emission: Emission) -> None:
    """Whoever wants to change what has happened learns that it has."""
    with pytest.raises(AttributeError) as caught:
        emission.deliveries[0].value = None

    assert str(caught.value) == "'value' cannot be changed: a Delivery says what has happened."


def test_emissions_and_deliveries_show_no_values(emission: Emission) -> None:
    """Their reprs end up in logs: signal, receiver, kind of error and times only."""
    first, second = emission.deliveries
    name = "tests.core.diary.Diary.receiver.<locals>.receive"

    times = [describe_duration(it.duration) for it in (emission, first, second)]
    assert repr(emission) == f"<Emission of signal 'paid' from a str: 2 deliveries in {times[0]}>"
    assert repr(first) == f"<Delivery to {name}: delivered in {times[1]}>"
    assert repr(second) == f"<Delivery to {name}: logged ValueError in {times[2]}>"


def test_an_emission_and_a_delivery_are_their_own_copies() -> None:
    """What has happened does not happen again."""
    signal, diary = Signal("paid"), Diary()
    signal.connect(diary.receiver("r"))
    with watching() as seen:
        signal.send("shop")
    [emission] = seen
    [delivery] = emission.deliveries

    assert copy.copy(emission) is copy.deepcopy(emission) is emission
    assert copy.copy(delivery) is copy.deepcopy(delivery) is delivery


def test_equal_instruments_are_two() -> None:
    """As receivers are, instruments are compared by identity, and methods by their object."""

    @dataclass
    class Counter:
        seen: int = 0

        def __call__(self, emission: Emission) -> None:
            self.seen += 1

        def method(self, emission: Emission) -> None:
            self.seen += 1

    first, second, signal = Counter(), Counter(), Signal("paid")
    for instrument in (first, second, first.method, first.method):
        add_instrument(instrument)
    signal.send()
    remove_instrument(second)
    remove_instrument(first.method)
    signal.send()
    remove_instrument(first)

    assert (first.seen, second.seen) == (3, 1)


async def test_senders_that_share_a_receiver_have_deliveries_of_their_own() -> None:
    """Each with the connection that it came by."""
    signal = Signal("paid")
    senders = [Diary(), Diary()]
    for sender in senders:
        signal.connect(fits, sender)
    with watching() as seen:
        for sender in senders:
            await signal.send_async(sender)
            signal.send(sender)

    connections = [it.deliveries[0].connection for it in seen]
    first, second = senders
    assert [it and it.sender for it in connections] == [first, first, second, second]


def test_a_send_that_is_watched_no_more_gets_to_its_end() -> None:
    """Its emission may have been told of while its last receivers were called."""
    signal = Signal("paid")
    place: Any = Place()
    place.work = None
    outcome = WatchedOutcome(signal, "shop", {})
    outcome.go_on(place, 0.0)
    with watching() as seen, outcome:
        outcome.begin((None, fits))
        outcome.returned(7)

    assert (outcome.result(), seen) == ([(fits, 7)], [])


def test_a_greenlet_is_told_apart_from_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once its package is there; while it is being imported, there are none."""
    monkeypatch.setattr(telling._RUNS, "greenlet", None)
    package = ModuleType("greenlet")
    monkeypatch.setitem(sys.modules, "greenlet", package)
    before = telling.whoever_runs()
    current = object()
    vars(package)["getcurrent"] = lambda: current

    assert before != telling.whoever_runs() == -id(current)


def test_an_instrument_may_see_what_is_disconnected() -> None:
    """Each connection that ended; not what dies, and not the end of a block."""
    signal = Signal("paid")
    seen = list[tuple[object, ...]]()

    class Leaving:
        def __call__(self, emission: Emission) -> None:
            """See nothing."""

        def on_disconnect(self, signal: Signal, connection: Connection) -> None:
            """See a connection that has ended."""
            seen.append((signal, connection.name, connection.sender, connection.connected))

    def dies(sender: object, **extra: object) -> None:
        """Be forgotten."""

    with watched_by(Leaving()):
        for sender in ("shop", "kiosk", ANY):
            signal.connect(fits, sender)
        signal.connect(dies)
        signal.disconnect(fits, "nobody")
        signal.disconnect(fits, "shop")
        signal.disconnect(signal.connections[1])
        signal.disconnect(fits)
        del dies
        gc.collect()
        with signal.connected_to(fits):
            """Nothing is told at its end."""

    name = f"{__name__}.fits"
    assert seen == [
        (signal, name, "shop", False),
        (signal, name, ANY, False),
        (signal, name, "kiosk", False),
    ]


def test_an_instrument_that_disconnects_is_not_told_of_that() -> None:
    """As of its own sends and connections."""
    signal = Signal("paid")
    seen = list[str]()

    class Leaving:
        def __call__(self, emission: Emission) -> None:
            """Disconnect."""
            signal.disconnect(fits)

        def on_disconnect(self, signal: Signal, connection: Connection) -> None:
            """See a connection that has ended."""
            seen.append(connection.name)

    signal.connect(fits)
    with watched_by(Leaving()):
        signal.send()

    assert (seen, signal.connections) == ([], ())
