"""Makes one change at a time; finalizers queue their changes instead of waiting for the lock."""

from __future__ import annotations

import gc
import os
from _thread import RLock
from collections import deque
from functools import partial
from types import MethodType

from heliograph.core.errors import SignalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Lock(RLock):  # type: ignore[misc]  # Final in typeshed alone.
    """A lock that knows whether this thread holds it. Each user takes it once, never twice.

    A signal handler may raise after any call, and so right after the call that takes the lock.
    So the lock is taken inside the ``try`` that releases it, and `is_mine` is an attribute: no
    handler runs between a look at an attribute and the call that follows::

        try:
            lock.acquire()
            ...
        finally:
            if lock.is_mine:
                lock.release()
    """

    __slots__ = ()

    # Asked of the lock itself: a flag of our own would be set one bytecode after the lock is
    # taken, and a finalizer that runs in between would wait forever.
    is_mine: property = property(RLock._is_owned)  # type: ignore[attr-defined]  # Not in its stub.


class _State:
    """What belongs to the change that is being made."""

    __slots__ = ("broken", "changing", "failures", "forking", "kept", "paused")

    def __init__(self) -> None:
        # Objects that are kept alive until the lock is free.
        self.kept: list[object] = []
        # Whether a change may be under way, in any thread.
        self.changing: bool = False
        # A change that may be half made, or its owner: it is being made, or was interrupted.
        self.broken: object = None
        # How often the first of the pending changes has failed.
        self.failures: int = 0
        # Whether the garbage collector has to be turned on again after the change, and whether
        # the lock was taken for a fork.
        self.paused: bool = False
        self.forking: bool = False


_MOST_FAILURES = 1000
"""After so many, a pending change is given up: it will never succeed, and all others wait."""

# One lock for all signals: if each had its own, two threads could each hold one while a
# finalizer that the garbage collector runs in them waits for the other's.
_lock = Lock()
_is_mine: Callable[[], bool] = _lock._is_owned  # type: ignore[attr-defined]  # Not in its stub.
# Looked up once, as every change needs them.
_acquire, _release = _lock.acquire, _lock.release
_collects, _stop_collecting, _collect_again = gc.isenabled, gc.disable, gc.enable
lock_state: _State = _State()

pending_changes: deque[Callable[[], object]] = deque()
"""The changes that are still to be made; the one that is being made is the first of them."""


def under_lock(change: Callable[..., Any], *args: Any) -> Any:
    """Call ``change(*args)`` under the lock, as `change_under_lock` does."""
    return change_under_lock(_spread, change, args, None)


def _spread(change: Callable[..., Any], args: tuple[Any, ...], _: None) -> Any:
    return change(*args)


# In one function with what `_undisturbed` does, and with as many arguments as most changes have:
# calls are a good part of what a change costs, and those with a tuple of arguments take twice as
# long.
def change_under_lock(  # noqa: PLR0915 - just told.
    change: Callable[..., Any], owner: Any, one: Any, two: Any
) -> Any:
    """Call ``change(owner, one, two)`` under the lock and return what it returns.

    If this thread holds the lock already, because a signal handler interrupted another
    change, this one is made right after that one, and None is returned.
    No receiver runs while the lock is held, and the garbage collector does not run either.
    If a change is interrupted half-way, its owner is asked to `repair` what it has left.
    """
    if _is_mine():
        pending_changes.append(partial(MethodType(change, owner), one, two))
        return None
    dropped: list[object] | None = None
    try:
        _acquire()
        try:
            lock_state.changing = True
            lock_state.paused = _collects()
            if lock_state.paused:
                _stop_collecting()
            if pending_changes or lock_state.broken:
                _make_all_pending()
            try:
                # First: a second interruption could come before what the first one calls for.
                lock_state.broken = owner
                found = change(owner, one, two)
            except SignalError:  # It was refused before anything changed.
                lock_state.broken = None
                raise
            lock_state.broken = None
            return found
        finally:
            # Dropped once the lock is free: if this was the last reference, a finalizer runs,
            # and it may wait for a lock whose owner waits for this one.
            if lock_state.kept:
                dropped, lock_state.kept = lock_state.kept, []
            lock_state.changing = False
            if lock_state.paused:
                lock_state.paused = False
                # The lock is released next. Nothing is allocated before, so nothing is collected.
                _collect_again()
    finally:
        if _lock.is_mine:
            _release()
        del dropped
        if pending_changes or lock_state.broken:
            make_pending_changes()


