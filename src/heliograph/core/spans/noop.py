"""The no-op span, which stands in for every span while no receiver is connected."""

from __future__ import annotations

from functools import update_wrapper
from types import FunctionType

from heliograph.core.connections.registry import Registry
from heliograph.core.spans.span import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self

    from heliograph.core.spans.span import SpanKind


class _NoopSpan(Span):
    """A span that does nothing and knows nothing."""

    __slots__ = ()

    def __init__(self) -> None:
        self.name = ""
        self.sender = self.duration = self._parent = self._place = None
        self._payload = {}
        self._attributes = {}

    def add(self, **values: Any) -> None:
        """Do nothing."""

    if not TYPE_CHECKING:
        # Static, as binding `self` takes longer than the call itself.
        @staticmethod
        def __enter__() -> Span:
            return NOOP

        @staticmethod
        def __exit__(_: object, __: object, ___: object) -> None:
            pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, _: object, error: object, __: object) -> None:
        pass

    def __repr__(self) -> str:
        return "<Span without receivers>"


NOOP: Span = _NoopSpan()


def _put_in_place() -> Any:
    """Let the no-op span answer in C where sends run in C; returns the class that does so."""
    if not Registry.runs_in_c:
        return None
    from heliograph.core.sending import _dispatch

    for method, value in (("__enter__", NOOP), ("__exit__", None), ("add", None)):
        answer = update_wrapper(_dispatch.Noop(value, Registry, ()), vars(_NoopSpan)[method])
        setattr(_NoopSpan, method, staticmethod(answer))
    return _dispatch.Noop


_InC = _put_in_place()


def begin_or_noop(kind: SpanKind, stub: Callable[..., object]) -> Any:
    """Return a function that makes a span, or returns the no-op span if no receiver is connected.

    It has the name and the signature of the stub. It refuses to be used as a decorator.
    """
    started, finished, failed = (it._registry for it in (kind.started, kind.finished, kind.failed))
    span = kind.span

    # A function, as calling an object with `__call__` takes nearly twice as long.
    def begin(sender: Any = None, /, **payload: Any) -> Span:
        if not payload and type(sender) is FunctionType:
            kind.refuse_to_decorate(sender)
        if started.anyone or finished.anyone or failed.anyone:
            return span(sender, **payload)
        return NOOP

    named = update_wrapper(begin, stub)
    if _InC is None:
        return named
    return update_wrapper(_InC(NOOP, Registry, (started, finished, failed), named), stub)
