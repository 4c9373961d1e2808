"""Receivers that block the event loop are named in development."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from heliograph import Signal
from heliograph.lifecycle.telling import tell_async

HELD = Signal("held")


def hold(sender: object) -> None:
    """Take longer than nothing."""


async def wait(sender: object) -> None:
    """Let others run, twice."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


@pytest.mark.parametrize("receiver", [hold, wait])
@pytest.mark.parametrize(("limit", "warnings"), [(-1.0, 1), (1e9, 0)])
async def test_who_blocks_the_loop_is_named(
    receiver: Any, limit: float, warnings: int, caplog: pytest.LogCaptureFixture
) -> None:
    """With the name of the signal, and by the limit that the loop has for all."""
    caplog.set_level("WARNING", "heliograph")  # Whatever a worker of Celery has set for all.
    asyncio.get_running_loop().slow_callback_duration = limit
    with HELD.connected_to(receiver):
        await tell_async(HELD, "shop")

    told = [it.getMessage() for it in caplog.records]
    assert len(told) == warnings
    assert all(f"{receiver.__name__}." in it and "'held'" in it for it in told)


async def test_a_receiver_that_is_cancelled_is_told_so() -> None:
    """Watching it changes nothing of how it ends."""
    ends = []

    async def wait_for_ever(sender: object) -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            ends.append(sender)
            raise

    with HELD.connected_to(wait_for_ever):
        task = asyncio.create_task(tell_async(HELD, "shop"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert ends == ["shop"]


async def test_without_development_nobody_is_watched(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It would take time of each request."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "0")
    asyncio.get_running_loop().slow_callback_duration = -1.0
    with HELD.connected_to(hold):
        await tell_async(HELD, "shop")

    assert caplog.records == []
