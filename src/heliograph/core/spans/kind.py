"""SpanKind: what the spans of one factory have in common, and whom they refuse."""

from __future__ import annotations

from heliograph.core.callables import is_async
from heliograph.core.describe import name_of, title_of
from heliograph.core.errors import ArgumentError, AsyncReceiverError
from heliograph.core.identity import unwrapped
from heliograph.core.mistakes import is_decorated_at
from heliograph.core.sending.checks import check
from heliograph.core.sending.lookup import find
from heliograph.core.source import call_site
from heliograph.core.spans.span import Span, WatchedSpan, make_span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FunctionType
    from typing import Any, Never

    from heliograph.core.connections.registry import Registry
    from heliograph.core.signal import Signal


class SpanKind:
    """What the spans of one factory have in common.

    Attributes:
        name: The beginning of the names of the three signals.
        started: Sent before the work, with the payload and the ``span``.
        finished: Sent after the work, with the payload, the ``span``, its ``duration`` and
            its ``attributes``.
        failed: Sent instead if the work raised, with the same and the ``error``.
    """

    __slots__ = (
        "failed",
        "finished",
        "name",
        "refusing_failed",
        "refusing_finished",
        "registries",
        "started",
    )

    def __init__(
        self, name: str, started: Signal[...], finished: Signal[...], failed: Signal[...]
    ) -> None:
        self.name: str = name
        self.started: Signal[...] = started
        self.finished: Signal[...] = finished
        self.failed: Signal[...] = failed
        # What a span asks first, and needs at its end: looked up and made once.
        self.registries: tuple[Registry, ...] = tuple(
            it._registry for it in (started, finished, failed)
        )
        self.refusing_finished: Callable[[Any], Any] = _refusing(finished)
        self.refusing_failed: Callable[[Any], Any] = _refusing(failed)

    def span(self, sender: Any = None, /, **payload: Any) -> Span:
        """Make a span that sends its signals.

        Raises:
            ArgumentError: If the payload is not as declared, in development.
        """
        sender = unwrapped(sender)
        if not self.started._registry.checked:
            return make_span(Span(), self, sender, payload)
        span = make_span(WatchedSpan(), self, sender, payload)
        # Checked here and not where it is entered, as this call passes the payload.
        check(self.started, sender, {**payload, "span": span})
        if self.started._registry.checked:
            span._unused = call_site()
        else:
            self.finished._registry.check(on=False)
            self.failed._registry.check(on=False)
        return span

    def refuse_to_decorate(self, function: FunctionType) -> None:
        """Refuse to take a function for the sender, if the factory is used as a decorator.

        Raises:
            ArgumentError: If it is used so, or if the declared payload is missing.
        """
        declaration = self.started.declaration
        needed = declaration is not None and declaration.required - {"span"}
        if needed or is_decorated_at(function, call_site()):
            name = self.name.rpartition(".")[2]
            msg = (
                f"{name_of(function)} is not a sender of {self.name!r}, and `@{name}` is no "
                f"decorator. Write `@{name}.wrap(sender, ...)` or `@{name}.each_call`, or put "
                f"`with {name}(...)` into the function."
            )
            raise ArgumentError(msg)

    def refuse_async(self, sender: object) -> None:
        """Refuse to enter a plain ``with`` if a receiver is async.

        Raises:
            AsyncReceiverError: If so.
        """
        for signal in (self.started, self.finished, self.failed):
            registry = signal._registry
            if registry.anyone and find(registry, sender)[2].slow_in_send:
                for receiver in filter(is_async, signal.receivers_for(sender)):
                    raise _not_awaited(signal, receiver)


def _not_awaited(signal: Signal[...], receiver: Any) -> AsyncReceiverError:
    msg = (
        f"{title_of(signal)} has an async receiver, {name_of(receiver)}, which a plain `with` "
        "cannot await. Use `async with`, or connect a plain function."
    )
    return AsyncReceiverError(msg)


def _refusing(signal: Signal[...]) -> Callable[[Any], Any]:
    """Return a wrapper with which async receivers fail, and all others are called."""

    def wrap(receiver: Any) -> Callable[..., Never]:
        def call(*_: object, **__: object) -> Never:
            raise _not_awaited(signal, receiver)

        return call

    return wrap
