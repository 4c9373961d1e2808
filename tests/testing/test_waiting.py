"""Waiting for what another thread or task sends."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from heliograph import ArgumentError, Signal
from heliograph.testing import ExpectationError, capture

if TYPE_CHECKING:
    from collections.abc import Callable


def started(function: Callable[[], object]) -> threading.Thread:
    """Start a thread."""
    thread = threading.Thread(target=function)
    thread.start()
    return thread


def test_a_thread_is_waited_for_until_its_receivers_have_been_called() -> None:
    """What they do has been done when the wait ends."""
    paid, done = Signal("paid"), []
    begun, go_on = threading.Event(), threading.Event()

    def receiver(sender: object, total: int) -> None:
        begun.set()
        go_on.wait()
        done.append(total)

    def work() -> None:
        paid.send("early", total=1)
        paid.send("shop", total=12)

    with capture(paid) as sent, paid.connected_to(receiver):
        thread = started(work)
        begun.wait()
        with pytest.raises(ExpectationError, match=r"^Waited 0\.001 s\. Expected 'paid'\."):
            sent.wait(paid, timeout=0.001)
        go_on.set()
        found = sent.wait(paid, total=12, timeout=60)
        so_far = list(done)
        thread.join()

    assert (found.sender, so_far) == ("shop", [1, 12])


def test_what_was_captured_before_need_not_be_waited_for() -> None:
    """The first that fits is returned; a sender and a mapping choose."""
    paid = Signal("paid")
    with capture(paid) as sent:
        paid.send("shop", total=1)
        paid.send("shop", total=2)
        paid.send("kiosk", total=3)

        assert sent.wait(paid, timeout=0)["total"] == 1
        assert sent.wait(paid, {"total": 2}, timeout=0)["total"] == 2
        assert sent.wait(paid, sender="kiosk", timeout=0)["total"] == 3


async def test_a_task_is_waited_for() -> None:
    """And so is a thread, by a task."""
    paid = Signal("paid")

    async def work() -> None:
        await asyncio.sleep(0)
        await paid.send_async("task")
        await asyncio.to_thread(paid.send, "thread")

    with capture(paid) as sent:
        task = asyncio.create_task(work())
        first = await sent.wait_async(paid, timeout=60)
        second = await sent.wait_async(paid, sender="thread", timeout=60)
        await task

    assert (first.sender, second.sender) == ("task", "thread")


async def test_waiting_in_vain_says_what_there_was() -> None:
    """As any expectation that fails, after the time that it waited."""
    paid = Signal("paid")
    with capture(paid) as sent:
        paid.send("shop", total=12)
        with pytest.raises(ExpectationError) as told:
            await sent.wait_async(paid, timeout=0.01, total=13)

    assert str(told.value).startswith(
        "Waited 0.01 s. Expected 'paid' with total=13.\nIt was sent once with a difference:\n"
    )


async def test_a_loop_is_not_stopped_by_waiting() -> None:
    """Nothing that it runs could send, so the error names the other method."""
    paid = Signal("paid")
    with (
        capture(paid) as sent,
        pytest.raises(ArgumentError, match=r"await wait_async\(\)"),
    ):
        sent.wait(paid)


def test_only_what_is_captured_can_be_waited_for() -> None:
    """Otherwise it would never come."""
    with (
        capture(Signal("paid")) as sent,
        pytest.raises(ArgumentError, match="is not captured"),
    ):
        sent.wait(Signal("placed"))
