"""Declares spans: turns a stub into a span factory and the three signals of its spans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial, wraps

from heliograph.core.callables import is_async, why_not_decorated
from heliograph.core.declared.declaration import Argument
from heliograph.core.declared.mismatches import wrong_names
from heliograph.core.declared.runtime_types import Hint
from heliograph.core.describe import describe_callable, name_of
from heliograph.core.errors import ArgumentError
from heliograph.core.spans.kind import SpanKind
from heliograph.core.spans.noop import begin_or_noop
from heliograph.core.spans.span import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Concatenate, Never, ParamSpec, Protocol, Self, overload

    from heliograph.core._types import F, Q, S, T
    from heliograph.core.declared.declaration import Declaration
    from heliograph.core.signal import Signal

    P = ParamSpec("P")

    class SpanFactory(Protocol[P]):
        """Makes the spans of one type: call it as its stub says.

        Attributes:
            started: A signal, sent before the work, with the payload and the ``span``.
            finished: A signal, sent after the work, with the payload, the ``span``, its
                ``duration`` and its ``attributes``.
            failed: A signal, sent instead if the work raised, with the same and the
                ``error``.
        """

        started: Signal[...]
        finished: Signal[...]
        failed: Signal[...]

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Span:
            """Return a span, for a ``with`` or an ``async with`` block."""
            ...

        @overload
        def __get__(self, sender: None, kind: type, /) -> Self: ...
        @overload
        def __get__(
            self: SpanFactory[Concatenate[S, Q]], sender: S, kind: type, /
        ) -> Callable[Q, Span]: ...

        def wrap(self, *args: P.args, **kwargs: P.kwargs) -> Callable[[F], F]:
            """Return a decorator: each call of the function is a span with these arguments.

            Raises:
                ArgumentError: If these are not the arguments of the stub.
            """
            ...

        # Decorates a function: each call is a span with the arguments of the call.
        @overload
        def each_call(self) -> Callable[[Callable[P, T]], Callable[P, T]]: ...
        @overload
        def each_call(self, function: Callable[P, T], /) -> Callable[P, T]: ...


_DURATION = Argument("duration", "float")
_SPAN = Argument("span", "Span")
_ATTRIBUTES = Argument("attributes", "Mapping[str, object]")
_ERROR = Argument("error", "BaseException")
_CLASSES = {"span": Span, "duration": float, "attributes": Mapping, "error": BaseException}

# By the last word of a signal's name: when it is sent, and what it carries beside the payload.
_SIGNALS = {
    "started": ("Sent when a span begins.", (_SPAN,)),
    "finished": ("Sent when a span ends without an error.", (_SPAN, _DURATION, _ATTRIBUTES)),
    "failed": ("Sent when an error ends a span.", (_SPAN, _DURATION, _ATTRIBUTES, _ERROR)),
}

# Methods of a signal that a span factory lacks, as it has three signals: they explain that.
_OF_SIGNALS = ("connect", "connect_via", "connected_to")


def advice(stub: Any) -> str:
    """Return where the work belongs, for a stub that has a body."""
    name = getattr(stub, "__name__", "span")
    return (
        f"Leave the function empty, and put the work into `with {name}(...)`, or into another "
        f"function, decorated with `{name}.wrap(...)` or `{name}.each_call`."
    )


def span_factory(
    stub: Any, declaration: Declaration, declare: Callable[..., list[Signal[...]]]
) -> Any:
    """Return the factory of the spans that a stub declares.

    Args:
        stub: The function.
        declaration: What its signature declares.
        declare: Makes one signal for each declaration, or none at all.

    Raises:
        ArgumentError: If an argument of the stub has a name that the signals use themselves,
            or if one of the signals is declared already.
        ReceiverError: If a connected receiver cannot accept the payload.
    """
    taken = [it.name for it in declaration.arguments if it.name in _CLASSES]
    if taken:
        msg = (
            f"{name_of(stub)} cannot declare a span. {taken[0]!r} cannot be in its payload: "
            "the signals of a span carry one of their own."
        )
        raise ArgumentError(msg)
    made = declare(*(_declaration(declaration, word) for word in _SIGNALS))
    signals = dict(zip(_SIGNALS, made, strict=True))
    kind = SpanKind(declaration.name, **signals)
    begin = begin_or_noop(kind, stub)
    wrap = partial(_wrap_with, begin, declaration)
    begin.__dict__.update(signals, wrap=wrap, each_call=partial(_each_call, begin))
    begin.__dict__.update((word, partial(_refuse_to_connect, kind.name)) for word in _OF_SIGNALS)
    return begin


def _declaration(declaration: Declaration, word: str) -> Declaration:
    when, carried = _SIGNALS[word]
    return replace(
        declaration,
        name=f"{declaration.name}.{word}",
        doc=when if declaration.doc is None else f"{when}\n\n{declaration.doc}",
        arguments=(*declaration.arguments, *carried),
        _hints={
            **declaration._hints,
            **{it.name: (Hint(_CLASSES[it.name], __name__),) for it in carried},
        },
    )


def _wrap_with(
    begin: Any, declaration: Declaration, /, *args: Any, **payload: Any
) -> Callable[[F], F]:
    """Return a decorator: each call of the function is a span with these arguments.

    Raises:
        ArgumentError: If these are not the arguments of the stub. Their types are not checked:
            the sender may be a proxy that is still unbound.
    """
    problems = [*wrong_names(declaration, payload)]
    # The sender of a stub may have a default.
    if len(args) > 1 or not (args or begin.__wrapped__.__defaults__):
        problems.insert(0, f"it takes one argument by position, the sender, and got {len(args)}")
    if problems:
        msg = (
            f"Spans {declaration.name!r} cannot wrap a function: {', and '.join(problems)}.\n"
            f"  They are declared as {declaration.signature}, at {declaration.location}"
        )
        raise ArgumentError(msg)
    return partial(_wrap, lambda *_, **__: begin(*args, **payload))


def _each_call(begin: Callable[..., Span], /, *functions: Any) -> Any:
    """Decorate a function, or return the decorator: empty parentheses change nothing."""
    return _wrap(begin, *functions) if functions else partial(_wrap, begin)


def _refuse_to_connect(name: str, /, *_: object, **__: object) -> Never:
    """Refuse to connect a receiver to a span factory, and name the signals to use instead."""
    it = name.rpartition(".")[2]
    msg = (
        f"{name!r} declares spans and has three signals: connect the receiver to "
        f"`{it}.started`, `{it}.finished` or `{it}.failed`."
    )
    raise ArgumentError(msg)


def _wrap(begin: Callable[..., Span], function: F) -> F:
    """Decorate a function or a coroutine function.

    Raises:
        ArgumentError: If it is a generator function, a class, or not callable.
    """
    problem = why_not_decorated(function)
    if problem is not None:
        msg = f"{describe_callable(function)} {problem}"
        raise ArgumentError(msg)

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with begin(*args, **kwargs):
            return function(*args, **kwargs)

    @wraps(function)
    async def call_async(*args: Any, **kwargs: Any) -> Any:
        async with begin(*args, **kwargs):
            return await function(*args, **kwargs)

    # Both have the signature of the function.
    return call_async if is_async(function) else call  # type: ignore[return-value]  # Called as it is.
