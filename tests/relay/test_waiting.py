"""Waiting: what is sent while the broker is away, slow or odd, and what others are told of it."""

from __future__ import annotations

import os
import re
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest

from heliograph.relay import (
    FullError,
    Limits,
    RefusedError,
    Relay,
    UnavailableError,
    beginning,
    outgoing,
    resynced,
)
from heliograph.relay.envelopes import Envelope, write
from heliograph.relay.memory import transport as memory
from heliograph.relay.sequences import Sequences
from tests.relay import collecting
from tests.relay.processes import declared, new_url, process, until, with_broker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.relay.processes import Process


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again, and tell of silence, sooner than programs need it."""
    monkeypatch.setattr(outgoing, "_DELAYS", (0.005, 0.02))
    monkeypatch.setattr(outgoing, "_NOTICE", 0.05)
    monkeypatch.setattr(beginning, "_AGAIN", (0.01, 0.02))


def numbers(heard: list[Any]) -> list[int]:
    """Return what was heard, without what was told to be missing."""
    return [it for it in heard if isinstance(it, int)]


def test_what_waits_for_the_broker_is_handed_over_in_order() -> None:
    """Once it is there again; nothing is lost, and nobody is told of a gap."""
    url = new_url()
    made, broker = with_broker(url)
    other = process(url)
    with made.relay, other.relay:
        made.signal.send("shop", n=0)
        until(lambda: other.heard)
        broker.go()
        for n in range(1, 600):
            made.signal.send("shop", n=n)
        assert made.relay.health().waiting == 599
        broker.come()
        until(lambda: len(other.heard) == 600)

    assert other.heard == [*range(600)]
    health = made.relay.health()
    assert (health.sent, health.handed_over, health.waiting, health.dropped) == (600, 600, 0, {})


@pytest.mark.parametrize("heard_before", [True, False])
def test_what_a_sender_drops_is_told_before_what_comes_after(
    *, heard_before: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether the receiver has heard of the sender before or not; it is counted on both sides."""
    url = new_url()
    made, broker = with_broker(url, limits=Limits(waiting=10))
    other = process(url)
    with made.relay, other.relay:
        first = 0
        if heard_before:
            made.signal.send("shop", n=0)
            until(lambda: other.heard == [0])
            first = 1
        broker.go()
        for n in range(first, 30):
            made.signal.send("shop", n=n)
        until(lambda: broker.log[-1] == "publish")
        broker.come()
        until(lambda: other.heard[-1:] == [29])

    dropped = 20 - first
    assert other.heard == [*range(first), ("missing", dropped), *range(20, 30)]
    sender, receiver = made.relay.health(), other.relay.health()
    assert sender.dropped == {"no room here": dropped}
    assert sender.sent == 30 == sender.handed_over + dropped
    assert receiver.received + receiver.missed == 30
    assert (
        sum("of 'changed' of 'shop' fast enough, or is away" in it for it in caplog.messages) == 1
    )


def test_the_bytes_that_wait_are_limited_too() -> None:
    """An envelope that is larger than all of them leaves no room for itself."""
    url = new_url()
    made = process(url, limits=Limits(waiting_bytes=100))
    other = process(url)
    for n in range(3):
        made.signal.send("shop", n=n, note="x" * 60)
    assert (made.relay.health().waiting, made.relay.health().dropped) == (1, {"no room here": 2})
    with other.relay, made.relay:
        until(lambda: other.heard == [("missing", 2), 2])
        made.signal.send("shop", n=3, note="x" * 200)
        made.signal.send("shop", n=4)
        until(lambda: other.heard[2:] == [("missing", 1), 4])

    stored = process(new_url(), "durable", limits=Limits(waiting_bytes=100))
    stored.signal.send("shop", n=0, note="x" * 60)
    with pytest.raises(FullError, match=r"1 envelopes of 'changed' of 'shop' wait for the broker"):
        stored.signal.send("shop", n=1, note="x" * 60)


def test_after_some_silence_it_is_told_if_the_last_ones_are_missing() -> None:
    """A number tells how many there were, though none comes after it."""
    url = new_url()
    made, broker = with_broker(url)
    other = process(url)
    with made.relay, other.relay:
        made.signal.send("shop", n=0)
        until(lambda: other.heard)
        broker.go(RefusedError("too large for it."))
        for n in range(3):
            made.signal.send("shop", n=n)
        until(lambda: made.relay.health().dropped == {"refused": 3})
        broker.come()
        until(lambda: len(other.heard) == 2)

    assert other.heard == [0, ("missing", 3)]
    assert other.relay.health().received == 1


