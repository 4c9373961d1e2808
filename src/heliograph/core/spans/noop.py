"""The no-op span, which stands in for every span while no receiver is connected."""

from __future__ import annotations

from functools import partial, update_wrapper
from types import FunctionType

from heliograph.core.connections.registry import Registry
from heliograph.core.identity import KEY_FUNCTIONS
from heliograph.core.signal import Signal
from heliograph.core.spans.kind import SpanKind
from heliograph.core.spans.span import NOTHING, PLACE, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self


class _NoopSpan(Span):
    """A span that does nothing and knows nothing."""

    __slots__ = ()

    def __init__(self) -> None:
        self.name = ""
        self.sender = self.duration = self._parent = self._place = None
        self._payload = {}
        self._attributes = None

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
    """Let spans be served in C where sends run in C; returns the two classes that do so."""
    if not Registry.runs_in_c:
        return None
    from heliograph.core.sending import _dispatch

    for method, value in (("__enter__", NOOP), ("__exit__", None), ("add", None)):
        answer = update_wrapper(_dispatch.Noop(value, Registry, ()), vars(_NoopSpan)[method])
        setattr(_NoopSpan, method, staticmethod(answer))
    call = partial(_call_in_c, _dispatch.SpanCall)
    Span.__enter__ = update_wrapper(call("enter", Span.__enter__), Span.__enter__)  # type: ignore[method-assign]  # In C.
    Span.__exit__ = update_wrapper(call("leave", Span.__exit__), Span.__exit__)  # type: ignore[method-assign]  # In C.
    return _dispatch.Noop, call


def _call_in_c(new: Any, what: str, in_python: Any, kind: SpanKind | None = None) -> Any:
    """Return what begins, enters or leaves spans in C, with all that it uses of the engine."""
    return new(what, Signal.send, in_python, Span, SpanKind, PLACE, NOTHING, kind)


_InC = _put_in_place()


def begin_or_noop(kind: SpanKind, stub: Callable[..., object]) -> Any:
    """Return a function that makes a span, or returns the no-op span if no receiver is connected.

    It has the name and the signature of the stub. It refuses to be used as a decorator.
    """
    started, finished, failed = (it._registry for it in (kind.started, kind.finished, kind.failed))
    span, name = kind.span, kind.name

    # A function, as calling an object with `__call__` takes nearly twice as long.
    def begin(sender: Any = None, /, **payload: Any) -> Span:
        if not payload and type(sender) is FunctionType:
            kind.refuse_to_decorate(sender)
        if not (finished.anyone or started.anyone or failed.anyone):
            return NOOP
        # What may be a proxy, or is to be checked, goes the long way. Of the type of the last
        # snapshot, no object is a proxy.
        kept = finished.last_snapshot[1]
        if started.checked or (
            type(sender) is not kept and KEY_FUNCTIONS.get(id(type(sender))) is None
        ):
            return span(sender, **payload)
        # As `make_span` does: another call would take as long as all of this.
        made = Span()
        made._kind = kind
        made.name = name
        made.sender = sender
        made._payload = payload
        made.duration = made._parent = made._place = made._attributes = made._clock = None
        return made

    named = update_wrapper(begin, stub)
    if _InC is None:
        return named
    noop, call = _InC
    heard = call("begin", named, kind)
    return update_wrapper(noop(NOOP, Registry, (started, finished, failed), heard), stub)
