"""Waits for an inbox, in a thread or in a task, until something comes or the time is over."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import partial
from time import monotonic

from heliograph.core.describe import title_of
from heliograph.core.errors import ArgumentError, StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from typing import Any

    from heliograph.core.streams.inbox import Inbox

_LONGEST = 4_000_000.0
"""Seconds that every lock can wait for; some 46 days. Whoever wants more waits again."""


class Patience:
    """How long somebody goes on waiting for an inbox."""

    def __init__(self, inbox: Inbox, timeout: Any) -> None:
        """Begin to wait.

        Raises:
            ArgumentError: If the timeout is none.
        """
        # Nor may it be what is not a number.
        if timeout is not None and not (isinstance(timeout, (int, float)) and timeout >= 0):
            msg = f"timeout={timeout!r} is no time to wait. Use seconds, or None to wait for ever."
            raise ArgumentError(msg)
        self._inbox = inbox
        self._timeout = timeout
        self._left: float = timeout or 0.0
        self._since = monotonic()

    def seconds(self) -> float | None:
        """Return how many seconds may be waited now; None is for ever.

        Raises:
            TimeoutError: If the time is over.
        """
        if self._timeout is None:
            return None
        self._pass(0.0)
        if self._left <= 0:
            which = f"of {title_of(self._inbox.signal)}{self._inbox.limits}"
            msg = f"No emission {which} came within {self._timeout} seconds."
            raise TimeoutError(msg)
        return min(self._left, _LONGEST)

    def came_back_empty(self, seconds: float | None) -> None:
        """Take it that so many seconds have passed, whatever the clock says: it may be frozen."""
        self._pass(seconds or 0.0)

    def _pass(self, least: float) -> None:
        now = monotonic()
        self._left -= max(now - self._since, least)
        self._since = now


def pause(inbox: Inbox, patience: Patience) -> None:
    """Block this thread until something comes, or the time is over.

    Raises:
        TimeoutError: If it was over before.
    """
    # The only thing in the standard library that can wake others from inside a finalizer.
    from queue import Empty, SimpleQueue

    woken: SimpleQueue[None] = SimpleQueue()
    seconds = patience.seconds()
    with inbox.waking(partial(woken.put, None)):
        if not inbox.something():
            try:
                woken.get(timeout=seconds)
            except Empty:
                patience.came_back_empty(seconds)


async def pause_task(inbox: Inbox, patience: Patience) -> None:
    """Let other tasks run until something comes, or the time is over, by the loop's own clock.

    Raises:
        TimeoutError: If it was over before.
    """
    loop = _running_loop()
    woken = loop.create_future()
    seconds = patience.seconds()
    timer = None if seconds is None else loop.call_later(seconds, _settle, woken, False)
    try:
        with inbox.waking(partial(_wake_loop, loop, woken)):
            if not inbox.something() and not await woken:
                patience.came_back_empty(seconds)
    finally:
        if timer is not None:
            timer.cancel()


def _wake_loop(loop: AbstractEventLoop, woken: Future[bool]) -> None:
    with suppress(RuntimeError):  # The loop is closed: nobody waits any more.
        loop.call_soon_threadsafe(_settle, woken, True)


def _settle(woken: Future[bool], by_somebody: bool) -> None:
    if not woken.done():
        woken.set_result(by_somebody)


def _running_loop() -> AbstractEventLoop:
    from asyncio import get_running_loop

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
