"""Waits in a thread or in a task until an inbox gets something, or until the timeout."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import partial
from time import monotonic

from heliograph.core.describe import short_repr, title_of
from heliograph.core.errors import ArgumentError, StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from typing import Any

    from heliograph.core.streams.inbox import Inbox

_LONGEST = 4_000_000.0
"""Seconds that every lock can wait for, about 46 days. A longer wait is made of several."""


class Patience:
    """How long a reader goes on waiting for an inbox."""

    def __init__(self, inbox: Inbox, timeout: Any) -> None:
        """Begin to wait.

        Raises:
            ArgumentError: If *timeout* is not None and not a number of seconds from 0 on.
        """
        # `>=` also refuses the float that is not a number.
        if timeout is not None and not (isinstance(timeout, (int, float)) and timeout >= 0):
            shown = short_repr(timeout)
            msg = f"timeout={shown} is not a number of seconds from 0 on, nor None for no limit."
            raise ArgumentError(msg)
        self._inbox = inbox
        self._timeout = timeout
        self._left: float = timeout or 0.0
        self._since = monotonic()

    def seconds(self) -> float | None:
        """Return how many seconds the reader may wait now; None is for ever.

        Raises:
            TimeoutError: If the timeout has passed.
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
        """Count so many seconds as passed, whatever the clock says: a test may have frozen it."""
        self._pass(seconds or 0.0)

    def _pass(self, least: float) -> None:
        now = monotonic()
        self._left -= max(now - self._since, least)
        self._since = now


def pause(inbox: Inbox, patience: Patience) -> None:
    """Block this thread until the inbox gets something, or until the timeout.

    Raises:
        TimeoutError: If the timeout had passed before.
    """
    # Nothing else in the standard library can wake another thread from inside a finalizer.
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
    """Let other tasks run until the inbox gets something, or until the timeout.

    The loop's own clock measures the time.

    Raises:
        TimeoutError: If the timeout had passed before.
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
    with suppress(RuntimeError):  # The loop is closed, and its task is gone.
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
            "No asyncio loop runs here. Await in an asyncio task (anyio's tasks are, unless anyio "
            "runs on trio), or use wait() in a thread."
        )
        raise StateError(msg) from None


def refuse_loop() -> None:
    """Refuse to block a thread in which an asyncio loop runs.

    Raises:
        StateError: If one runs.
    """
    asyncio: Any = sys.modules.get("asyncio")
    if asyncio is not None and asyncio._get_running_loop() is not None:
        msg = (
            "wait() would block the asyncio loop that runs in this thread: use "
            "`await signal.next(...)` or `await stream.next()`, or wait in another thread."
        )
        raise StateError(msg)
