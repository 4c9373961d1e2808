"""Waits in a thread or in a task until an inbox gets something, or until the timeout."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import partial
from time import monotonic

from heliograph.core.describe import short_repr
from heliograph.core.errors import ArgumentError, StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from collections.abc import Callable
    from typing import Any

    from heliograph.core.streams.inbox import Inbox

_LONGEST = 4_000_000.0
"""Seconds that every lock can wait for, about 46 days. A longer wait is made of several."""


class Patience:
    """How long a reader goes on waiting."""

    __slots__ = ("_left", "_since", "_timeout", "_which")

    def __init__(self, timeout: Any, which: Callable[[], str]) -> None:
        """Begin to wait.

        Args:
            timeout: The most seconds to wait; None is for ever.
            which: Says which emissions, for the error if none comes.

        Raises:
            ArgumentError: If *timeout* is not None and not a number of seconds from 0 on.
        """
        # `>=` also refuses the float that is not a number.
        if timeout is not None and not (isinstance(timeout, (int, float)) and timeout >= 0):
            shown = short_repr(timeout)
            msg = f"timeout={shown} is not a number of seconds from 0 on, nor None for no limit."
            raise ArgumentError(msg)
        self._which = which
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
            msg = f"No emission {self._which()} came within {self._timeout} seconds."
            raise TimeoutError(msg)
        return min(self._left, _LONGEST)

    def came_back_empty(self, seconds: float | None) -> None:
        """Count so many seconds as passed, whatever the clock says: a test may have frozen it."""
        self._pass(seconds or 0.0)

    def _pass(self, least: float) -> None:
        now = monotonic()
        self._left -= max(now - self._since, least)
        self._since = now


FOR_EVER = Patience(None, str)
"""That of all readers who wait without a timeout."""


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
    loop = loop_here()
    woken = loop.create_future()
    wake = partial(wake_task, loop, woken)
    inbox.waiting.append(wake)
    try:
        if not inbox.something():
            # Without a timeout, a coroutine around it would only take time.
            await (woken if patience is FOR_EVER else rest(loop, woken, patience))
    finally:
        inbox.forget(wake)


async def rest(loop: AbstractEventLoop, woken: Future[bool], patience: Patience) -> None:
    """Let other tasks run until somebody wakes this one, or until the timeout.

    Args:
        loop: The loop that runs.
        woken: What whoever wakes it settles.
        patience: Another one than `FOR_EVER`, which needs no timer.

    Raises:
        TimeoutError: If the timeout had passed before.
    """
    seconds = patience.seconds() or 0.0
    timer = loop.call_later(seconds, _settle, woken, False)
    try:
        if not await woken:
            patience.came_back_empty(seconds)
    finally:
        timer.cancel()


def wake_task(loop: AbstractEventLoop, woken: Future[bool]) -> None:
    """Wake the task that waits for a future, from any thread."""
    # A task of this loop that sends need not wake the loop as other threads must. Where no task
    # runs, this may be a signal handler, and the loop asleep below it.
    if _ASYNCIO.running_loop() is loop and _ASYNCIO.current_task(loop) is not None:
        if not woken.done():
            woken.set_result(True)
        return
    with suppress(RuntimeError):  # The loop is closed, and its task is gone.
        loop.call_soon_threadsafe(_settle, woken, True)


def _settle(woken: Future[bool], by_somebody: bool) -> None:
    if not woken.done():  # Who sends and the clock may both come.
        woken.set_result(by_somebody)


class _Asyncio:
    """What is needed of asyncio, once it is: threads wait without it, and importing it is slow."""

    __slots__ = ("current_task", "running_loop")

    running_loop: Callable[[], AbstractEventLoop | None]
    current_task: Callable[[AbstractEventLoop], object]

    def __getattr__(self, name: str) -> Any:
        import asyncio

        self.running_loop = asyncio._get_running_loop
        self.current_task = asyncio.current_task
        return object.__getattribute__(self, name)


_ASYNCIO = _Asyncio()


def loop_here() -> AbstractEventLoop:
    """Return the asyncio loop that runs in this thread.

    Raises:
        StateError: If none runs.
    """
    loop = _ASYNCIO.running_loop()
    if loop is None:
        msg = (
            "No asyncio loop runs here. Await in an asyncio task (anyio's tasks are, unless anyio "
            "runs on trio), or use wait() in a thread."
        )
        raise StateError(msg)
    return loop


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
