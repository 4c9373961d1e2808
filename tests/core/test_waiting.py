"""Waiting for emissions, in tasks and in threads: none is missed, and nothing stays behind."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

import anyio
import pytest

from heliograph import ANY, ArgumentError, Namespace, Signal, add_instrument, remove_instrument
from heliograph.core import lock
from heliograph.core.errors import LostEmissionsError, StateError
from heliograph.core.lock import under_lock
from heliograph.core.streams import blocking
from heliograph.core.streams.blocking import FOR_EVER, Patience, pause, pause_task
from tests.core.diary import Diary
from tests.core.handling import call_while_handling, chain
from tests.core.kinds import Thing
from tests.core.proxies import Proxy
from tests.core.watching import watching
from tests.threads import fast_switching

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from heliograph import Connection, Emission
    from heliograph.core.streams.stream import Stream


def read(stream: Stream) -> list[Any]:
    """Return the numbers that wait in a stream, without waiting for more."""
    found = []
    while True:
        try:
            found.append(stream.wait(timeout=0).payload["n"])
        except TimeoutError:
            return found


def send(signal: Signal[...], *numbers: int, sender: object = "shop") -> None:
    """Send the numbers one by one."""
    for n in numbers:
        signal.send(sender, n=n)


def when_somebody_hears(signal: Signal[...], act: Callable[[], object]) -> None:
    """Do something in another thread, once somebody is connected."""

    def begin(*_: object, **__: object) -> None:
        threading.Thread(target=act).start()

    signal.receiver_connected.connect(begin, weak=False)


# --- the next one ----------------------------------------------------------------------


async def test_the_next_emission_counts_from_the_call() -> None:
    """What is sent between the call and the ``await`` is not missed."""
    signal = Signal("paid")
    upcoming = signal.next("shop", timeout=10)
    send(signal, 1, 2)
    emission = await upcoming

    assert (emission.signal, emission.sender, dict(emission.payload)) == (signal, "shop", {"n": 1})
    assert signal.connections == ()


async def test_a_task_is_woken_by_a_send_in_another_thread() -> None:
    """Whoever sends need not know of loops."""
    signal = Signal("paid")
    when_somebody_hears(signal, lambda: send(signal, 1))
    emission = await signal.next(timeout=10)

    assert (emission.payload["n"], signal.connections) == (1, ())


def test_a_thread_waits_for_another_one() -> None:
    """`wait` blocks until the emission, and leaves nothing."""
    signal = Signal("paid")
    when_somebody_hears(signal, lambda: send(signal, 1))
    emission = signal.wait("shop", timeout=10)

    assert (emission.payload["n"], signal.connections) == (1, ())


def test_waiting_may_last_for_ever() -> None:
    """Without a timeout there is none, and one that no lock can wait for is no error."""
    signal = Signal("paid")
    when_somebody_hears(signal, lambda: send(signal, 1))

    assert signal.wait().payload["n"] == 1
    assert signal.wait(timeout=float("inf")).payload["n"] == 1


async def test_only_what_is_meant_is_waited_for() -> None:
    """The sender, what the payload must have, or whatever a function says."""
    signal, shop = Signal("paid"), Thing("shop")
    ways = [
        signal.next(shop),
        signal.next(Proxy(lambda: shop)),
        signal.next(matching={"n": 3}),
        signal.next(matching={"n": 4, "gift": None}),
        signal.next(shop, matching=lambda emission: emission.payload["n"] > 4),
    ]
    send(signal, 1, 3, sender="kiosk")
    send(signal, 2, 4, sender=shop)
    signal.send(n=4, gift=None)
    send(signal, 5, sender="kiosk")
    send(signal, 6, sender=shop)
    found = [dict((await each).payload) for each in ways]

    assert found == [{"n": 2}, {"n": 2}, {"n": 3}, {"n": 4, "gift": None}, {"n": 6}]


async def test_whoever_waits_is_called_after_all_others_in_the_order_of_waiting() -> None:
    """Whatever else is connected before, in between or later, and for whom."""
    signal, diary, shop = Signal("paid"), Diary(), Thing("shop")
    waits = []
    kept = [diary.receiver(name) for name in "abcd"]

    def wait(name: str, sender: object) -> None:
        waits.append(signal.next(sender, matching=diary.receiver(name)))

    wait("first", ANY)
    signal.connect(kept[0])
    wait("second", ANY)
    wait("third", ANY)
    signal.send(shop)
    lines = [[*diary.lines]]
    signal.connect(kept[1], shop)
    wait("own", shop)
    signal.connect(kept[2], priority=-1)
    diary.lines.clear()
    signal.send(shop)
    lines.append([*diary.lines])
    for it in waits:
        it.close()

    assert lines == [["a", "first", "second", "third"], ["a", "b", "c", "own"]]
    assert [it for it, _ in signal.send(shop)] == kept[:3]


async def test_a_receiver_may_connect_and_wait_while_somebody_waits() -> None:
    """What begins during a send hears the next one; what ends is not called any more."""
    signal, diary = Signal("paid"), Diary()
    late = diary.receiver("late")
    more = []

    def begin(sender: object, **payload: object) -> None:
        signal.connect(late)
        more.append(signal.next("shop"))
        others[1].close()

    signal.connect(begin)
    others = [signal.next("shop"), signal.next("shop")]
    send(signal, 1)
    signal.disconnect(begin)
    send(signal, 2)

    found = [(await it).payload["n"] for it in (others[0], *more)]
    assert (found, diary.lines) == ([1, 2], ["late"])
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        await others[1]


async def test_only_the_first_emission_counts() -> None:
    """Although others come before anybody looks, in this thread or in another one."""
    signal = Signal("paid")
    upcoming = signal.next()
    [receiver] = signal.receivers
    before = repr(receiver)
    send(signal, 1)
    await asyncio.to_thread(send, signal, 2)
    after = repr(receiver)
    found = (await upcoming).payload["n"]
    receiver("shop", n=3)

    assert (before, found) == ("<Stream of signal 'paid': 0 to read, 0 lost>", 1)
    assert after == "<Stream of signal 'paid': 1 to read, 0 lost>"
    assert repr(receiver) == "<Stream of signal 'paid', closed: 0 to read, 0 lost>"


async def test_what_comes_just_before_a_task_waits_is_seen() -> None:
    """Between looking and waiting another thread may send, or close: the task looks once more."""
    signal = Signal("paid")
    loop = asyncio.get_running_loop()
    found = []

    class Loop:
        """Lets something happen when a task is about to wait."""

        def __init__(self, act: Callable[[], object]) -> None:
            self.act = act

        def create_future(self) -> asyncio.Future[bool]:
            self.act()
            return loop.create_future()

    def close() -> None:
        arrival: Any = signal.receivers[0]
        arrival.close()

    for act in (partial(send, signal, 1), close):
        upcoming = signal.next()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("heliograph.core.streams.upcoming.loop_here", partial(Loop, act))
            with suppress(StateError):
                found.append((await upcoming).payload["n"])

    assert (found, signal.connections) == ([1], ())


async def test_a_send_that_is_interrupted_still_wakes_who_waits() -> None:
    """A signal handler may raise after the emission has arrived, and before anybody is woken."""
    signal = Signal("paid")
    task = asyncio.create_task(signal.next())
    await asyncio.sleep(0)
    arrival: Any = signal.connections[0].receiver
    woken, arrival.woken = arrival.woken, None
    send(signal, 1)
    arrival.woken = woken
    send(signal, 2)

    assert (await asyncio.wait_for(task, 60)).payload["n"] == 1


async def test_what_chooses_the_next_one_may_fail() -> None:
    """The error is raised to whoever waits, keeps what it came from, and holds nothing alive."""

    def choose(emission: Emission) -> bool:
        try:
            return bool(6 // emission.payload["n"])
        except ZeroDivisionError:
            raise LookupError  # noqa: B904 - that is the point.

    signal = Signal("paid")
    upcoming = signal.next(matching=choose)
    send(signal, 7, 0, 2)
    [arrival] = [ref(it) for it in signal.receivers]
    with pytest.raises(LookupError) as caught:
        await upcoming

    assert chain(caught.value) == ["LookupError", "ZeroDivisionError"]
    del caught, upcoming
    assert (arrival(), signal.connections) == (None, ())


@pytest.mark.parametrize("unused", [True, False])
async def test_who_waits_and_is_forgotten_hears_no_more(unused: bool) -> None:
    """Whoever else holds what receives for it, as an instrument may that keeps deliveries."""
    signal = Signal("paid")
    upcoming: Any = signal.next()
    held = tuple(signal.receivers)
    if unused:
        with pytest.warns(RuntimeWarning, match="never awaited"):
            del upcoming
    else:
        waiting = upcoming.__await__()
        del upcoming
        waiting.send(None)
        inside = len(signal.connections)
        del waiting
        assert inside == 1

    assert (len(held), signal.connections, signal.dead_receivers) == (1, (), ())


@pytest.mark.parametrize("meta", [True, False])
async def test_instruments_see_who_waits_connect_and_disconnect(meta: bool) -> None:
    """As any other receiver; and the meta-signals tell of it, where somebody asks them."""
    signal, told = Signal("paid"), list[str]()

    class Watch:
        """Hears of connections."""

        def __call__(self, emission: Emission) -> None:
            told.append("sent")

        def on_connect(self, signal: object, connection: Connection, previous: object) -> None:
            told.append(f"connected {connection.name}")

        def on_disconnect(self, signal: object, connection: Connection) -> None:
            told.append(f"disconnected {connection.name}")

    def gone(sender: object, *, connection: Connection) -> None:
        told.append(f"gone {connection.name}")

    if meta:
        signal.receiver_disconnected.connect(gone)

    watch = Watch()
    add_instrument(watch, [signal])
    try:
        upcoming = signal.next()
        send(signal, 1)
        await upcoming
    finally:
        remove_instrument(watch)

    name = "heliograph.Stream object"
    by_meta = [f"gone {name}"] if meta else []
    assert told == [f"connected {name}", "sent", *by_meta, f"disconnected {name}"]


async def test_the_next_emission_of_a_declared_signal_can_be_waited_for() -> None:
    """Again and again; where the signal is deprecated, with a warning each time."""
    shop = Namespace("shop")

    @shop.declare
    def order_paid(sender: str, *, total: int, note: str = "") -> None:
        """An order was paid."""

    @shop.declare(deprecated="use order_paid")
    def order_settled(sender: str, *, total: int) -> None:
        """An order was settled."""

    found = []
    for total in (1, 2):
        upcoming = order_paid.next("berlin")
        order_paid.send("berlin", total=total, note="x")
        found.append(dict((await upcoming).payload))
    with pytest.warns(DeprecationWarning, match="use order_paid") as caught:
        waits = [order_settled.next() for _ in range(2)]
    for each in waits:
        each.close()

    assert found == [{"total": 1, "note": "x"}, {"total": 2, "note": "x"}]
    assert len(caught) == 2


# --- streams ---------------------------------------------------------------------------


async def test_nothing_is_lost_between_two_turns_of_a_loop() -> None:
    """What is sent while the body of the loop runs comes next, in the order of sending."""
    signal = Signal("paid")
    stream = signal.stream("shop")
    send(signal, 1, 2)
    found = []
    async for emission in stream:
        found.append(emission.payload["n"])
        if len(found) == 2:
            send(signal, 3, 4)
        if len(found) == 4:
            break

    assert found == [1, 2, 3, 4]


async def test_every_send_of_every_thread_arrives() -> None:
    """Each once, those of one thread in their order."""
    signal = Signal("paid")

    def run(name: str) -> None:
        send(signal, *range(500), sender=name)

    found: dict[str, list[int]] = {name: [] for name in "abc"}
    async with signal.stream(size=1500) as stream:
        threads = [threading.Thread(target=run, args=(name,)) for name in found]
        for thread in threads:
            thread.start()
        for _ in range(1500):
            emission = await stream.next(timeout=60)
            found[emission.sender].append(emission.payload["n"])

    assert found == {name: list(range(500)) for name in "abc"}


def test_each_loop_has_streams_of_its_own() -> None:
    """One send reaches readers in several loops and threads."""
    signal = Signal("paid")
    everybody = threading.Barrier(4)

    async def follow() -> list[int]:
        async with signal.stream() as stream:
            everybody.wait(60)
            return [(await stream.next(timeout=60)).payload["n"] for _ in range(3)]

    with ThreadPoolExecutor() as pool:
        readers = [pool.submit(asyncio.run, follow()) for _ in range(3)]
        everybody.wait(60)
        send(signal, 1, 2, 3)
        found = [reader.result(60) for reader in readers]

    assert found == [[1, 2, 3]] * 3


async def test_readers_of_one_stream_share_it() -> None:
    """Each emission goes to one of them, and none waits while there is something."""
    signal = Signal("paid")
    stream = signal.stream()
    readers = [asyncio.create_task(stream.next(timeout=60)) for _ in range(3)]
    await asyncio.sleep(0)
    readers[0].cancel()
    send(signal, 1)
    send(signal, 2)
    found = await asyncio.gather(*readers[1:])

    assert sorted(emission.payload["n"] for emission in found) == [1, 2]


async def test_a_cancelled_reader_takes_nothing_with_it() -> None:
    """Cancelled after it was woken and before it ran, it leaves the emission to the next one."""
    signal = Signal("paid")
    stream = signal.stream()
    reader = asyncio.create_task(stream.next())
    await asyncio.sleep(0)
    send(signal, 1)
    reader.cancel()
    await asyncio.wait([reader])

    left = await stream.next(timeout=0)

    assert (reader.cancelled(), left.payload["n"]) == (True, 1)


async def test_what_comes_just_before_somebody_sleeps_wakes_them() -> None:
    """Between looking and sleeping another thread may send: who sleeps looks once more."""
    signal = Signal("paid")
    stream = signal.stream()
    send(signal, 1)
    pause(stream._inbox, FOR_EVER)
    await pause_task(stream._inbox, FOR_EVER)

    assert (await stream.next()).payload["n"] == 1


# --- when the buffer is full -----------------------------------------------------------


def test_a_gap_is_told_of_where_it_is() -> None:
    """The oldest are kept; then the reader is told how many are missing, and may go on."""
    signal = Signal("paid")
    stream = signal.stream(size=2)
    send(signal, 1, 2, 3)
    first = stream.wait().payload["n"]
    send(signal, 4)
    second = stream.wait().payload["n"]
    with pytest.raises(LostEmissionsError) as caught:
        stream.wait()
    send(signal, 5)

    assert (first, second, caught.value.lost, read(stream), stream.lost) == (1, 2, 2, [5], 2)
    assert isinstance(caught.value, OverflowError)
    assert str(caught.value) == (
        "2 emissions were lost here by a stream of signal 'paid' with size=2, which was full. Read "
        "faster, give the stream a bigger size, or let it drop the oldest ones with "
        "when_full='drop_oldest'."
    )
    send(signal, 6, 7, 8)
    read_on = stream.wait().payload["n"], stream.wait().payload["n"]
    with pytest.raises(LostEmissionsError, match=r"^1 emission was lost here by a stream of"):
        stream.wait()

    assert read_on == (6, 7)


def test_the_oldest_may_be_dropped_instead() -> None:
    """The newest are kept, and the others counted."""
    signal = Signal("paid")
    stream = signal.stream(size=2, when_full="drop_oldest")
    send(signal, 1, 2, 3, 4)

    assert (repr(stream), stream.lost) == ("<Stream of signal 'paid': 2 to read, 2 lost>", 2)
    assert read(stream) == [3, 4]


# --- several threads -------------------------------------------------------------------


def held_elsewhere(lock: Any, act: Callable[[], object]) -> None:
    """Do something while another thread holds a lock."""
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(60)
    try:
        act()
    finally:
        done.set()
        thread.join()


def all_at_once(some: list[Callable[[], object]], others: list[Callable[[], object]]) -> None:
    """Do things in threads that take turns as often as they can; the last of some when all end."""
    *first, last = [threading.Thread(target=each) for each in some]
    rest = [threading.Thread(target=each) for each in others]
    with fast_switching():
        for thread in (*first, *rest):
            thread.start()
        for thread in first:
            thread.join()
        last.start()
        for thread in (last, *rest):
            thread.join()


def test_a_send_to_a_stream_waits_for_no_change() -> None:
    """Whoever sends may hold a lock for which a finalizer in that change waits."""
    signal = Signal("paid")
    stream = signal.stream()
    held_elsewhere(lock._lock, lambda: send(signal, 1))

    assert read(stream) == [1]


def test_a_send_waits_for_nobody_who_reads_or_sends() -> None:
    """What it sends is there once they have put down what they have in their hands."""
    signal = Signal("paid")
    stream = signal.stream(size=2)
    send(signal, 1)
    found: list[list[int]] = []

    def act() -> None:
        send(signal, 2, 3)
        found.append(read(stream))

    held_elsewhere(stream._inbox.lock, act)

    assert (found, stream.lost) == ([[]], 1)
    assert (stream.wait().payload["n"], stream.wait().payload["n"]) == (1, 2)


@pytest.mark.parametrize("when_full", ["raise", "drop_oldest"])
@pytest.mark.parametrize("readers", [0, 2])
def test_every_emission_is_read_or_counted_as_lost(when_full: Any, readers: int) -> None:
    """However many threads send and read at once; and none is read twice."""
    signal = Signal("paid")
    stream = signal.stream(size=10, when_full=when_full)
    found: list[int] = []
    told: list[int] = []
    sent = threading.Event()

    def read_on() -> None:
        while True:
            ended = sent.is_set()
            try:
                found.append(stream.wait(timeout=0).payload["n"])
            except LostEmissionsError as error:
                told.append(error.lost)
            except TimeoutError:
                if ended:
                    return

    senders = [partial(send, signal, *range(first, 4_000, 4)) for first in range(4)]
    all_at_once([*senders, sent.set], [read_on] * readers)
    read_on()

    assert readers or len(found) == 10
    assert len(found) == len(set(found)) == 4_000 - stream.lost
    assert sum(told) == (stream.lost if when_full == "raise" else 0)


def test_what_is_dropped_may_send_and_read_when_it_dies() -> None:
    """It does so in the middle of a send, in the same thread."""
    signal = Signal("paid")
    stream = signal.stream(size=2, when_full="drop_oldest")

    class Order:
        """Sends when it dies."""

        def __del__(self) -> None:
            send(signal, 7)
            read(stream)

    signal.send(n=0, order=Order())
    send(signal, 1, 2)

    assert (read(stream), stream.lost) == ([2, 7], 2)


def test_whoever_waits_is_woken_again_if_waking_was_interrupted() -> None:
    """Nobody is forgotten who still waits."""
    stream = Signal("paid").stream()
    woken: list[int] = []

    def wake() -> None:
        woken.append(1)
        if len(woken) == 1:
            raise KeyboardInterrupt

    with stream._inbox.waking(wake):
        with pytest.raises(KeyboardInterrupt):
            stream._inbox.wake()
        stream.close()

    assert (len(woken), stream.closed) == (2, True)


# --- a clock that stands still ---------------------------------------------------------


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the clock stand still, as libraries for tests do, for all but the loop of asyncio."""
    monkeypatch.setattr(blocking, "monotonic", lambda: 1_000.0)


