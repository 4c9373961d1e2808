"""What belongs to a test: the mark that it leaves on whatever it starts, and what it rules out."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TEST: ContextVar[object] = ContextVar("heliograph_test", default=None)
"""The test that the current context was started by, where somebody has said so."""


_HERE: ContextVar[frozenset[LocalBlock]] = ContextVar("heliograph_blocks", default=frozenset())
"""The ``local=True`` blocks that the current context is inside of."""


class LocalBlock:
    """A ``local=True`` block, as contexts know it: of what it captures or undoes they keep nothing.

    It may be left in another context than it was entered in, as in a generator that is
    closed by somebody else; the first one forgets it when it enters another.
    """

    def __init__(self) -> None:
        self.is_open: bool = False

    def enter(self) -> None:
        """Let the current context be inside of the block, and all that is started from it."""
        self.is_open = True
        _HERE.set(_open() | {self})

    def leave(self) -> None:
        """End the block."""
        self.is_open = False
        _HERE.set(_open())

    def is_here(self) -> bool:
        """Tell whether the current context is inside of the block."""
        return self in _HERE.get()


def _open() -> frozenset[LocalBlock]:
    return frozenset(block for block in _HERE.get() if block.is_open)


def is_work_of(test: object) -> bool:
    """Tell whether the current context may be working for a test; for None it always is."""
    # A plain thread says of no test that it started it, and is likely to work for this one.
    here = TEST.get()
    return here is None or test is None or here is test


@contextmanager
def started_by(test: object) -> Iterator[None]:
    """Let what is started from here, tasks above all, be known as a part of a test."""
    token = TEST.set(test)
    try:
        yield
    finally:
        TEST.reset(token)


def marked(function: Callable[..., Any], test: object) -> Callable[..., Any]:
    """Return an async test function that says of itself which test it is.

    Its loop may be older than the test, and run it in a context of its own.
    Others are returned as they are.
    """
    if not iscoroutinefunction(function):
        return function

    @wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        with started_by(test):
            return await function(*args, **kwargs)

    return call
