"""Span: a piece of work; its signals are sent at its start and at its one end."""

from __future__ import annotations

from contextvars import ContextVar
from time import perf_counter
from types import MappingProxyType
from weakref import ref

from heliograph.core.callables import is_async
from heliograph.core.describe import describe_duration, name_of, title_of
from heliograph.core.errors import ArgumentError, AsyncReceiverError, StateError
from heliograph.core.failures import log_aside
from heliograph.core.identity import unwrapped
from heliograph.core.mistakes import is_decorated_at, warn_of_unused
from heliograph.core.observing.nesting import enter, innermost, leave, place_for
from heliograph.core.sending.checks import check
from heliograph.core.sending.lookup import find
from heliograph.core.sending.slow_path import send_to_the_end
from heliograph.core.showing import shown
from heliograph.core.source import call_site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FunctionType
    from typing import Any, Never, NoReturn, Self

    from heliograph.core.observing.nesting import Place
    from heliograph.core.signal import Signal
    from heliograph.core.source import CallSite

PLACE: ContextVar[Place | None] = ContextVar("heliograph_span", default=None)
"""The innermost open span of the current context."""

_NOT_RAISED = "Receivers of %s failed; the error that ended the span is raised instead."


class SpanKind:
    """What the spans of one factory have in common.

    Attributes:
        name: The beginning of the names of the three signals.
        started: Sent before the work, with the payload and the ``span``.
        finished: Sent after the work, with the payload, the ``span``, its ``duration`` and
            its ``attributes``.
        failed: Sent instead if the work raised, with the same and the ``error``.
    """

    def __init__(
        self, name: str, started: Signal[...], finished: Signal[...], failed: Signal[...]
    ) -> None:
        self.name: str = name
        self.started: Signal[...] = started
        self.finished: Signal[...] = finished
        self.failed: Signal[...] = failed

    def span(self, sender: Any = None, /, **payload: Any) -> Span:
        """Make a span that sends its signals.

        Raises:
            ArgumentError: If the payload is not as declared, in development.
        """
        sender = unwrapped(sender)
        if not self.started._registry.checked:
            return Span(self, sender, payload)
        span = _WatchedSpan(self, sender, payload)
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