def run_deferred(change: Callable[[], object]) -> None:
    """Make a change that a dying object causes: now, or right after the current change."""
    pending_changes.append(change)
    make_pending_changes()


def keep_until_unlocked(it: object) -> None:
    """Keep an object alive until the current change is complete and the lock is free."""
    lock_state.kept.append(it)


def make_pending_changes() -> None:
    """Make the pending changes, unless somebody holds the lock, who will make them then."""
    # Without waiting: a weak reference's callback may run inside a change that its own thread
    # is making, and then the lock would never become free.
    while (pending_changes or lock_state.broken) and not _is_mine():
        dropped: list[object] = []
        try:
            free = _lock.acquire(blocking=False)
            if free:
                _undisturbed()
        finally:
            if _lock.is_mine:
                dropped, lock_state.kept = lock_state.kept, dropped
                _lock.release()
        del dropped
        if not free:
            return


def _undisturbed() -> None:
    """Make all pending changes, with the garbage collector turned off."""
    try:
        lock_state.changing = True
        lock_state.paused = _collects()
        if lock_state.paused:
            _stop_collecting()
        try:
            _make_all_pending()
        finally:
            if pending_changes or lock_state.broken:
                _make_all_pending()
    finally:
        lock_state.changing = False
        if lock_state.paused:
            lock_state.paused = False
            # As in `change_under_lock`.
            _collect_again()


def _make_all_pending() -> None:
    while pending_changes or lock_state.broken:
        if lock_state.broken:
            _repair(lock_state.broken)
            lock_state.broken = None
            continue
        # It stays in the queue until it is made, because sends ask whether the queue is empty,
        # and because it is made again if it is interrupted. It may hold the last reference to
        # a receiver, or to a whole signal.
        change = lock_state.broken = pending_changes[0]
        keep_until_unlocked(change)
        try:
            # What it returns may be all that holds what it has removed.
            keep_until_unlocked(change())
            lock_state.broken = None
        except SignalError:
            lock_state.broken = None
            pending_changes.popleft()
            raise
        except BaseException:
            lock_state.failures += 1
            if lock_state.failures < _MOST_FAILURES:
                raise
        pending_changes.popleft()
        lock_state.failures = 0


def _repair(owner: Any) -> None:
    """Repair what an interrupted change left half made, if its owner can."""
    while type(owner) in (partial, MethodType):  # A change: of its object, with arguments.
        owner = owner.func if type(owner) is partial else owner.__self__
    keep_until_unlocked(owner)
    if hasattr(type(owner), "repair"):
        owner.repair()


# Forking ------------------------------------------------------------------------------


def _before_fork() -> None:
    # So that the child gets complete tables. Not forever: a signal handler inside the current
    # change may wait for something that this thread holds.
    lock_state.forking = not _is_mine()
    if lock_state.forking:
        _lock.acquire(timeout=1)


def _after_fork() -> None:
    if lock_state.forking and _lock.is_mine:
        _lock.release()
    lock_state.forking = False
    make_pending_changes()


def _after_fork_in_child() -> None:
    # The thread that may have held the lock does not exist in the child.
    _lock._at_fork_reinit()  # type: ignore[attr-defined]  # Not in its stub.
    if not lock_state.forking:  # It forked in the middle of its own change, and goes on with it.
        lock_state.broken = None
    if lock_state.paused:
        lock_state.paused = False
        gc.enable()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has none.
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child
    )
    # A signal handler may raise at the first bytecode of a function.
    os.register_at_fork(after_in_parent=_after_fork, after_in_child=_after_fork_in_child)
