"""Groups: one process works on what was sent, again until it succeeds, and nothing is lost."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from heliograph.relay import Relay, current, dead_lettered
from heliograph.relay.channels import Group
from tests.relay import collecting
from tests.relay.processes import declared, new_url, process, until, with_broker

if TYPE_CHECKING:
    from heliograph.relay.transports import Backlog, DeadLetter
    from tests.relay.processes import Process


def worker(receiver: Any = None, **options: Any) -> Process:
    """Return a process in which a group works."""
    made = process(new_url(), "durable", groups=["billing"])
    made.relay.connect(made.signal, receiver or made.hear, group="billing", **options)
    return made


def backlog(made: Process) -> list[Backlog]:
    """Return what the broker says of the groups."""
    running = made.relay.running
    with made.relay.look() as look:
        return [*look.backlog(running.crossings[0].channel)]


def letters(made: Process) -> list[DeadLetter]:
    """Return what was put aside."""
    with made.relay.look() as look:
        return [it.letter for it in look.dead_letters(10)]


def test_what_fails_is_tried_again_until_it_succeeds(caplog: pytest.LogCaptureFixture) -> None:
    """Each try knows which one it is, and is the same envelope."""
    known: list[Any] = []

    def work(sender: object, *, n: int) -> None:
        known.append(current())
        if len(known) < 3:
            msg = "out of ink"
            raise OSError(msg)

    made = worker(work, backoff=(0.001, 0.002))
    with made.relay:
        made.signal.send("shop", n=1)
        until(lambda: made.relay.health().received == 1)

    assert [it.tries for it in known] == [1, 2, 3]
    assert {(it.id, it.group, it.origin, it.sender) for it in known} == {
        (known[0].id, "billing", made.relay.origin, "shop")
    }
    health = made.relay.health()
    assert (health.failed, health.retried, health.dead, health.received) == (2, 2, 0, 1)
    [first, _] = [it for it in caplog.messages if " of the group 'billing' failed at " in it]
    assert first.endswith(
        "work of the group 'billing' failed at signal 'changed', try 1 of 5; the next one comes in "
        "0.0 s."
    )


def test_the_delay_doubles_up_to_the_most() -> None:
    """However many tries there are."""
    group = Group("billing", backoff=(1.0, 60.0))

    assert [group.delay(it) for it in (1, 2, 3, 7, 8, 10_000)] == [1, 2, 4, 60, 60, 60]


def test_what_fails_for_the_last_time_is_put_aside(caplog: pytest.LogCaptureFixture) -> None:
    """It is told, with all that is needed to find it; its neighbours are worked on."""
    tried: list[tuple[int, int]] = []
    told: list[dict[str, Any]] = []

    def work(sender: object, *, n: int) -> None:
        delivered = current()
        assert delivered is not None
        tried.append((n, delivered.tries))
        if n == 1:
            msg = "out of ink"
            raise OSError(msg)

    def tell(sender: object, **payload: Any) -> None:
        told.append(payload)

    made = worker(work, tries=3, backoff=(0.001, 0.001))
    dead_lettered.connect(tell, made.relay)
    with made.relay:
        for n in range(3):
            made.signal.send("shop", n=n)
        until(lambda: made.relay.health().dead and made.relay.health().received == 2)

    assert sorted(tried) == [(0, 1), (1, 1), (1, 2), (1, 3), (2, 1)]
    [letter] = letters(made)
    assert (letter.group, letter.reason) == ("billing", "OSError: out of ink")
    [payload] = told
    envelope_id = payload.pop("envelope_id")
    assert envelope_id.encode() in letter.data
    assert payload == {
        "signal": made.signal,
        "group": "billing",
        "tries": 3,
        "reason": "OSError: out of ink",
    }
    health = made.relay.health()
    assert (health.sent, health.received, health.dead, health.failed) == (3, 2, 1, 3)
    assert (
        "The group 'billing' cannot work on an envelope of signal 'changed', which is put aside "
        "after try 3: OSError: out of ink. `heliograph relay dead-letters` shows it."
    ) in caplog.messages


def test_a_dead_letter_can_be_given_back() -> None:
    """To its own group, which begins with its first try."""
    tried: list[int] = []

    def work(sender: object, *, n: int) -> None:
        delivered = current()
        assert delivered is not None
        tried.append(delivered.tries)
        if len(tried) == 1:
            msg = "out of ink"
            raise OSError(msg)

    made = worker(work, tries=1)
    with made.relay:
        made.signal.send("shop", n=1)
        until(lambda: made.relay.health().dead == 1)
        until(lambda: letters(made))
        with made.relay.look() as look:
            assert look.revive(look.dead_letters(10)) == 1
        until(lambda: made.relay.health().received == 1)

    assert tried == [1, 1]
    assert letters(made) == []


def test_an_error_of_who_is_told_of_a_dead_letter_changes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is logged; the letter is put aside."""

    def work(sender: object, *, n: int) -> None:
        raise ValueError(n)

    def fail(sender: object, **_: object) -> None:
        msg = "out of ink"
        raise OSError(msg)

    made = worker(work, tries=1)
    dead_lettered.connect(fail, made.relay)
    with made.relay:
        made.signal.send("shop", n=1)
        until(lambda: letters(made))

    assert "A receiver of signal 'dead_lettered' failed." in caplog.messages
    assert made.relay.health().failed == 2


