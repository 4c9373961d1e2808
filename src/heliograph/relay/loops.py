"""ClientLoop: the event loop of a relay, in a thread that no receiver runs in."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import select
import selectors
import sys
import threading
from typing import TYPE_CHECKING

from heliograph import StateError
from heliograph.relay.errors import RelayError
from heliograph.relay.patching import has_greenlets

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future
    from typing import Any, TypeVar

    T = TypeVar("T")

_LOG = logging.getLogger("heliograph")

_PATIENCE = 5.0
"""Seconds that a fork waits for the loop to pause: it runs nothing that takes long."""


class ClientLoop:
    """An event loop in a thread of its own.

    It pauses while the process forks, so that no lock is held in the child, and goes on with all
    its tasks and connections in the parent.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._selector: selectors.BaseSelector | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    @property
    def is_here(self) -> bool:
        """Whether the current thread is the loop's own."""
        return self._thread is threading.current_thread()

    def start(self) -> None:
        """Begin to run, unless it does.

        Raises:
            StateError: If it would be a greenlet, and could not run as one.
        """
        with self._lock:
            if self._loop is not None:
                return
            selector = selectors.DefaultSelector()
            if has_greenlets() or _is_gevents(selector):
                _check_greenlets(self._name, selector)
            self._selector = selector
            self._loop = asyncio.SelectorEventLoop(selector)
            self._run()

    def _run(self) -> None:
        loop, before = self.running(), self._thread

        def run() -> None:
            if before is not None:
                before.join()  # It has not paused in time, and the loop runs in one thread.
            loop.run_forever()

        # Nobody is to wait for it when the program ends.
        self._thread = threading.Thread(target=run, name=self._name, daemon=True)
        self._thread.start()

    def running(self) -> asyncio.AbstractEventLoop:
        """Return the loop.

        Raises:
            RelayError: If it is not running.
        """
        if self._loop is None:
            msg = "The relay is not running: start() it first."
            raise RelayError(msg)
        return self._loop

    def run(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin a coroutine there."""
        return asyncio.run_coroutine_threadsafe(work, self.running())

    def soon(self, call: Callable[[], object]) -> None:
        """Call something there, which returns at once."""
        self.running().call_soon_threadsafe(call)

    def pause(self) -> None:
        """Stop to run, with all tasks where they are, for as long as a fork takes."""
        if self.is_here:
            return
        self._lock.acquire()  # Until it goes on: nothing begins or ends meanwhile.
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_PATIENCE)

    def resume(self) -> None:
        """Go on after a pause."""
        if self.is_here:
            return
        if self._loop is not None:
            self._run()
        self._lock.release()

    def abandon(self) -> None:
        """Forget the loop, in a process that was forked: it is the parent's."""
        if self._loop is not None:
            _leave(self._loop, self._selector)
        self._loop = self._selector = self._thread = None
        self._lock = threading.Lock()

    def stop(self) -> None:
        """End the loop, and what still runs there."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        try:
            left = self.run(_cancel_all()).result(_PATIENCE * 2)
        except TimeoutError:
            left = [f"what blocks {self._name}"]
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_PATIENCE)
        if left:
            _LOG.error("These did not end, and are left behind: %s.", ", ".join(left))
        else:
            loop.close()
        self._loop = self._selector = self._thread = None


_LEFT: list[object] = []
"""What belongs to loops of a parent: to throw it away would run the rest of it in the child."""


def _leave(loop: asyncio.AbstractEventLoop, selector: selectors.BaseSelector | None) -> None:
    """Leave the loop of a parent to it.

    Both processes share what the kernel waits for. A loop that is closed or collected in the
    child would take its own socket out of that, and nobody could wake the parent's any more.
    """
    if selector is not None and _is_gevents(selector):
        selector.close()  # gevent waits for all with one of its own, and makes another here.
    elif sys.platform == "linux" and isinstance(selector, selectors.EpollSelector):
        with select.epoll() as other:
            os.dup2(other.fileno(), selector.fileno(), inheritable=False)
    for task in asyncio.all_tasks(loop):
        task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001 - no other way to say so.
        coroutine: Any = task.get_coro()
        if inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED:
            coroutine.close()  # Python warns of what never began.
        _LEFT.append(task)
    _LEFT.append(loop)


def _check_greenlets(name: str, selector: object) -> None:
    """Refuse to start where a loop cannot run in a greenlet.

    Raises:
        StateError: If it cannot.
    """
    if has_greenlets() is not _is_gevents(selector):
        msg = (
            "gevent has replaced threads here, or what waits for sockets, and not both: "
            f"{name} cannot start. Let patch_all() have thread=True and select=True."
        )
        raise StateError(msg)
    if asyncio._get_running_loop() is not None:  # noqa: SLF001 - it tells of any greenlet's, and has no other name.
        msg = (
            "gevent makes greenlets of threads here, and asyncio runs one event loop for all of "
            f"them: {name} cannot start, as another one is running. Have one relay in this "
            "process, and start it outside of asyncio."
        )
        raise StateError(msg)


def _is_gevents(selector: object) -> bool:
    return type(selector).__module__.startswith("gevent.")


async def _cancel_all() -> list[str]:
    """Cancel everything; return what does not end all the same."""
    mine = asyncio.current_task()
    others = [it for it in asyncio.all_tasks() if it is not mine]
    for task in others:
        task.cancel()
    if not others:
        return []
    _, left = await asyncio.wait(others, timeout=_PATIENCE)
    return sorted(repr(it.get_coro()) for it in left)
