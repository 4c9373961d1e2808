"""One change to connections at a time, without ever waiting for a lock in a finalizer."""

from __future__ import annotations

import gc
import os
from _thread import RLock
from collections import deque
from functools import partial

from heliograph.core.errors import SignalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Lock(RLock):  # type: ignore[misc]  # Final in typeshed alone.
    """A lock that knows whether it is this thread's own; whoever uses it enters it once.

    A signal handler may raise after any call, also after the one that takes the lock. So it
    is taken inside of the ``try`` that gives it back, and `is_mine` is an attribute, as no
    handler runs between looking at an attribute and the call that follows::

        try:
            lock.acquire()
            ...
        finally:
            if lock.is_mine:
                lock.release()
    """

    __slots__ = ()

    # A note of ours would come a bytecode later than the lock, and a finalizer in between
    # would wait forever.
    is_mine: property = property(RLock._is_owned)  # type: ignore[attr-defined]  # Not in its stub.


class _Writer:
    """What belongs to the change that is being made."""

    __slots__ = ("broken", "dropped", "failures", "forking", "paused")

    def __init__(self) -> None:
        self.dropped: list[object] = []
        # A change that was interrupted, and may have left the half of it.
        self.broken: Callable[..., object] | None = None
        # How often the first of the waiting changes has failed.
        self.failures: int = 0
        # Whether the garbage collector is to go on after the change, and whether the lock was
        # taken for a fork.
        self.paused: bool = False
        self.forking: bool = False


_MOST_FAILURES = 1000
"""After so many, a waiting change is given up: the reason will not pass, and all others wait."""

# One for all signals: with one each, two threads could each hold one, while a finalizer
# that the garbage collector runs in them waits for the other's.
_lock = Lock()
_is_mine: Callable[[], bool] = _lock._is_owned  # type: ignore[attr-defined]  # Not in its stub.
_writer = _Writer()

waiting: deque[Callable[[], object]] = deque()
"""The changes that are still to be made, and the one of them that is being made."""


def exclusively(change: Callable[..., Any], *args: Any) -> Any:
    """Return ``change(*args)``, made while nobody else changes any connection.

    A change that is wanted from inside another one, by a signal handler that runs there,
    is made right after that one, and None is returned.
    No receiver is called while the lock is held, and nothing is collected as garbage.
    """
    if _is_mine():
        waiting.append(partial(change, *args))
        return None
    dropped: list[object] = []
    try:
        _lock.acquire()
        return _undisturbed(change, args)
    finally:
        if _lock.is_mine:
            # Dropped once the lock is free: the finalizer of what they were the last to
            # hold may wait for a lock whose owner waits for this one.
            dropped, _writer.dropped = _writer.dropped, dropped
            _lock.release()
        del dropped
        if waiting or _writer.broken:
            settle()


def soon(change: Callable[[], object]) -> None:
    """Make a change that a dying object causes: now, or right after the one being made."""
    waiting.append(change)
    settle()


def drop_later(it: object) -> None:
    """Keep an object alive until the change that is being made is complete."""
    _writer.dropped.append(it)


def settle() -> None:
    """Make the changes that wait, unless somebody is changing something, who then makes them."""
    # Never waiting: a weak reference's callback may run inside of a change of the same
    # thread, and then the lock would never be free.
    while (waiting or _writer.broken) and not _is_mine():
        dropped: list[object] = []
        try:
            free = _lock.acquire(blocking=False)
            if free:
                _undisturbed(_nothing, ())
        finally:
            if _lock.is_mine:
                dropped, _writer.dropped = _writer.dropped, dropped
                _lock.release()
        del dropped
        if not free:
            return


def _nothing() -> None:
    """Change nothing."""


def _undisturbed(change: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """Make a change, and all that wait, while the garbage collector stands still."""
    try:
        _writer.paused = gc.isenabled()
        if _writer.paused:
            gc.disable()
        try:
            if waiting or _writer.broken:
                _make_waiting_changes()
            return change(*args)
        except SignalError:  # It was refused, before anything was changed.
            raise
        except BaseException:
            _writer.broken = _writer.broken or change
            raise
        finally:
            if waiting or _writer.broken:
                _make_waiting_changes()
    finally:
        if _writer.paused:
            _writer.paused = False
            # The lock is given back next. Nothing is allocated in between, so that nothing is
            # collected before.
            gc.enable()


def _make_waiting_changes() -> None:
    while waiting or _writer.broken:
        if _writer.broken:
            _mend(_writer.broken)
            _writer.broken = None
            continue
        # It stays in the list until it is made, for those who ask, and as it is made again if
        # it is interrupted. And it may be the last to hold a receiver, or a whole signal.
        drop_later(waiting[0])
        try:
            waiting[0]()
        except SignalError:
            waiting.popleft()
            raise
        except BaseException:
            _writer.broken = waiting[0]
            _writer.failures += 1
            if _writer.failures < _MOST_FAILURES:
                raise
        waiting.popleft()
        _writer.failures = 0


def _mend(change: Any) -> None:
    """Put right what an interrupted change has left, if its object knows how to."""
    while type(change) is partial:
        change = change.func
    owner: Any = getattr(change, "__self__", None)
    drop_later(owner)
    if hasattr(type(owner), "mend"):
        owner.mend()


# Forking ------------------------------------------------------------------------------


def _before_fork() -> None:
    # The child is to get whole tables. Not waiting forever, as a signal handler in the change
    # that is being made may wait for something that this thread holds.
    _writer.forking = not _is_mine()
    if _writer.forking:
        _lock.acquire(timeout=1)


def _after_fork() -> None:
    if _writer.forking and _lock.is_mine:
        _lock.release()
    _writer.forking = False
    settle()


def _after_fork_in_child() -> None:
    # The thread that may have held the lock does not exist here.
    _lock._at_fork_reinit()  # type: ignore[attr-defined]  # Not in its stub.
    if _writer.paused:
        _writer.paused = False
        gc.enable()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has none.
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child
    )
    # A signal handler may raise at the first bytecode of a function.
    os.register_at_fork(after_in_parent=_after_fork, after_in_child=_after_fork_in_child)
