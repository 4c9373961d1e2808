"""Loops: what runs a relay beside the program, and ends with it."""

from __future__ import annotations

import asyncio
import os
import selectors
import threading
from contextlib import suppress

import pytest

from heliograph.relay import RelayError, calling, loops
from heliograph.relay.calling import AsyncReceivers
from heliograph.relay.loops import ClientLoop


def test_a_loop_that_does_not_run_is_none() -> None:
    """Before its start and after its end; it may start once more, and is started once."""
    loop = ClientLoop("a loop")
    for _ in range(2):
        with pytest.raises(RelayError, match=r"The relay is not running: start\(\) it first\."):
            loop.running()
        loop.stop()
        loop.start()
        first = loop.running()
        loop.start()
        assert loop.running() is first
        loop.stop()
        assert first.is_closed()


def test_a_task_that_does_not_end_is_left_behind_and_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stop does not wait for it for ever."""
    monkeypatch.setattr(loops, "_PATIENCE", 0.05)
    loop, go_on = ClientLoop("a loop"), threading.Event()
    begun = threading.Event()

    async def stubborn() -> None:
        while not go_on.is_set():
            begun.set()
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0.01)

    loop.start()
    there = loop.running()
    done = loop.run(stubborn())
    assert begun.wait(20)
    loop.stop()
    assert caplog.messages[-1].startswith("These did not end, and are left behind: <coroutine ")
    assert "stubborn" in caplog.messages[-1]
    go_on.set()
    there.run_until_complete(asyncio.sleep(0.05))
    assert done.done()
    there.close()


def test_what_blocks_a_loop_is_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread goes on until it ends by itself."""
    monkeypatch.setattr(loops, "_PATIENCE", 0.05)
    loop, go_on = ClientLoop("a loop"), threading.Event()
    loop.start()
    there, thread = loop.running(), loop._thread
    assert thread is not None
    loop.soon(lambda: go_on.wait(20))
    loop.stop()
    assert caplog.messages == ["These did not end, and are left behind: what blocks a loop."]
    go_on.set()
    thread.join(20)

    async def end() -> None:
        await asyncio.sleep(0.01)

    with suppress(asyncio.CancelledError):  # By what the stop has left in it.
        there.run_until_complete(end())
    there.close()


def test_a_loop_that_blocks_goes_on_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one thread at a time."""
    monkeypatch.setattr(loops, "_PATIENCE", 0.02)
    loop = ClientLoop("a loop")
    loop.start()
    go_on, done = threading.Event(), threading.Event()
    loop.soon(lambda: go_on.wait(20))
    loop.pause()
    loop.resume()
    loop.soon(done.set)
    assert not done.wait(0.02)
    go_on.set()
    assert done.wait(20)
    loop.stop()


def test_a_pause_from_inside_is_none() -> None:
    """A receiver that forks runs on the loop itself."""
    loop = ClientLoop("a loop")
    loop.start()

    def pause() -> bool:
        loop.pause()
        loop.resume()
        return loop.is_here

    async def paused() -> bool:
        return pause()

    assert loop.run(paused()).result(20)
    assert not loop.is_here
    loop.stop()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only a forked process has a parent's loop")
@pytest.mark.parametrize("kind", ["DefaultSelector", "SelectSelector"])
def test_an_abandoned_loop_is_as_it_was(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever waits for its sockets: only some are shared with a child."""
    monkeypatch.setattr(selectors, "DefaultSelector", getattr(selectors, kind))
    loop = ClientLoop("a loop")
    loop.abandon()
    loop.start()
    there, thread = loop.running(), loop._thread
    assert thread is not None

    async def begin() -> None:
        begun.append(asyncio.create_task(asyncio.sleep(3600)))
        await asyncio.sleep(0)
        begun.append(asyncio.create_task(asyncio.sleep(3600)))
        there.stop()

    begun: list[asyncio.Task[None]] = []
    loop.run(begin())
    thread.join(20)
    loop.abandon()
    assert not there.is_closed()
    assert [it.done() for it in begun] == [False, False]
    loop.start()
    assert loop.running() is not there
    loop.stop()
    there.close()


def test_async_receivers_use_the_loop_of_the_relay_where_threads_are_greenlets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There is no other."""
    monkeypatch.setattr(calling, "has_greenlets", lambda: True)
    relays = ClientLoop("test-relay")
    relays.start()

    assert AsyncReceivers(relays).loop() is relays.running()
    relays.stop()


def test_async_receivers_share_one_loop_however_many_ask_at_once() -> None:
    """It begins with the first one."""
    receivers = AsyncReceivers(ClientLoop("test-relay"))
    found: list[asyncio.AbstractEventLoop] = []
    together = threading.Barrier(8)

    def ask() -> None:
        together.wait(20)
        found.append(receivers.loop())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for it in threads:
        it.start()
    for it in threads:
        it.join()
    receivers.stop()

    assert len({*map(id, found)}) == 1
    assert len(found) == 8