def test_an_async_receiver_runs_on_the_loop_of_the_program() -> None:
    """If the relay was started there."""
    ran_on: list[Any] = []

    async def work(sender: object, *, n: int) -> None:
        await asyncio.sleep(0)
        ran_on.append((asyncio.get_running_loop(), threading.current_thread()))

    async def program() -> asyncio.AbstractEventLoop:
        made = worker(work)
        async with made.relay:
            await made.signal.send_async("shop", n=1)
            await collecting.until(lambda: made.relay.health().received)
        return asyncio.get_running_loop()

    loop = asyncio.run(program())
    assert ran_on == [(loop, threading.main_thread())]


def test_an_async_receiver_runs_on_a_loop_of_its_own_otherwise() -> None:
    """One for all of them, in a thread that nothing of the relay waits for."""
    ran_on: list[Any] = []

    async def work(sender: object, *, n: int) -> None:
        ran_on.append((asyncio.get_running_loop(), threading.current_thread().name))
        await asyncio.sleep(0)

    made = worker(work)
    made.relay.replay(second := declared("second"))
    other = Relay(made.relay._url, app="shop")
    there = declared("second")
    other.replay(there)
    made.relay.connect(second, work, scope="each")
    with made.relay, other:
        made.signal.send("shop", n=1)
        there.send("shop", n=2)
        until(lambda: len(ran_on) == 2)

    assert ran_on[0] == ran_on[1]
    assert ran_on[0][1] == "heliograph-relay-async-receivers"


def test_the_loop_of_a_program_that_has_ended_is_not_used() -> None:
    """The relay may go on: its receivers get a loop of their own."""
    ran: list[int] = []

    async def work(sender: object, *, n: int) -> None:
        ran.append(n)

    made = worker(work)

    async def start() -> None:
        await made.relay.start_async()

    asyncio.run(start())
    made.signal.send("shop", n=1)
    until(lambda: ran == [1])
    assert made.relay.stop()


def test_an_async_receiver_that_takes_too_long_is_cancelled() -> None:
    """That is a failure, and it is tried again."""
    tried: list[str] = []

    async def work(sender: object, *, n: int) -> None:
        if tried:
            tried.append("in time")
            return
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            tried.append("cancelled")
            raise

    made = worker(work, time_limit=0.02, backoff=(0.001, 0.001))
    with made.relay:
        made.signal.send("shop", n=1)
        until(lambda: made.relay.health().received == 1)

    assert tried == ["cancelled", "in time"]
    assert made.relay.health().failed == 1


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("plain", SystemExit),
        ("plain", KeyboardInterrupt),
        ("plain", asyncio.CancelledError),
        ("async", SystemExit),
        ("async", asyncio.CancelledError),
    ],
)
def test_a_receiver_ends_nothing_but_its_own_try(kind: str, error: type[BaseException]) -> None:
    """Neither the relay, nor the loop of others, nor the process; it is tried again."""
    tried: list[int] = []

    def work(sender: object, *, n: int) -> None:
        tried.append(n)
        if len(tried) == 1:
            raise error

    async def work_async(sender: object, *, n: int) -> None:
        work(sender, n=n)

    made = worker(work if kind == "plain" else work_async, concurrency=1, backoff=(0.001, 0.001))
    with made.relay:
        made.signal.send("shop", n=1)
        made.signal.send("shop", n=2)
        until(lambda: made.relay.health().received == 2)

    assert sorted(tried) == [1, 1, 2]
    assert made.relay.health().failed == 1


def test_a_receiver_of_every_process_ends_nothing_either() -> None:
    """What comes after it is heard."""
    url = new_url()
    made, other = process(url), process(url)

    def leave(sender: object, *, n: int) -> None:
        sys.exit(n)

    async def leave_async(sender: object, *, n: int) -> None:
        sys.exit(n)

    other.relay.connect(other.signal, leave, scope="each", priority=1)
    other.relay.connect(other.signal, leave_async, scope="each", priority=1)
    with made.relay, other.relay:
        for n in range(3):
            made.signal.send("shop", n=n)
        until(lambda: other.heard == [0, 1, 2])

    assert other.relay.health().failed == 6


def test_as_many_run_at_a_time_as_was_said() -> None:
    """One by one unless it was said otherwise."""
    at_once: list[int] = []
    running = 0
    lock = threading.Lock()
    three = threading.Barrier(3)

    def work(sender: object, *, n: int) -> None:
        nonlocal running
        with lock:
            running += 1
            at_once.append(running)
        if made.relay.running.crossings[0].groups["billing"].group.concurrency == 3:
            three.wait(20)
        with lock:
            running -= 1

    for concurrency in (1, 3):
        at_once.clear()
        made = worker(work, concurrency=concurrency)
        with made.relay:
            for n in range(6):
                made.signal.send("shop", n=n)
            until(lambda: made.relay.health().received == 6)  # noqa: B023 - at once.
        assert max(at_once) == concurrency