@pytest.mark.usefixtures("frozen")
async def test_a_wait_ends_although_the_clock_stands_still() -> None:
    """A wait that came back empty has taken its time, whatever the clock says."""
    signal = Signal("paid")
    with pytest.raises(TimeoutError):
        await signal.next(timeout=0.01)
    with pytest.raises(TimeoutError):
        await asyncio.to_thread(signal.wait, timeout=0.01)


@pytest.mark.usefixtures("frozen")
async def test_a_long_wait_is_made_of_several(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks cannot wait for as long as one likes."""
    signal = Signal("paid")
    monkeypatch.setattr(blocking, "_LONGEST", 0.01)
    patience = Patience(0.025, str)
    waits = []
    for _ in range(3):
        seconds = patience.seconds() or 0.0
        waits.append(round(seconds, 4))
        patience.came_back_empty(seconds)
    with pytest.raises(TimeoutError):
        patience.seconds()
    with pytest.raises(TimeoutError):
        await asyncio.to_thread(signal.wait, timeout=0.025)

    assert waits == [0.01, 0.01, 0.005]


# --- the end ---------------------------------------------------------------------------


async def leave_a_loop(signal: Signal[...]) -> int:
    """Break out of a loop over a stream that nothing else refers to."""
    when_somebody_hears(signal, lambda: send(signal, 1))
    async for _ in signal.stream():
        return len(signal.connections)
    return 0


async def leave_a_block(signal: Signal[...]) -> int:
    """Leave the end of a block."""
    async with signal.stream() as stream:
        send(signal, 1)
        await stream.next()
        return len(signal.connections)


async def close_at_the_end(signal: Signal[...]) -> int:
    """Let the standard library close it."""
    async with aclosing(signal.stream()):
        return len(signal.connections)


async def fail_in_a_block(signal: Signal[...]) -> int:
    """Leave by an error."""
    found = 0
    with suppress(KeyError), signal.stream():
        found = len(signal.connections)
        raise KeyError
    return found


async def be_cancelled(signal: Signal[...]) -> int:
    """Leave by a cancellation, while waiting."""
    task = asyncio.create_task(signal.next())
    await asyncio.sleep(0)
    found = len(signal.connections)
    task.cancel()
    await asyncio.wait([task])
    return found


async def never_begin(signal: Signal[...]) -> int:
    """Ask for an emission, and do not wait for it."""
    upcoming = signal.next()
    found = len(signal.connections)
    upcoming.close()
    return found


@pytest.mark.parametrize(
    "end",
    [
        leave_a_loop,
        leave_a_block,
        close_at_the_end,
        fail_in_a_block,
        be_cancelled,
        never_begin,
    ],
)
async def test_nothing_stays_connected_however_reading_ends(
    end: Callable[[Signal[...]], Coroutine[Any, Any, int]],
) -> None:
    """By leaving a loop or a block, by an error, a cancellation, or by never beginning."""
    signal = Signal("paid")
    inside = await end(signal)

    assert (inside, signal.connections) == (1, ())


def test_whoever_forgets_to_await_is_told_what() -> None:
    """By the name that they have written."""
    upcoming = Signal("paid").next()
    with pytest.warns(RuntimeWarning, match=r"^coroutine 'Signal\.next' was never awaited"):
        del upcoming


async def test_a_task_that_is_cancelled_before_it_begins_hears_no_more() -> None:
    """Also if it is kept: none of its lines has run, and yet the signal was heard."""
    signal = Signal("paid")
    task = asyncio.create_task(signal.next())
    before = len(signal.connections)
    shown = repr(task)
    task.cancel()
    await asyncio.wait([task])

    assert "coro=<Signal.next()>" in shown
    assert (before, signal.connections, task.cancelled()) == (1, (), True)


async def test_what_nobody_refers_to_hears_no_more() -> None:
    """Also in a cycle, which the garbage collector finds."""
    signal = Signal("paid")
    circle: list[object] = [signal.stream()]
    circle.append(circle)
    before = len(signal.connections)
    del circle
    gc.collect()

    assert (before, signal.connections, signal.dead_receivers) == (1, (), ())


def test_what_came_before_the_end_can_still_be_read() -> None:
    """Then the stream says that it is over, to each way of reading."""
    signal = Signal("paid")
    with signal.stream() as stream:
        send(signal, 1, 2)
    send(signal, 3)

    async def rest() -> list[int]:
        return [emission.payload["n"] async for emission in stream]

    assert (stream.wait().payload["n"], stream.closed) == (1, True)
    assert asyncio.run(rest()) == [2]
    message = "The stream of signal 'paid' is closed and empty: make another one."
    with pytest.raises(StateError, match=f"^{message}$"):
        stream.wait()
    with pytest.raises(StateError, match=f"^{message}$"):
        asyncio.run(stream.next())


async def test_closing_wakes_those_who_wait() -> None:
    """Nobody waits for what cannot come."""
    signal = Signal("paid")
    stream = signal.stream()

    async def rest() -> list[Emission]:
        return [emission async for emission in stream]

    task = asyncio.create_task(rest())
    await asyncio.sleep(0)
    stream.close()

    assert await asyncio.wait_for(task, 60) == []


def test_a_send_that_was_under_way_changes_nothing_after_the_end() -> None:
    """A stream that is closed takes in no more, although the send had found it."""
    signal, kept = Signal("paid"), []
    kept.append(signal.stream())
    inbox = signal.connections[0].receiver
    kept[0].close()
    assert inbox is not None
    inbox("shop", n=1)

    assert repr(kept[0]) == "<Stream of signal 'paid', closed: 0 to read, 0 lost>"


def test_a_stream_is_listed_as_itself_among_the_receivers() -> None:
    """Users know nothing of what takes in its emissions."""
    signal = Signal("paid")
    stream = signal.stream()
    send(signal, 1)
    [receiver] = signal.receivers
    [connection] = signal.connections

    assert (repr(receiver), connection.name) == (repr(stream), "heliograph.Stream object")
    assert repr(stream) == "<Stream of signal 'paid': 1 to read, 0 lost>"


def test_a_loop_that_is_closed_disturbs_nobody() -> None:
    """A task that was left waiting is no error of whoever sends."""
    signal = Signal("paid")
    stream = signal.stream()
    waiting = stream.next()

    async def begin() -> None:
        waiting.send(None)

    asyncio.run(begin())
    send(signal, 1)
    waiting.close()

    assert read(stream) == [1]


async def test_a_timeout_is_pythons_own() -> None:
    """It names the signal, and leaves nothing connected; zero seconds do not wait at all."""
    signal = Signal("paid")
    stream = signal.stream()
    with pytest.raises(TimeoutError) as of_task:
        await signal.next(timeout=0.001)
    with pytest.raises(TimeoutError) as of_thread:
        await asyncio.to_thread(signal.wait, timeout=0.001)
    send(signal, 1)
    found = await stream.next(timeout=0)
    with pytest.raises(TimeoutError):
        await stream.next(timeout=0)
    stream.close()

    message = "No emission of signal 'paid' came within 0.001 seconds."
    assert (str(of_task.value), str(of_thread.value)) == (message, message)
    assert (found.payload["n"], signal.connections) == (1, ())


def test_what_has_not_come_in_time_is_named_by_sender_and_choice() -> None:
    """The sender by its kind, as its own words may be long or secret."""
    signal = Signal("paid")
    said = []
    chosen: list[tuple[object, Any]] = [
        (ANY, {"n": 3}),
        (Namespace("shop"), None),
        ("berlin", lambda _: True),
    ]
    for sender, matching in chosen:
        with pytest.raises(TimeoutError) as caught:
            signal.wait(sender, timeout=0, matching=matching)
        said.append(str(caught.value))

    assert said == [
        f"No emission of signal 'paid'{which} came within 0 seconds."
        for which in (
            " that `matching` accepts",
            " from a Namespace",
            " from a str that `matching` accepts",
        )
    ]


@pytest.mark.parametrize("method", [Signal.next, Signal.wait, Signal.stream])
def test_what_the_payload_must_have_is_no_option(method: Callable[..., object]) -> None:
    """The error says where it is given, and nothing is connected."""
    signal = Signal("paid")
    with pytest.raises(ArgumentError) as caught:
        method(signal, order=7)

    assert str(caught.value) == (
        f"{method.__name__}() has no option 'order'. What the payload must have is given as "
        "`matching={'order': ...}`."
    )
    assert signal.connections == ()


# --- what a stream is to its signal ----------------------------------------------------


def test_whoever_waits_is_woken_last() -> None:
    """What the receivers do is done then, also of those connected later with a low priority."""
    signal, diary = Signal("paid"), Diary()
    look = diary.receiver("stream")
    stream = signal.stream(matching=look)
    signal.connect(diary.receiver("late"), priority=-1000)
    signal.send()

    assert (diary.lines, len(stream.wait().payload)) == (["late", "stream"], 0)


def test_whoever_waits_counts_as_a_receiver() -> None:
    """A program that asks whether anybody hears, before it sends, is told so."""
    signal = Signal("paid")
    stream = signal.stream("shop")
    heard = (signal.has_receivers_for("shop"), signal.has_receivers_for("kiosk"))
    where = signal.connections[0].location
    stream.close()

    assert (heard, signal.has_receivers_for("shop")) == ((True, False), False)
    assert where.rpartition(":")[0] == __file__


def test_a_muted_signal_is_not_heard() -> None:
    """As by any receiver."""
    signal = Signal("paid")
    stream = signal.stream()
    with signal.muted():
        send(signal, 1)
    send(signal, 2)

    assert read(stream) == [2]


def test_a_sender_lives_as_long_as_somebody_waits_for_it() -> None:
    """Otherwise the connection would end with it, and whoever waits would wait forever."""
    signal = Signal("paid")
    stream = signal.stream(Thing("shop"))
    gc.collect()
    sender = signal.connections[0].sender
    signal.send(sender, n=1)

    assert read(stream) == [1]


def test_what_the_choice_raises_is_raised_to_the_reader() -> None:
    """In its place, and never to whoever sends."""
    signal = Signal("paid")
    stream = signal.stream(matching=lambda emission: 6 // emission.payload["n"])
    send(signal, 3, 0, 2)
    first = stream.wait().payload["n"]
    with pytest.raises(ZeroDivisionError):
        stream.wait()

    assert (first, read(stream)) == (3, [2])


def test_what_the_choice_raises_keeps_what_it_came_from() -> None:
    """Whatever the reader is handling meanwhile has nothing to do with it."""

    def choose(emission: object) -> bool:
        try:
            return bool(dict[str, int]()["n"])
        except KeyError:
            raise LookupError  # noqa: B904 - that is the point.

    signal = Signal("paid")
    stream = signal.stream(matching=choose)
    signal.send("shop")
    with pytest.raises(LookupError) as caught:
        call_while_handling(stream.wait)

    assert chain(caught.value) == ["LookupError", "KeyError"]


def test_a_stream_gives_the_emission_that_instruments_see() -> None:
    """The very same, which is told of its deliveries; without instruments, one like it."""
    signal, outer = Signal("paid"), Signal("ordered")
    stream = signal.stream()
    outer.connect(lambda sender: send(signal, 2, sender=sender), weak=False)
    send(signal, 1)
    with watching() as seen:
        outer.send("shop")
    unwatched, watched = stream.wait(), stream.wait()

    assert (dict(unwatched.payload), unwatched.parent, unwatched.deliveries) == ({"n": 1}, None, ())
    assert (watched, watched.parent, len(watched.deliveries)) == (seen[0], seen[1], 1)


def test_what_an_instrument_sends_is_another_emission() -> None:
    """Although it is sent while an emission of the same signal and sender is being told."""
    signal, outer = Signal("paid"), Signal("ordered")
    stream = signal.stream(size=2)

    def instrument(emission: Emission) -> None:
        if emission.signal is outer:
            send(signal, 2)

    def ordering(sender: object, n: int) -> None:
        if n == 1:
            outer.send(sender)

    signal.connect(ordering)
    add_instrument(instrument)
    try:
        send(signal, 1)
    finally:
        remove_instrument(instrument)

    assert read(stream) == [2, 1]


def test_a_finalizer_may_send_in_the_middle_of_a_change() -> None:
    """The emission comes when the change is made; nobody waits for a lock of the own thread."""
    signal = Signal("paid")
    stream = signal.stream()
    under_lock(send, signal, 1)

    assert read(stream) == [1]


class Elementwise:
    """Compares element by element, as arrays do."""

    def __init__(self, *elements: object) -> None:
        self.elements = elements

    def __eq__(self, other: object) -> Any:
        return Elementwise(*(it == other for it in self.elements))

    __hash__ = None  # type: ignore[assignment]  # So is that of arrays.

    def __len__(self) -> int:
        return len(self.elements)

    def __bool__(self) -> bool:
        [element] = self.elements
        return bool(element)


@pytest.mark.parametrize("value", [Elementwise(12, 12), Elementwise(12), [Elementwise(1, 2)]])
def test_what_cannot_be_compared_is_not_what_is_waited_for(value: object) -> None:
    """It is no error of who sends or of who waits; the very object is what it is."""
    signal = Signal("measured")
    number, same = signal.stream(matching={"value": 12}), signal.stream(matching={"value": value})
    with number, same:
        signal.send("a", value=value)
        signal.send("b", value=12)
        found = [stream.wait(timeout=60).sender for stream in (number, same)]

    assert found == ["b", "a"]


def test_a_declared_signal_can_be_waited_for() -> None:
    """A stream takes every payload."""
    shop = Namespace("shop")

    @shop.declare
    def order_paid(sender: str, *, total: int) -> None:
        """An order was paid."""

    stream = order_paid.stream("berlin", matching={"total": 12})
    order_paid.send("berlin", total=12)

    assert dict(stream.wait(timeout=0).payload) == {"total": 12}


async def test_anyio_may_cancel_whoever_waits() -> None:
    """Its tasks and scopes are asyncio's, where it runs on that."""
    signal = Signal("paid")
    with anyio.CancelScope() as scope:
        scope.cancel()
        await signal.next()

    assert (scope.cancelled_caught, signal.connections) == (True, ())


# --- bad input -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "size=0 is not a number of emissions. Use an int of at least 1."),
        ({"size": None}, "size=None is not a number of emissions. Use an int of at least 1."),
        (
            {"when_full": "block"},
            "when_full='block' is not an option. Use 'raise' or 'drop_oldest'.",
        ),
        ({"sise": 7}, "stream() has no option 'sise'. Did you mean 'size'?"),
        ({"matching": 7}, "matching=7 cannot choose emissions. Use a mapping or a function."),
    ],
)
def test_an_option_that_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    """Before anything is connected."""
    signal = Signal("paid")
    with pytest.raises(ArgumentError) as caught:
        signal.stream(**options)

    assert (str(caught.value), signal.connections) == (message, ())


