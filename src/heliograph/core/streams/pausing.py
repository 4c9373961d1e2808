"""Waits for an inbox, in a thread or in a task, until something comes or the time is over."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import partial
from itertools import repeat
from time import monotonic

from heliograph.core.callables import title_of
from heliograph.core.errors import ArgumentError, StateError

TYPE_CHECKING = False  # What type checkers believe, without importing typing.
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from collections.abc import Iterator
    from typing import Any

    from heliograph.core.streams.inbox import Inbox

_LONGEST = 4_000_000.0
"""Seconds that every lock can wait for; some 46 days. Whoever wants more waits again."""


def pauses(inbox: Inbox, timeout: Any) -> Iterator[float | None]:
    """Give how many seconds may be waited, again and again, until there are none.

    Raises:
        ArgumentError: At once, if the timeout is none.
        TimeoutError: When the time is over.
    """
    if timeout is None:
        return repeat(None)
    if not isinstance(timeout, (int, float)) or not timeout >= 0:  # Nor what is not a number.
        msg = f"timeout={timeout!r} is no time to wait. Use seconds, or None to wait for ever."
        raise ArgumentError(msg)
    return _time_left(inbox, timeout)


def _time_left(inbox: Inbox, timeout: float) -> Iterator[float]:
    end = monotonic() + timeout
    while (left := end - monotonic()) > 0:
        yield min(left, _LONGEST)
    msg = f"No emission of {title_of(inbox.signal)} came within {timeout} seconds."
    raise TimeoutError(msg)


def pause(inbox: Inbox, seconds: float | None) -> None:
    """Block this thread until something comes, or the time is over."""
    # The only thing in the standard library that can wake others from inside a finalizer.
    from queue import Empty, SimpleQueue

    woken: SimpleQueue[None] = SimpleQueue()
    with inbox.waking(partial(woken.put, None)), suppress(Empty):
        if not inbox.something():
            woken.get(timeout=seconds)


async def pause_task(inbox: Inbox, seconds: float | None) -> None:
    """Let other tasks run until something comes, or the time is over."""
    loop = _running_loop()
    woken = loop.create_future()
    timer = None if seconds is None else loop.call_later(seconds, _settle, woken)
    try:
        with inbox.waking(partial(_wake_loop, loop, woken)):
            if not inbox.something():
                await woken
    finally:
        if timer is not None:
            timer.cancel()


def _wake_loop(loop: AbstractEventLoop, woken: Future[None]) -> None:
    with suppress(RuntimeError):  # The loop is closed: nobody waits any more.
        loop.call_soon_threadsafe(_settle, woken)


def _settle(woken: Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)


def _running_loop() -> AbstractEventLoop:
    from asyncio import get_running_loop  # Costly to import, and here already if it is used.

    try:
        return get_running_loop()
    except RuntimeError:
        msg = (
            "No loop of asyncio runs here. Await in a task of asyncio (anyio's are, unless it "
            "runs on trio), or use wait() in a thread."
        )
        raise StateError(msg) from None


def refuse_loop() -> None:
    """Refuse to block a thread in which a loop of asyncio runs.

    Raises:
        StateError: If it would.
    """
    asyncio: Any = sys.modules.get("asyncio")
    if asyncio is not None and asyncio._get_running_loop() is not None:
        msg = (
            "wait() would block the loop of asyncio that runs in this thread: use "
            "`await signal.next(...)` or `await stream.next()`, or wait in another thread."
        )
        raise StateError(msg)
