"""Tells whose work runs: the test that started a context, and the local blocks around it."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TEST: ContextVar[object] = ContextVar("heliograph_test", default=None)
"""The test that started the current context, if that is known."""


_HERE: ContextVar[frozenset[LocalBlock]] = ContextVar("heliograph_blocks", default=frozenset())
"""The ``local=True`` blocks around the current context."""


class LocalBlock:
    """A ``local=True`` block, as contexts keep it: without what it captures or undoes.

    It may be left in another context than the one that entered it, as a generator may be
    closed elsewhere; that one drops it when it enters or leaves another block.
    """

    def __init__(self) -> None:
        self.is_open: bool = False

    def enter(self) -> None:
        """Put the current context, and the contexts started from it, inside the block."""
        self.is_open = True
        _HERE.set(_open() | {self})

    def leave(self) -> None:
        """End the block."""
        self.is_open = False
        _HERE.set(_open())

    def is_here(self) -> bool:
        """Tell whether the current context is inside the block."""
        return self in _HERE.get()


def _open() -> frozenset[LocalBlock]:
    return frozenset(block for block in _HERE.get() if block.is_open)


def is_work_of(test: object) -> bool:
    """Tell whether the current context may work for a test. For None, every context does."""
    # A plain thread does not know which test started it, and probably works for this one.
    here = TEST.get()
    return here is None or test is None or here is test


@contextmanager
def started_by(test: object) -> Iterator[None]:
    """Mark what is started inside the block, tasks above all, as work of a test."""
    token = TEST.set(test)
    try:
        yield
    finally:
        TEST.reset(token)


def marked(function: Callable[..., Any], test: object) -> Callable[..., Any]:
    """Return an async test function that marks its own context as work of its test.

    An event loop that is older than the test runs it in a context that does not know the test.
    Functions that are not async are returned as they are.
    """
    if not iscoroutinefunction(function):
        return function

    @wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        with started_by(test):
            return await function(*args, **kwargs)

    return call
