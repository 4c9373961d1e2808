"""What is done to a signal for a while, and undone exactly, as a `with` block or a decorator."""

from __future__ import annotations

from functools import wraps

from heliograph.core.callables import called, is_async, why_not_decorated
from heliograph.core.errors import ArgumentError
from heliograph.core.registry import SCOPES
from heliograph.core.terms import Scope

TYPE_CHECKING = False  # What type checkers believe, without importing typing.
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])


class ForAWhile:
    """Something that holds inside of a `with` block, or while a decorated function runs.

    It may be entered several times, nested and in several threads or tasks, and
    be left in any order: each block undoes what it did itself.
    """

    def __init__(
        self,
        begin: Callable[[Scope], object],
        end: Callable[[Scope, Any], object],
        *,
        local: bool,
    ) -> None:
        self._begin = begin
        self._end = end
        self._local = local
        self._inside: list[tuple[Scope, object]] = []

    def __enter__(self) -> None:
        scope = Scope(everywhere=not self._local)
        self._inside.append((scope, self._begin(scope)))
        if self._local:
            SCOPES.set(SCOPES.get() | {scope})

    def __exit__(self, *_: object) -> None:
        if self._local:
            # Of the blocks that are open, in other threads too, the last one of this context.
            here = SCOPES.get()
            mine = (block for block in reversed(self._inside) if block[0] in here)
            block = next(mine, self._inside[-1])
            self._inside.remove(block)
            SCOPES.set(here - {block[0]})
        else:
            block = self._inside.pop()
        self._end(*block)

    def __call__(self, function: F) -> F:
        """Decorate a function or a coroutine function.

        Raises:
            ArgumentError: If it is a generator function, which would run none of
                its lines inside of the block; or a class, or cannot be called.
        """
        problem = why_not_decorated(function)
        if problem is not None:
            msg = f"{called(function)} {problem}"
            raise ArgumentError(msg)

        def again() -> ForAWhile:
            return ForAWhile(self._begin, self._end, local=self._local)

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