def test_the_last_number_is_told_until_it_is_heard(caplog: pytest.LogCaptureFixture) -> None:
    """The broker may be away, or a library may fail, when it is told."""
    url = new_url()
    made, broker = with_broker(url)
    other = process(url)
    with made.relay, other.relay:
        made.signal.send("shop", n=0)
        until(lambda: other.heard)
        count = len(broker.log)
        broker.go()
        until(lambda: len(broker.log) > count)
        broker.go(LookupError("a library fails."))
        said = "It cannot be told now how much of 'changed' of 'shop' there was."
        until(lambda: said in caplog.messages)
        broker.come()
        count = len(broker.log)
        until(lambda: len(broker.log) > count)
        made.signal.send("shop", n=1)
        until(lambda: other.heard == [0, 1])


def test_a_library_that_fails_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """What waits is tried again, and the error is logged."""
    for mode in ("broadcast", "replay"):
        url = new_url()
        made, broker = with_broker(url, mode)
        other = process(url, mode)
        with made.relay, other.relay:
            broker.go(LookupError("a library fails."))
            made.signal.send("shop", n=1)
            until(lambda: any("'shop' cannot be " in it for it in caplog.messages))
            broker.come()
            until(lambda: other.heard == [1])  # noqa: B023 - at once.
        caplog.clear()


def test_a_broker_without_room_gets_it_later() -> None:
    """A channel that is stored waits, and then refuses here; nothing is dropped."""
    url = new_url()
    made, broker = with_broker(url, "durable", limits=Limits(waiting=3))
    with made.relay:
        broker.go(FullError("no room."))
        for n in range(3):
            made.signal.send("shop", n=n)
        with pytest.raises(FullError, match="3 envelopes of"):
            made.signal.send("shop", n=3)
        assert not made.relay.flush(0.05)
        broker.come()
        assert made.relay.flush()

    assert made.relay.health().dropped == {"no room here": 1}
    assert made.relay.health().handed_over == 3


def test_a_broker_that_is_away_for_hours_is_tried_all_the_time() -> None:
    """The delay has an end, however often it has failed."""
    made, broker = with_broker(new_url())
    with made.relay:
        broker.go()
        outgoing._DELAYS = (1e-6, 1e-6)  # The fixture puts it back.
        made.signal.send("shop", n=1)
        until(lambda: len(broker.log) > 1100)
        broker.come()
        assert made.relay.flush()


