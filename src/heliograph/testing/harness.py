"""What is done around every test of a run: isolation, the rules, a record for reports."""

from __future__ import annotations

from contextlib import contextmanager
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from heliograph import add_instrument, remove_instrument
from heliograph.testing.capture import TEST, Capture, capture
from heliograph.testing.isolation import Isolation
from heliograph.testing.rules import Watch
from heliograph.testing.tree import tree

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator


class Harness:
    """Holds the tests of one run, one after the other.

    Args:
        isolates: Whether connections are undone at the end of their scope.
        records: Whether everything that a test sends is kept, for `report`.
    """

    def __init__(self, *, isolates: bool, records: bool) -> None:
        self.isolation: Isolation = Isolation()
        self._isolates = isolates
        self._records = records
        self._watch = Watch()
        self._record: Capture | None = None

    def start(self) -> None:
        """Begin to note connections, before the first test."""
        if self._isolates:
            add_instrument(self.isolation)

    def stop(self) -> None:
        """Leave nothing behind, after the last test: not even of one that was interrupted."""
        remove_instrument(self.isolation)
        self.end(None)

    def begin(self, test: object) -> None:
        """Begin a test: before its fixtures are set up."""
        self._watch = Watch(test)
        add_instrument(self._watch)
        if self._records:
            self._record = capture()
            with started_by(test):
                self._record.__enter__()

    def end(self, test: Hashable) -> None:
        """End a test: after its fixtures were torn down."""
        remove_instrument(self._watch)
        self.isolation.undo(test)
        if self._record is not None:
            self._record.__exit__(None)

    @contextmanager
    def scope(self, scope: Hashable) -> Iterator[None]:
        """Hold what makes connections that last until the end of that scope."""
        self.isolation.enter(scope)
        try:
            yield
        except BaseException:
            # What was raised is the reason for whatever comes of it, and enough.
            self._watch.forget()
            raise
        finally:
            self.isolation.leave()

    def problems(self) -> list[str]:
        """Return what is against the rules until now; what has been told is not told again."""
        return self._watch.problems()

    def report(self) -> str:
        """Return the tree of what the test has sent; empty if nothing was kept."""
        return "" if self._record is None else tree(self._record)


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
