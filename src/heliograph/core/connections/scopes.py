"""Blocks that connect or mute for a while: which of them count here, and how each is undone."""

from __future__ import annotations

from contextvars import ContextVar
from functools import wraps
from itertools import chain

from heliograph.core.callables import is_async, why_not_decorated
from heliograph.core.connections.options import SCOPE
from heliograph.core.describe import describe_callable
from heliograph.core.errors import ArgumentError, StateError
from heliograph.core.mistakes import warn_of_unused
from heliograph.core.showing import counted, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator
    from typing import Any, Self, TypeGuard, TypeVar

    from heliograph.core.connections.connection import Connection
    from heliograph.core.source import CallSite

    F = TypeVar("F", bound=Callable[..., Any])
    # The receivers that are called nevertheless, by their keys, for each block that mutes.
    Mutes = dict["Scope", frozenset[Hashable]]

_LEAVING = 16
"""How many calls inside each other leaving a block takes, and some to spare."""


_new: Callable[..., Any] = object.__new__

INNERMOST: ContextVar[Scope | None] = ContextVar("heliograph_scope", default=None)
"""The block that the current context entered last, of those that contexts have to know: one that
counts only there, or one that was entered while it was open already. It may have been left since,
as writing here once more would take a seventh of entering and leaving."""


class Scope:
    """One `with` block that connects or mutes: in all contexts, or in its own alone."""

    __slots__ = ("block", "everywhere", "made", "outer")

    def __init__(self, block: object, everywhere: bool) -> None:
        # What was entered, until it is left; and what leaving it has to undo.
        self.block: object = block
        self.everywhere: bool = everywhere
        self.made: Any = None
        # The block around this one.
        self.outer: Scope | None = None


BY_HAND = Scope(None, True)
"""Stands for the block that mutes a signal where an assignment mutes it."""


def entered() -> Iterator[Scope]:
    """Yield the blocks that the current context is inside of, the innermost first."""
    scope = under_way(INNERMOST.get())
    while scope is not None:
        yield scope
        scope = under_way(scope.outer)


def is_local(scope: Scope | None) -> TypeGuard[Scope]:
    """Tell whether what a block connects or mutes counts only in the contexts inside it."""
    return scope is not None and not scope.everywhere


def counted_here(connections: Iterable[Connection]) -> Iterable[Connection]:
    """Leave out the temporary connections that do not count in the current context."""
    here: set[Scope] | None = None
    for connection in connections:
        scope = connection._options[SCOPE]
        if is_local(scope):
            here = set(entered()) if here is None else here
            if scope not in here:
                continue
        yield connection


def is_muted(mutes: Mutes) -> bool:
    """Tell whether a send in the current context reaches no receiver at all."""
    return bool(mutes) and not all(_spared_here(mutes))


def unmuted(mutes: Mutes, connections: Iterable[Connection]) -> Iterable[Connection]:
    """Leave out the connections whose receivers are muted in the current context."""
    for spared in _spared_here(mutes) if mutes else ():
        connections = [it for it in connections if it._receiver_ref.key in spared]
    return connections


def _spared_here(mutes: Mutes) -> list[frozenset[Hashable]]:
    local = any(not scope.everywhere for scope in mutes)
    here = set(entered()) if local else ()
    return [it for scope, it in mutes.items() if scope.everywhere or scope in here]