class Span:
    """One piece of work, under way for the length of a ``with`` or ``async with`` block.

    Attributes:
        name: The name of the function that declares it; in a nested namespace, after the
            name of that.
        sender: The object that does the work; proxies are unwrapped.
        parent: The span that was under way where this one was entered, or None. A parent
            may end first, if a task or a thread goes on for longer; when this span has
            ended after it, `parent` is None unless the program still holds the parent.
        duration: Seconds from entering to leaving, by a monotonic clock; None until it is left.
    """

    __slots__ = (
        "__weakref__",
        "_attributes",
        "_clock",
        "_kind",
        "_parent",
        "_payload",
        "_place",
        "duration",
        "name",
        "sender",
    )

    name: str
    sender: Any
    duration: float | None

    def __init__(self, kind: SpanKind, sender: Any, payload: dict[str, Any]) -> None:
        self.name = kind.name
        self.sender = sender
        self.duration = None
        self._parent: Span | ref[Span] | None = None
        self._place: Place | None = None
        self._kind = kind
        self._payload = payload
        self._attributes: dict[str, Any] = {}
        self._clock: float | None = None

    @property
    def parent(self) -> Span | None:
        """The span inside of which this one was entered, or None."""
        return self._parent() if isinstance(self._parent, ref) else self._parent

    @property
    def payload(self) -> Mapping[str, Any]:
        """The keyword arguments that it was made with, read-only."""
        return MappingProxyType(self._payload)

    @property
    def attributes(self) -> Mapping[str, Any]:
        """The values added so far, read-only."""
        return MappingProxyType(self._attributes)

    def add(self, **values: Any) -> None:
        """Attach values; receivers of `finished` and `failed` get them as ``attributes``.

        Args:
            values: Anything, under names of your choice. If a name is added again, the
                last value counts.

        Raises:
            StateError: If the span is over, or has not begun.
        """
        if self._clock is None or self.duration is not None:
            self._refuse("nothing can be added to it")
        self._attributes.update(values)

    def __enter__(self) -> Self:
        kind = self._kind
        kind.refuse_async(self.sender)
        self._begin()
        try:
            kind.started.send(self.sender, span=self, **self._payload)
        except BaseException as error:
            # The block will not be run, nor be left.
            self._fail(error)
            raise
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is not None:
            self._fail(error)
            return
        told, finished = self._end(), self._kind.finished
        try:
            finished.send(self.sender, _async_wrapper=_refusing(finished), **told)
        finally:
            self._outlive()

    async def __aenter__(self) -> Self:
        self._begin()
        try:
            await self._kind.started.send_async(self.sender, span=self, **self._payload)
        except BaseException as error:
            await self._fail_async(error)
            raise
        return self

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is not None:
            await self._fail_async(error)
            return
        told = self._end()
        try:
            await send_to_the_end(self._kind.finished, self.sender, told)
        finally:
            self._outlive()

    def _begin(self) -> None:
        if self._clock is not None:
            self._refuse("it cannot be entered again")
        around = innermost(PLACE.get())
        self._parent = None if around is None else around.work
        self._clock = perf_counter()
        self._place = place_for(self, around)
        # Last, and undone if a signal handler raises: the block would not be left.
        enter(PLACE, self._place)

    def _end(self) -> dict[str, Any]:
        """End the span, and return the payload of the signal that tells of its end."""
        if self._clock is None or self._place is None:
            self._refuse("it cannot be left")
        place, self._place = self._place, None
        place.work = None  # First, as a signal handler may raise after any call.
        self.duration = perf_counter() - self._clock
        leave(PLACE, place)
        return {
            **self._payload,
            "span": self,
            "duration": self.duration,
            "attributes": self.attributes,
        }

    def _outlive(self) -> None:
        """Let go of a parent that ended before this span; all receivers have been called now."""
        parent = self.parent
        if parent is not None and parent.duration is not None:
            self._parent = ref(parent)

    def _fail(self, error: BaseException) -> None:
        told, failed = self._end(), self._kind.failed
        try:
            failed.send(self.sender, _async_wrapper=_refusing(failed), error=error, **told)
        except Exception as another:  # noqa: BLE001 - the error of the work is raised.
            log_aside(another, _NOT_RAISED, title_of(failed))
        finally:
            self._outlive()

    async def _fail_async(self, error: BaseException) -> None:
        told, failed = self._end(), self._kind.failed
        try:
            await send_to_the_end(failed, self.sender, {"error": error, **told})
        except Exception as another:  # noqa: BLE001 - the error of the work is raised.
            log_aside(another, _NOT_RAISED, title_of(failed))
        finally:
            self._outlive()

    def _state(self) -> str:
        if self._clock is None:
            return "not entered yet"
        return (
            "under way"
            if self.duration is None
            else f"over after {describe_duration(self.duration)}"
        )

    def _refuse(self, what: str) -> NoReturn:
        msg = f"Span {self.name!r} is {self._state()}: {what}. Each `with` needs a new span."
        raise StateError(msg)

    def __call__(self, *_: object) -> Never:
        """Refuse to decorate.

        Raises:
            ArgumentError: Always. A span looks for receivers when it is made, and a
                decorator is made long before the function is called.
        """
        msg = (
            "A span is for one `with` block. For a span in each call of a function, decorate the "
            "function with `wrap(sender, ...)` or `each_call` of the span's factory."
        )
        raise ArgumentError(msg)

    @shown
    def __repr__(self) -> str:
        return f"<Span {self.name!r} {self._state()}>"


class _WatchedSpan(Span):
    """A span in development mode: it warns if it is dropped without being entered."""

    __slots__ = ("_unused",)

    _unused: CallSite | None

    def __init__(self, kind: SpanKind, sender: Any, payload: dict[str, Any]) -> None:
        super().__init__(kind, sender, payload)
        self._unused = None  # The place that made it, once its payload is checked.

    def __enter__(self) -> Self:
        self._unused = None
        return super().__enter__()

    async def __aenter__(self) -> Self:
        self._unused = None
        return await super().__aenter__()

    def _refuse(self, what: str) -> NoReturn:
        self._unused = None
        super()._refuse(what)

    def __call__(self, *_: object) -> Never:
        self._unused = None
        super().__call__()

    def __del__(self) -> None:
        if hasattr(self, "_unused") and self._unused is not None:
            warn_of_unused(f"Span {self.name!r}", self._unused)


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
