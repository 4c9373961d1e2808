"""Blocks that connect or mute for a while: which of them count here, and how each is undone."""

from __future__ import annotations

from contextvars import ContextVar
from functools import wraps
from itertools import chain

from heliograph.core.callables import is_async, why_not_decorated
from heliograph.core.describe import describe_callable
from heliograph.core.errors import ArgumentError, StateError
from heliograph.core.mistakes import warn_of_unused
from heliograph.core.showing import counted, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator
    from typing import Any, TypeGuard, TypeVar

    from heliograph.core.connections.connection import Connection
    from heliograph.core.source import Place

    F = TypeVar("F", bound=Callable[..., Any])
    # The receivers that are called nevertheless, by their keys, for each block that mutes.
    Mutes = dict["Scope", frozenset[Hashable]]

_LEAVING = 16
"""Calls inside of each other that leaving a block takes, and some to spare."""


INNERMOST: ContextVar[Scope | None] = ContextVar("heliograph_scope", default=None)
"""The block that the current context entered last. Another context may have left it since."""


class Scope:
    """One `with` block that connects or mutes: in all contexts, or in its own alone."""

    __slots__ = ("block", "everywhere", "made", "outer")

    def __init__(self, block: object, *, everywhere: bool) -> None:
        # What was entered, until it is left; and what leaving it has to undo.
        self.block: object = block
        self.everywhere: bool = everywhere
        self.made: Any = None
        # The block around this one.
        self.outer: Scope | None = None


def entered() -> Iterator[Scope]:
    """Yield the blocks that the current context is inside of, the innermost first."""
    scope = INNERMOST.get()
    while scope is not None:
        yield scope
        scope = scope.outer


def is_local(scope: Scope | None) -> TypeGuard[Scope]:
    """Tell whether what was made in a block counts in the contexts alone that are inside of it."""
    return scope is not None and not scope.everywhere


def counted_here(connections: Iterable[Connection]) -> Iterable[Connection]:
    """Leave out the temporary connections that do not count in the current context."""
    here: set[Scope] | None = None
    for connection in connections:
        scope = connection._options.scope
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
    """Something that holds inside of a `with` block, or while a decorated function runs.

    It may be entered several times, nested and in several threads or tasks, and be left in
    any order. Leaving undoes what the block did that was entered last in the current
    context; in a context that has entered none, it is the one that was entered last anywhere.
    """

    _used = True  # One that is half made is not to be used.

    def __init__(
        self,
        begin: Callable[[Scope], Any],
        end: Callable[[Scope, Any], Any],
        tell: Callable[[Any], object] = bool,
        *,
        local: bool,
        called: Callable[[], str],
        made: Place,
    ) -> None:
        """Make what can be entered.

        Args:
            begin: Does it, for a scope.
            end: Undoes it, given the scope and what *begin* has returned, or None if that did
                not get so far. It may be called again, and then has nothing to do.
            tell: Is called with what *end* has returned, when the block was left.
            local: Whether it counts in the context alone in which it is entered.
            called: Returns how messages call it.
            made: The place in the user's code that makes it.
        """
        self._begin = begin
        self._end = end
        self._tell = tell
        self._local = local
        self._called = called
        self._made = made
        # The blocks that are open, wherever they were entered, and who is leaving them.
        self._open: dict[Scope, None] = {}
        self._leaving: dict[Scope, object] = {}
        self._used = False

    def __enter__(self) -> None:
        self._used = True
        _make_sure_of_room(_LEAVING)
        scope = Scope(self, everywhere=not self._local)
        try:
            self._open[scope] = None
            scope.made = self._begin(scope)
            _enter(scope)
        except BaseException:
            # The block will not be run, nor be left.
            self._close(scope)
            raise

    def __exit__(self, *_: object) -> None:
        scope, me = None, object()
        try:
            scope = self._last(me)
            ended = self._close(scope)
        except BaseException:
            # Once more, if a signal handler came in between.
            self._close(scope or self._last(me))
            raise
        self._tell(ended)

    def _last(self, who: object) -> Scope:
        """Return the block to leave, which nobody else will leave then."""
        innermost = INNERMOST.get()
        if innermost is not None and innermost.block is self and not self._leaving:
            return innermost  # The usual case, in which nobody else would leave it.
        here = (it for it in entered() if it.block is self)
        for scope in chain(here, reversed(list(self._open))):
            if self._leaving.setdefault(scope, who) is who:
                if scope.block is not None:
                    return scope
                del self._leaving[scope]  # Somebody else has just left it.
        msg = "There is no block to leave: it was not entered, or was left already."
        raise StateError(msg)

    def _close(self, scope: Scope) -> Any:
        """End a block, if it has not ended; returns what there is to tell of it."""
        if scope.block is None:
            return None
        ended = self._end(scope, scope.made)
        scope.block = scope.made = None
        self._open.pop(scope, None)
        self._leaving.pop(scope, None)
        INNERMOST.set(_under_way(INNERMOST.get()))
        return ended

    def __call__(self, function: F) -> F:
        """Decorate a function or a coroutine function.

        Raises:
            ArgumentError: If it is a generator function, which would run none of
                its lines inside of the block; or a class, or cannot be called.
        """
        self._used = True
        problem = why_not_decorated(function)
        if problem is not None:
            msg = f"{describe_callable(function)} {problem}"
            raise ArgumentError(msg)

        def again() -> Scoped:
            return Scoped(
                self._begin,
                self._end,
                self._tell,
                local=self._local,
                called=self._called,
                made=self._made,
            )

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with again():
                return function(*args, **kwargs)

        @wraps(function)
        async def call_async(*args: Any, **kwargs: Any) -> Any:
            with again():
                return await function(*args, **kwargs)

        # Both are called as the function is.
        return call_async if is_async(function) else call  # type: ignore[return-value]

    def __del__(self) -> None:
        if not self._used:
            warn_of_unused(self._called(), self._made)

    @shown
    def __repr__(self) -> str:
        many = len(self._open)
        return f"<{self._called()}, in {counted(many, 'block', 'blocks') if many else 'no block'}>"


def _make_sure_of_room(calls: int) -> None:
    """Raise now what too few calls would raise when the block is to be left.

    Raises:
        RecursionError: If there is no room for so many calls inside of each other.
    """
    if calls:
        _make_sure_of_room(calls - 1)


def _enter(scope: Scope) -> None:
    """Let the current context be inside of a block."""
    outer = _under_way(INNERMOST.get())
    if outer is not None:
        outer.outer = _under_way(outer.outer)
    scope.outer = outer
    INNERMOST.set(scope)


def _under_way(scope: Scope | None) -> Scope | None:
    """Return a block, or the nearest one around it that has not ended.

    One that is left in another context has ended there, and stays here until then: as that of
    a generator that was closed by somebody else, or dropped.
    """
    while scope is not None and scope.block is None:
        scope = scope.outer
    return scope