@pytest.mark.parametrize("timeout", [-1, "5", float("nan")])
def test_a_timeout_that_cannot_be_is_refused(timeout: Any) -> None:
    """Also if there is something to read, and nobody has to wait."""
    signal = Signal("paid")
    stream = signal.stream()
    send(signal, 1)
    with pytest.raises(ArgumentError) as caught:
        stream.wait(timeout=timeout)
    with pytest.raises(ArgumentError):
        asyncio.run(stream.next(timeout=timeout))

    assert str(caught.value) == (
        f"timeout={timeout!r} is not a number of seconds from 0 on, nor None for no limit."
    )
    assert read(stream) == [1]


async def test_a_thread_that_runs_a_loop_does_not_block() -> None:
    """Nothing in it could run any more, whoever is to send included."""
    signal = Signal("paid")
    with pytest.raises(StateError) as caught:
        signal.wait(timeout=10)

    assert str(caught.value) == (
        "wait() would block the asyncio loop that runs in this thread: use `await "
        "signal.next(...)` or `await stream.next()`, or wait in another thread."
    )
    assert signal.connections == ()


def test_awaiting_needs_asyncio() -> None:
    """Elsewhere, as on trio, the error says so."""
    signal = Signal("paid")
    with pytest.raises(StateError) as caught:
        signal.next().send(None)

    assert str(caught.value) == (
        "No asyncio loop runs here. Await in an asyncio task (anyio's tasks are, unless anyio runs "
        "on trio), or use wait() in a thread."
    )
    assert signal.connections == ()


def test_threads_wait_without_asyncio() -> None:
    """It is costly to import, and needed by those alone who use it."""
    program = (
        "import sys, heliograph\n"
        "signal = heliograph.Signal('paid')\n"
        "with signal.stream() as stream:\n"
        "    signal.send(n=1)\n"
        "    stream.wait(timeout=1)\n"
        "print('asyncio' in sys.modules)"
    )
    command = [sys.executable, "-c", program]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert output == "False\n"
