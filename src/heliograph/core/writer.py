"""One change to connections at a time, without ever waiting for a lock in a finalizer."""

from __future__ import annotations

import os
from _thread import RLock
from collections import deque
from functools import partial

TYPE_CHECKING = False  # What type checkers believe, without importing typing.
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class _Writer:
    """Whoever is changing connections now, and the changes that must wait for it."""

    __slots__ = ("dropped", "is_mine", "lock", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Callable[[], object]] = deque()
        self.dropped: list[object] = []
        self.new_lock()

    def new_lock(self) -> None:
        """Begin with a lock that nobody holds."""
        # Entered twice by forks alone, but it knows its owner from the moment that it is taken. A
        # note of ours would come a bytecode later, and a finalizer in between would wait forever.
        self.lock = RLock()
        self.is_mine: Callable[[], bool] = self.lock._is_owned  # type: ignore[attr-defined]


# One for all signals: with one each, two threads could each hold one, while a finalizer
# that the garbage collector runs in them waits for the other's.
_writer = _Writer()

waiting: deque[Callable[[], object]] = _writer.waiting
"""The changes that are still to be made, and the one of them that is being made."""


def exclusively(change: Callable[..., Any], *args: Any) -> Any:
    """Return ``change(*args)``, made while nobody else changes any connection.

    A change that is wanted from inside another one, by a finalizer that the garbage
    collector runs there, is made right after that one, and None is returned.
    No receiver is ever called while the lock is held.
    """
    if _writer.is_mine():
        waiting.append(partial(change, *args))
        return None
    dropped = None
    try:
        with _writer.lock:
            try:
                if waiting:
                    _make_waiting_changes()
                return change(*args)
            finally:
                if waiting:
                    _make_waiting_changes()
                # Dropped once the lock is free: the finalizer of what they were the last to
                # hold may wait for a lock whose owner waits for this one.
                if _writer.dropped:
                    dropped, _writer.dropped = _writer.dropped, []
    finally:
        del dropped
        if waiting:
            _settle()


def soon(change: Callable[[], object]) -> None:
    """Make a change that a dying object causes: now, or right after the one being made."""
    waiting.append(change)
    _settle()


def drop_later(it: object) -> None:
    """Keep an object alive until the change that is being made is complete."""
    _writer.dropped.append(it)


def _make_waiting_changes() -> None:
    while waiting:
        # It stays in the list until it is made, for those who ask; and it may be the last to
        # hold a receiver, or a whole signal.
        drop_later(waiting[0])
        try:
            waiting[0]()
        finally:
            waiting.popleft()


def _settle() -> None:
    # Never waiting: the garbage collector may have run a weak reference's callback inside
    # of a change of the same thread, and then the lock would never be free.
    lock = _writer.lock
    while waiting and not _writer.is_mine() and lock.acquire(blocking=False):
        try:
            _make_waiting_changes()
        finally:
            dropped, _writer.dropped = _writer.dropped, []
            lock.release()
        del dropped


def _before_fork() -> None:
    # The child is to get whole tables. Not waiting forever, as a finalizer in the change that
    # is being made may wait for something that this thread holds.
    _writer.lock.acquire(timeout=1)


def _after_fork() -> None:
    if _writer.is_mine():
        _writer.lock.release()
        _settle()


def _after_fork_in_child() -> None:
    # The thread that may have held the lock does not exist here.
    _writer.new_lock()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has none.
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child
    )