def test_a_receiver_that_was_disconnected_has_not_worked() -> None:
    """Nothing is acknowledged for it: another process may have it, and then it is put aside."""
    made = worker(tries=2, backoff=(0.001, 0.001))
    with made.relay:
        made.signal.disconnect(made.hear)
        made.signal.send("shop", n=1)
        until(lambda: letters(made))
        [letter] = letters(made)
        assert "was disconnected: nobody works here." in letter.reason
        again: list[int] = []
        made.relay.connect(made.signal, lambda _, *, n: again.append(n), group="billing")
        made.signal.send("shop", n=2)
        until(lambda: again == [2])

    assert made.heard == []


def test_processes_that_died_in_every_try_are_counted_as_tries() -> None:
    """What ends each process that works on it is put aside in the end."""
    from heliograph.relay.transports import Arrived, Dead
    from heliograph.relay.working import Working

    made = worker(tries=3)
    running = made.relay.running

    async def work(executor: ThreadPoolExecutor) -> object:
        crossing = running.crossings[0]
        working = Working(
            crossing,
            crossing.groups["billing"],
            made.relay,
            running.names,
            running.limits,
            running.tally,
            executor,
            running._async_receivers,
        )
        return await working.work(Arrived(b"whatever", "1", 6))

    with ThreadPoolExecutor(1) as executor:
        answer = asyncio.run(work(executor))
    assert answer == Dead("5 tries have ended without an answer")
    assert made.relay.health().dead == 1


def test_the_broker_knows_how_much_there_is_to_do() -> None:
    """Of each group that has worked once."""
    go_on, begun = threading.Event(), threading.Event()

    def work(sender: object, *, n: int) -> None:
        begun.set()
        go_on.wait(20)

    made = worker(work)
    with made.relay:
        for n in range(3):
            made.signal.send("shop", n=n)
        assert begun.wait(20)
        assert made.relay.flush()
        [found] = backlog(made)
        assert (found.group, found.waiting, found.running, found.dead) == ("billing", 2, 1, 0)
        go_on.set()
        until(lambda: made.relay.health().received == 3)
        until(lambda: backlog(made)[0].running == 0)


def test_a_stop_waits_for_what_is_under_way() -> None:
    """And begins nothing more; what was not begun is worked on later."""
    begun, done = threading.Event(), list[int]()

    def work(sender: object, *, n: int) -> None:
        begun.set()
        time.sleep(0.1)  # A fixed time, as the stop has to be under way before it ends.
        done.append(n)

    made = worker(work)
    with made.relay:
        for n in range(3):
            made.signal.send("shop", n=n)
        assert begun.wait(20)
    assert len(done) == made.relay.health().received < 3

    with made.relay:
        until(lambda: made.relay.health().received == 3)
    assert done == [0, 1, 2]


def test_what_is_not_done_in_time_is_worked_on_again() -> None:
    """It is not acknowledged."""
    begun, go_on, tries = threading.Event(), threading.Event(), list[int]()

    def work(sender: object, *, n: int) -> None:
        delivered = current()
        assert delivered is not None
        tries.append(delivered.tries)
        begun.set()
        go_on.wait(20)

    made = worker(work)
    made.relay.start()
    made.signal.send("shop", n=1)
    assert begun.wait(20)
    made.relay.stop(0.05)
    assert made.relay.health().received == 0
    go_on.set()
    with made.relay:
        until(lambda: made.relay.health().received == 1)

    assert tries == [1, 2]


def test_what_a_receiver_sends_while_it_stops_is_handed_over_first() -> None:
    """Its envelope does not come again, so nobody else would send it."""
    begun, stopping = threading.Event(), threading.Event()
    made, broker = with_broker(new_url(), "durable", groups=["billing"])
    second, third = declared("second"), declared("third")
    made.relay.durable(second)
    made.relay.replay(third)
    made.relay.connect(third, made.hear, scope="each")

    def work(sender: object, *, n: int) -> None:
        begun.set()
        stopping.wait(20)
        broker.go()
        second.send("shop", n=n)

    made.relay.connect(made.signal, work, group="billing")
    made.relay.start()
    made.signal.send("shop", n=1)
    assert begun.wait(20)
    stop = threading.Thread(target=made.relay.stop)
    stop.start()
    until(made.relay.running._beginning.stopping.is_set)
    stopping.set()
    until(lambda: made.relay.health().waiting)
    until(lambda: broker.log[-1] == "store")
    broker.come()
    stop.join()

    health = made.relay.health()
    assert (health.sent, health.handed_over, health.received, health.dropped) == (2, 2, 1, {})


def test_every_group_runs_if_it_is_said_so() -> None:
    """Those that come later too."""
    made = process(new_url(), "durable", groups=["*"])
    heard: list[str] = []
    made.relay.connect(made.signal, lambda _, *, n: heard.append("first"), group="first")
    with made.relay:
        made.relay.connect(made.signal, lambda _, *, n: heard.append("late"), group="late")
        made.signal.send("shop", n=1)
        until(lambda: sorted(heard) == ["first", "late"])