def test_threads_that_send_at_once_keep_their_numbers() -> None:
    """Nothing is missing or heard twice, and each thread's are in its order."""
    url = new_url()
    made, other = process(url, limits=Limits(waiting=10_000)), process(url)

    def send(thread: int) -> None:
        for n in range(200):
            made.signal.send("shop", n=1000 * thread + n)

    with made.relay, other.relay:
        threads = [threading.Thread(target=send, args=(it,)) for it in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        until(lambda: len(other.heard) == 1000)

    for it in range(5):
        assert [n for n in other.heard if n // 1000 == it] == [1000 * it + n for n in range(200)]


def test_who_hears_too_slowly_is_told_where_something_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The embedded broker keeps so many for one that listens; each is counted once."""
    from heliograph.relay import hearing

    monkeypatch.setattr(memory, "_PENDING", 5)
    monkeypatch.setattr(hearing, "_PENDING", 3)
    url = new_url()
    made, slow, quick = process(url), process(url), process(url)
    go_on = threading.Event()
    slow.relay.connect(slow.signal, lambda _, *, n: go_on.wait(20) and None, scope="each")
    with made.relay, slow.relay:
        for n in range(300):
            made.signal.send("shop", n=n)
            if n == 1:
                until(lambda: slow.heard)
        until(lambda: made.relay.health().handed_over == 300)
        go_on.set()
        until(lambda: len(numbers(slow.heard)) + slow.missed == 300)
        with quick.relay:
            made.signal.send("shop", n=300)
            until(lambda: slow.heard[-1:] == quick.heard[-1:] == [300])

    assert slow.missed > 0
    assert numbers(slow.heard) == sorted(numbers(slow.heard))
    at = slow.heard.index(next(it for it in slow.heard if it not in range(300)))
    assert slow.heard[:at] == [*range(at)]  # The gap is told before what comes after it.
    assert slow.relay.health().received == 301 - slow.missed


def test_an_error_of_who_is_told_of_a_gap_holds_nothing_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is logged and counted."""
    url = new_url()
    made, other = process(url, limits=Limits(waiting=1)), process(url)

    def fail(sender: object, *, signal: object, reason: str, lost: int | None) -> None:
        msg = "out of ink"
        raise OSError(msg)

    resynced.connect(fail, other.relay)
    made.signal.send("shop", n=1)
    made.signal.send("shop", n=2)
    with other.relay, made.relay:
        until(lambda: other.heard == [("missing", 1), 2])

    assert other.relay.health().failed == 1
    assert "A receiver of signal 'resynced' failed." in caplog.messages


def test_a_gap_names_the_signal_and_who_sent_it() -> None:
    """And how many are missing."""
    url = new_url()
    made, other = process(url, limits=Limits(waiting=1)), process(url)
    told: list[Any] = []

    def tell(sender: object, *, signal: object, reason: str, lost: int | None) -> None:
        told.append((sender, signal, reason, lost))

    resynced.connect(tell)
    made.signal.send("shop", n=1)
    made.signal.send("shop", n=2)
    with other.relay, made.relay:
        until(lambda: told)

    origin = made.relay.origin
    assert told == [(other.relay, other.signal, f"{origin!r} has sent what did not arrive", 1)]


# When the broker is away at the start.


def test_without_a_broker_it_starts_and_goes_on_trying(caplog: pytest.LogCaptureFixture) -> None:
    """It warns, keeps what is sent, and says what may have been missed."""
    url = new_url()
    made, broker = with_broker(url)
    other = process(url)
    broker.go()
    with made.relay, other.relay:
        health = made.relay.health()
        assert (health.running, health.connected) == (True, False)
        assert health.problem == "the line was cut."
        made.signal.send("shop", n=1)
        assert made.relay.health().waiting == 1
        broker.come()
        until(lambda: other.heard == [1])
        until(lambda: made.heard == [1, ("missing", None)])
        assert made.relay.health().connected

    assert (
        "The broker of the relay of 'shop' is away: the line was cut.. What is sent waits, and we "
        "go on trying."
    ) in caplog.messages


@pytest.mark.parametrize("mode", ["replay", "durable"])
def test_what_is_stored_is_told_only_where_it_may_be_missing(mode: str) -> None:
    """A process with a position misses nothing by a start without a broker, nor does a group."""
    url = new_url()
    made, broker = with_broker(url, mode, groups=["*"])
    other = process(url, mode)
    if mode == "durable":
        made.relay.connect(made.signal, made.hear, group="billing")
    with made.relay:
        pass
    broker.go()
    with made.relay, other.relay:
        other.signal.send("shop", n=1)
        assert other.relay.flush()
        broker.come()
        until(lambda: made.heard == [1])


def test_a_required_broker_has_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the start fails, and nothing runs."""
    made, broker = with_broker(new_url(), require=True)
    broker.go()
    with pytest.raises(UnavailableError, match="the line was cut"):
        made.relay.start()
    assert not made.relay.health().running

    from heliograph.relay import relay

    monkeypatch.setattr(relay, "_FIRST_LOOK", 0.05)
    silent, never = with_broker(new_url(), require=True)
    hold(never)
    with pytest.raises(
        UnavailableError, match=r"The broker of 'shop' did not answer within 0\.05 s\."
    ):
        silent.relay.start()
    assert not silent.relay.health().running
    broker.come()
    with made.relay:
        assert made.relay.health().running


def hold(broker: Any) -> None:
    """Let a broker be silent."""
    import asyncio

    async def open_later(watching: object) -> None:
        await asyncio.sleep(3600)

    broker.open = open_later


async def test_an_async_start_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not block the loop meanwhile."""
    from heliograph.relay import relay

    made, broker = with_broker(new_url(), require=True)
    broker.go()
    with pytest.raises(UnavailableError, match="the line was cut"):
        await made.relay.start_async()
    refused, broker = with_broker(new_url())
    broker.go(RefusedError("a wrong password."))
    with pytest.raises(RefusedError, match="a wrong password"):
        await refused.relay.start_async()
    monkeypatch.setattr(relay, "_FIRST_LOOK", 0.05)
    silent, broker = with_broker(new_url())
    hold(broker)
    async with silent.relay:
        assert silent.relay.health().running

    assert not any(it.relay.health().running for it in (made, refused, silent))


async def test_who_is_interrupted_in_a_start_does_not_get_it() -> None:
    """A start that was cancelled leaves nothing behind."""
    import asyncio

    made, broker = with_broker(new_url())
    hold(broker)
    starting = asyncio.create_task(made.relay.start_async())
    await collecting.until(lambda: made.relay.health().running)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting

    assert not made.relay.health().running


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let the signal raise what Python raises, whatever workers in this process have made of it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_a_start_that_is_interrupted_is_none() -> None:
    """As by Ctrl-C, while it waits."""
    made, broker = with_broker(new_url())
    hold(broker)

    def interrupt() -> None:
        until(lambda: made.relay.health().running)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        made.relay.start()
    thread.join()

    assert not made.relay.health().running


@pytest.mark.parametrize("what", ["open", "prepare"])
def test_a_broker_that_refuses_us_is_an_error_at_once(what: str) -> None:
    """A wrong password, or no right to what is needed, does not go away by itself."""
    made, broker = with_broker(new_url())
    refuse_only(broker, what, RefusedError("no rights."))
    with pytest.raises(RefusedError, match="no rights"):
        made.relay.start()

    assert not made.relay.health().running


def refuse_only(broker: Any, what: str, problem: Exception) -> None:
    """Let a broker fail with one thing that it is asked for."""
    check = broker._check

    def check_one(asked: str) -> None:
        check(asked)
        if asked == what and broker.refuses:
            raise problem

    broker.refuses = True
    broker._check = check_one


def test_whatever_a_library_raises_at_the_start_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """And tried again; what it was is shown until it works."""
    url = new_url()
    made, broker = with_broker(url)
    other = process(url)
    refuse_only(broker, "prepare", LookupError("a library fails."))
    with made.relay, other.relay:
        assert "LookupError" in (made.relay.health().problem or "")
        assert not made.relay.health().connected
        broker.refuses = False  # type: ignore[attr-defined]  # See refuse_only.
        made.signal.send("shop", n=1)
        until(lambda: other.heard == [1])
        until(lambda: made.relay.health().problem is None)

    assert "The relay of 'shop' fails, and tries again." in caplog.messages


def test_a_broker_that_goes_and_comes_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Once for each time, whatever the reason is called in between."""
    caplog.set_level("INFO")
    made, _broker = with_broker(new_url())
    with made.relay:
        made.relay.running.disconnected("the line was cut.")
        made.relay.running.disconnected("nobody answers.")
        assert made.relay.health().problem == "nobody answers."
        made.relay.running.connected()
        made.relay.running.connected()
        assert made.relay.health().connected

    told = [it for it in caplog.messages if it.startswith("The broker of the relay")]
    assert told == [
        "The broker of the relay of 'shop' is away: the line was cut.",
        "The broker of the relay of 'shop' is there again.",
    ]


# Numbers.


def test_numbers_tell_what_never_arrived() -> None:
    """By process; the first number of a process says nothing, but for what it has dropped."""
    sequences = Sequences()
    assert sequences.missing("a", 5) == 0
    assert sequences.missing("a", 6) == 0
    assert sequences.missing("a", 9) == 2
    assert sequences.missing("a", 9, notice=True) == 0
    assert sequences.missing("a", 12, notice=True) == 3
    assert sequences.missing("a", 3) == 0
    assert sequences.missing("a", 13, dropped=7) == 0
    assert sequences.missing("b", 1) == 0
    assert sequences.missing("c", 8, dropped=7) == 7
    assert sequences.missing("d", 8, dropped=2, notice=True) == 2


def test_processes_that_were_silent_for_longest_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Forged names cost no more memory than that."""
    from heliograph.relay import sequences as module

    monkeypatch.setattr(module, "_ORIGINS", 2)
    sequences = Sequences()
    for it in ("a", "b", "a", "c"):
        sequences.missing(it, 1)

    assert sequences.missing("a", 3) == 1
    assert sequences.missing("b", 3) == 0


def test_what_arrives_twice_or_late_is_heard_and_no_gap() -> None:
    """A broker may do so; receivers of every process hear it as often."""
    url = new_url()
    made = process(url)
    with made.relay:
        for seq in (1, 3, 2, 3, 4):
            publish(made, seq)
        until(lambda: len(made.heard) == 6)

    assert made.heard == [1, ("missing", 1), 3, 2, 3, 4]


def publish(made: Process, seq: int) -> None:
    """Publish an envelope as another process does."""
    crossing = made.relay.running.crossings[0]
    envelope = Envelope(
        v=1,
        id=str(seq),
        signal="changed",
        origin="elsewhere",
        time=1.0,
        seq=seq,
        payload=crossing.payload.write({"n": seq}),
    )
    transport: Any = made.relay.running.transport
    transport._place.log(crossing.channel).tell(write(envelope))


async def test_what_was_sent_just_now_is_not_told_to_be_missing() -> None:
    """It comes at once, and the notice of a silence would count it twice."""
    url = new_url()
    made, broker = with_broker(url)
    made.signal.send("shop", n=1)
    await made.relay.running.crossings[0].outgoing._tell_how_many()

    assert broker.log == []


def test_a_broadcast_signal_that_waits_too_long_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A relay that never starts drops the oldest, and does not fill the log."""
    relay, signal = Relay(new_url(), app="shop", limits=Limits(waiting=2)), declared()
    relay.broadcast(signal)
    for n in range(10):
        signal.send("shop", n=n)

    assert relay.health().dropped == {"no room here": 8}
    [said] = [it for it in caplog.messages if re.search(r"the oldest of \d+ envelopes are", it)]
    assert said.endswith("are dropped, counted, and told of.")