class Scoped:
    """A context manager and decorator: something that holds inside a block, and is undone exactly.

    It may be entered several times, nested and in several threads or tasks, and be left in
    any order. Leaving undoes what the block did that was entered last in the current
    context; in a context that has entered none, it is the block that was entered last anywhere.

    Where one that counts everywhere is entered once, no context has to know that: what is open
    once can be left by anybody.
    """

    __slots__ = ("__weakref__", "_everywhere", "_leaving", "_made", "_open", "_used")

    def __init__(self, made: CallSite, local: bool) -> None:
        """Make a block that can be entered.

        Args:
            made: The place in the user's code that made it.
            local: Whether the block counts only in the context in which it is entered.
        """
        self._made = made
        self._everywhere = not local
        # The scopes that are open, wherever they were entered, with whether a context knows them;
        # and who is leaving them.
        self._open: dict[Scope, bool] = {}
        self._leaving: dict[Scope, object] = {}
        self._used = False

    if TYPE_CHECKING:

        def _begin(self, scope: Scope) -> Any:
            """Begin what holds inside; called with the scope when the block is entered."""

        def _end(self, scope: Scope, made: Any) -> Any:
            """End it; called with what `_begin` returned, or None if that raised.

            It may be called twice, and then has nothing to do.
            """

        def _again(self) -> Self:
            """Return another block that does the same."""
            ...

        def _called(self) -> str:
            """Return what messages call it."""
            ...

    def _tell(self, ended: Any) -> None:
        """Tell whom it concerns what has ended; called with what `_end` returned."""

    def __enter__(self) -> None:
        self._used = True
        _make_sure_of_room(_LEAVING)
        scope = _new(Scope)  # Without `__init__`, which takes as long again.
        scope.block = self
        scope.everywhere = everywhere = self._everywhere
        scope.made = scope.outer = None
        try:
            self._open[scope] = not everywhere
            scope.made = self._begin(scope)
            # Of two that are entered at once, at most one finds itself alone.
            if not everywhere or len(self._open) > 1:
                self._open[scope] = True
                if INNERMOST.get() is not None:
                    scope.outer = _around()
                INNERMOST.set(scope)
        except BaseException:
            # The block will not run, so it will not be left.
            self._close(scope)
            raise

    def __exit__(self, *_: object) -> None:
        scope = None
        try:
            opened = [*self._open]
            if len(opened) == 1 and opened[0].block is self and not self._leaving:
                scope = opened[0]
            else:
                scope = self._last()
            ended = self._close(scope)
        except BaseException:
            # Again, if a signal handler raised in between.
            self._close(scope or self._last())
            raise
        if ended is not None:
            self._tell(ended)

    def _last(self) -> Scope:
        """Return the scope to leave, which nobody else will leave then."""
        me, opened = object(), self._open.copy()
        here = (it for it in entered() if it.block is self)
        # That of a context which does not know it, before those of others.
        unknown = (it for it, known in opened.items() if not known)
        for scope in chain(here, unknown, reversed(opened)):
            if self._leaving.setdefault(scope, me) is me:
                if scope.block is not None:
                    return scope
                del self._leaving[scope]  # Somebody else has just left it.
        msg = "There is no block to leave: it was not entered, or was left already."
        raise StateError(msg)

    def _close(self, scope: Scope) -> Any:
        """End a scope, if it has not ended; returns what to call `_tell` with, or None."""
        if scope.block is None:
            return None
        ended = self._end(scope, scope.made)
        scope.block = scope.made = None
        self._open.pop(scope, None)
        if self._leaving:
            self._leaving.pop(scope, None)
        return ended

    def __call__(self, function: F) -> F:
        """Decorate a function or a coroutine function: each call runs in a block of its own.

        Raises:
            ArgumentError: If it is a generator function, none of whose lines would run
                inside the block; or a class, or not callable.
        """
        self._used = True
        problem = why_not_decorated(function)
        if problem is not None:
            msg = f"{describe_callable(function)} {problem}"
            raise ArgumentError(msg)

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return function(*args, **kwargs)

        @wraps(function)
        async def call_async(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return await function(*args, **kwargs)

        # Both are called as the function is.
        return call_async if is_async(function) else call  # type: ignore[return-value]  # Called as it is.

    def __del__(self) -> None:
        # Of one whose `__init__` failed, nobody is warned.
        if not getattr(self, "_used", True):
            warn_of_unused(self._called(), self._made)

    @shown
    def __repr__(self) -> str:
        many = len(self._open)
        return f"<{self._called()}, in {counted(many, 'block', 'blocks') if many else 'no block'}>"


def _make_sure_of_room(calls: int) -> None:
    """Raise an error now that would otherwise come when the block is left.

    Raises:
        RecursionError: If the stack has no room for so many calls inside each other.
    """
    if calls:
        _make_sure_of_room(calls - 1)


def _around() -> Scope | None:
    """Return the scope that one is inside of which is entered now."""
    outer = under_way(INNERMOST.get())
    if outer is not None:
        outer.outer = under_way(outer.outer)
    return outer


def under_way(scope: Scope | None) -> Scope | None:
    """Return a scope, or the nearest one around it that has not ended."""
    if scope is None or scope.block is not None:
        return scope
    found = scope.outer
    while found is not None and found.block is None:
        found = found.outer
    scope.outer = found  # Or each look would pass again those that were left.
    return found
