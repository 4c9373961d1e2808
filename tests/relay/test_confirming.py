"""Confirming: a send that waits for the broker, and says what is known of it."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from heliograph import ArgumentError
from heliograph.relay import (
    Confirmation,
    FullError,
    Limits,
    Receipt,
    RefusedError,
    UnconfirmedError,
    current,
    outgoing,
)
from heliograph.relay.envelopes import read
from tests.relay.processes import Process, declared, new_url, process, until, with_broker


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again sooner than programs need it."""
    monkeypatch.setattr(outgoing, "_DELAYS", (0.005, 0.02))


def ids(made: Process) -> list[str]:
    """Return the ids of what the broker has stored."""
    with made.relay.look() as look:
        stored = look.last(made.relay.running.crossings[0].channel, 10)
    return [read(it.data, Limits()).id for it in stored]


@pytest.mark.parametrize("mode", ["replay", "durable"])
def test_what_is_confirmed_is_stored(mode: str) -> None:
    """It says where, and what the receivers here have returned."""
    made = process(new_url(), mode)
    made.signal.connect(made.hear, weak=False)
    with made.relay:
        first = made.relay.send_confirmed(made.signal, "shop", n=1)
        second = made.relay.send_confirmed(made.signal, n=2)
        with made.relay.look() as look:
            stored = look.last(made.relay.running.crossings[0].channel, 10)

    receipts = [Receipt(read(it.data, Limits()).id, it.position) for it in stored]
    assert first == Confirmation([(made.hear, None)], receipts[0])
    assert second.receipt == receipts[1]
    assert made.heard == [1, 2]


async def test_its_async_twin_awaits_receivers() -> None:
    """And does not block the loop."""
    made = process(new_url(), "durable")

    @made.signal.connect
    async def hear(sender: object, *, n: int) -> int:
        await asyncio.sleep(0)
        return n

    async with made.relay:
        found = await made.relay.send_confirmed_async(made.signal, "shop", n=1)

    assert found.results == [(hear, 1)]
    assert found.receipt.position.startswith("1@")


async def unconfirmed(made: Process, way: str, within: float = 0.05) -> UnconfirmedError:
    """Send, and return why it is not confirmed."""
    relay = made.relay
    confirmed: Any = relay.send_confirmed
    in_thread: Any = partial(asyncio.to_thread, confirmed)
    send: Any = relay.send_confirmed_async if way == "async" else in_thread
    with pytest.raises(UnconfirmedError) as caught:
        await send(made.signal, "shop", n=1, within=within)
    return caught.value


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_what_was_not_handed_over_is_taken_back(way: str) -> None:
    """It certainly never arrives."""
    made, broker = with_broker(new_url(), "durable")
    broker.go()
    with made.relay:
        error = await unconfirmed(made, way)
        assert str(error) == (
            "signal 'changed' was not handed to the broker within 0.05 s, and will not be."
        )
        assert (error.certain, len(error.id)) == (True, 36)
        broker.come()
        health = made.relay.health()
        assert (health.sent, health.waiting, health.dropped) == (1, 0, {"taken back": 1})
        until(lambda: made.relay.health().connected)
        made.relay.send_confirmed(made.signal, "shop", n=2)
        assert error.id not in ids(made)


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_what_was_tried_may_have_arrived(way: str) -> None:
    """Nobody knows; its id is that of the envelope that comes later."""
    made, broker = with_broker(new_url(), "durable")
    with made.relay:
        made.relay.send_confirmed(made.signal, "shop", n=0)
        broker.go()
        error = await unconfirmed(made, way)
        assert str(error) == (
            "The broker did not say within 0.05 s that it has signal 'changed'. It may have it, or "
            f"get it later: its id is {error.id}."
        )
        assert not error.certain
        broker.come()
        assert made.relay.flush()
        assert ids(made)[1] == error.id

    assert made.relay.health().handed_over == 2


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize("problem", [FullError("no room."), RefusedError("too large for it.")])
async def test_what_the_broker_does_not_take_is_told_at_once(way: str, problem: Exception) -> None:
    """It is certain, and not tried again."""
    made, broker = with_broker(new_url(), "durable")
    with made.relay:
        until(lambda: broker.log)
        broker.go(problem)
        error = await unconfirmed(made, way, within=20.0)
        broker.come()
        assert made.relay.flush()

    assert str(error) == f"signal 'changed' was not stored: {problem}"
    assert error.certain
    assert error.__cause__ is problem
    assert made.relay.health().dropped == {"refused": 1}


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_a_relay_that_is_stopped_meanwhile_says_so(way: str) -> None:
    """What nobody has tried certainly never arrives."""
    made, broker = with_broker(new_url(), "durable")
    broker.go()
    made.relay.start()
    asked = asyncio.create_task(unconfirmed(made, way, within=20.0))
    while not made.relay.health().waiting:  # noqa: ASYNC110 - a thread sends it.
        await asyncio.sleep(0.001)
    assert not await made.relay.stop_async(0.0)
    error = await asked

    assert str(error) == "signal 'changed' did not reach the broker: the relay was stopped before."
    assert error.certain
    assert made.relay.health().dropped == {"stopped": 1}


@pytest.mark.parametrize("way", ["sync", "async"])
async def test_what_does_not_cross_is_told_at_once(way: str) -> None:
    """As nobody would ever answer."""
    made = process(new_url(), "durable")
    with made.relay, made.signal.muted():
        error = await unconfirmed(made, way, within=20.0)

    assert str(error) == (
        "signal 'changed' did not cross: it is muted, or was sent by what every process receives, "
        "or leads to itself."
    )
    assert (error.id, error.certain) == ("", True)


def test_only_the_send_itself_is_confirmed() -> None:
    """A receiver may send the same signal, or another one, as ever."""
    made = process(new_url(), "durable")
    other = declared("other")
    made.relay.durable(other)
    sent: list[int] = []

    def again(sender: object, *, n: int) -> None:
        sent.append(n)
        if n == 1:
            other.send("shop", n=1)
            made.signal.send("shop", n=2)

    made.signal.connect(again, weak=False)
    with made.relay:
        found = made.relay.send_confirmed(made.signal, "shop", n=1)
        assert made.relay.flush()
        assert ids(made)[0] == found.receipt.id

    assert sent == [1, 2]
    assert made.relay.health().handed_over == 3


def test_an_error_of_a_receiver_here_is_raised_as_by_send() -> None:
    """What was sent has left."""
    made = process(new_url(), "durable")

    @made.signal.connect
    def fail(sender: object, *, n: int) -> None:
        msg = "out of ink"
        raise OSError(msg)

    with made.relay:
        with pytest.raises(OSError, match="out of ink"):
            made.relay.send_confirmed(made.signal, "shop", n=1)
        with pytest.raises(ArgumentError):
            made.relay.send_confirmed(made.signal, "shop", m=1)
        assert made.relay.flush()
    assert made.relay.health().handed_over == 1


def test_a_second_envelope_of_one_id_is_known() -> None:
    """The broker says so."""
    made, broker = with_broker(new_url(), "durable")
    store = broker.store

    async def twice(channel: Any, envelope_id: str, data: bytes) -> Receipt:
        await store(channel, envelope_id, data)
        return await store(channel, envelope_id, data)

    broker.store = twice  # type: ignore[method-assign]  # This broker alone does so.
    with made.relay:
        found = made.relay.send_confirmed(made.signal, "shop", n=1)

    assert found.receipt.duplicate
    assert current() is None
