"""Span: a piece of work; its signals are sent at its start and at its one end."""

from __future__ import annotations

from contextvars import ContextVar
from time import perf_counter
from types import MappingProxyType
from weakref import ref

from heliograph.core.describe import describe_duration, title_of
from heliograph.core.errors import ArgumentError, StateError
from heliograph.core.failures import AT_ONCE, log_aside
from heliograph.core.mistakes import warn_of_unused
from heliograph.core.observing.nesting import Place, innermost, leave
from heliograph.core.sending.slow_path import send_to_the_end
from heliograph.core.sending.unfinished import Unfinished, finish
from heliograph.core.showing import shown
from heliograph.core.signal import Signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Never, NoReturn, Self, TypeVar

    from heliograph.core.source import CallSite
    from heliograph.core.spans.kind import SpanKind

    AnySpan = TypeVar("AnySpan", bound="Span")

PLACE: ContextVar[Place | None] = ContextVar("heliograph_span", default=None)
"""The innermost open span of the current context."""

NOTHING: Mapping[str, Any] = MappingProxyType({})

_SEND: Any = getattr(Signal.send, "__wrapped__", Signal.send)
"""The method in Python, where that is what sends."""

_NOT_RAISED = "Receivers of %s failed; the error that ended the span is raised instead."


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

    _attributes: dict[str, Any] | None
    _clock: float | None
    _kind: SpanKind
    _parent: Span | ref[Span] | None
    _payload: dict[str, Any]
    _place: Place | None

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
        return NOTHING if self._attributes is None else MappingProxyType(self._attributes)

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
        if self._attributes is None:
            self._attributes = values
        else:
            self._attributes.update(values)

    # These two are written out, as each further call would take a tenth of the time.
    def __enter__(self) -> Self:
        kind, sender = self._kind, self.sender
        started, finished, failed = kind.registries
        version, of, snapshot = finished.last_snapshot
        # Asked as in a send, and looked up only where that has changed.
        if (
            version is not finished.version
            or type(sender) is not of
            or finished.senders
            or snapshot.slow_in_send
            or started.anyone
            or failed.anyone
        ):
            kind.refuse_async(sender)
        if self._clock is not None:
            self._refuse("it cannot be entered again")
        around = PLACE.get()
        while around is not None and around.work is None:
            around = around.around
        self._place = place = Place()
        place.around = around
        if around is not None:
            self._parent = around.work
        place.work = self
        self._clock = perf_counter()
        # Last, and undone if a signal handler raises: the block would not be left.
        try:
            PLACE.set(place)
            return self._tell_start() if started.anyone else self
        except BaseException:
            leave(PLACE, place)
            raise

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is not None:
            self._fail(error)
            return
        place, begun = self._place, self._clock
        if place is None or begun is None:
            self._refuse("it cannot be left")
        # First, as a signal handler may raise after any call. The context stays at the place, where
        # nothing is under way any more: going back would take as long as coming has.
        self._place = place.work = None
        self.duration = duration = perf_counter() - begun
        if place.around is not None:
            # Otherwise each job that starts the next one would make the chain longer.
            place.around = innermost(place.around)
        finished, sender = self._kind.registries[1], self.sender
        version, of, snapshot = finished.last_snapshot
        if (
            version is not finished.version
            or type(sender) is not of
            or finished.senders
            or finished.watchers
            or snapshot.only_ref is None
            or (receiver := snapshot.only_ref()) is None
            or self._parent is not None
            or sender is None
            or Signal.send is not _SEND  # Somebody may have wrapped it, to trace all sends.
        ):
            self._tell_end()
            return
        # A send to one receiver, which would make three dicts of the payload and not two.
        try:
            receiver(
                sender,
                **self._payload,
                span=self,
                duration=duration,
                attributes=self.attributes if self._attributes else NOTHING,
            )
        except AT_ONCE:
            raise
        except Exception as failed:  # noqa: BLE001 - it is raised once it is noted.
            signal, told = self._kind.finished, self._told()
            send = Unfinished(signal, sender, told, snapshot, version, None, [])
            finish(send.stopped(receiver, [failed]))

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
        self._end()
        try:
            await send_to_the_end(self._kind.finished, self.sender, self._told())
        finally:
            self._outlive()

    def _begin(self) -> None:
        if self._clock is not None:
            self._refuse("it cannot be entered again")
        around = PLACE.get()
        while around is not None and around.work is None:
            around = around.around
        self._parent = None if around is None else around.work
        self._place = place = Place()
        place.work = self
        place.around = around
        self._clock = perf_counter()
        # Last, and undone if a signal handler raises: the block would not be left.
        try:
            PLACE.set(place)
        except BaseException:
            leave(PLACE, place)
            raise

    def _tell_start(self) -> Self:
        try:
            self._kind.started.send(self.sender, span=self, **self._payload)
        except BaseException as error:
            # The block will not be run, nor be left.
            self._fail(error)
            raise
        return self

    def _tell_end(self) -> None:
        kind = self._kind
        wrapper = kind.refusing_finished
        try:
            kind.finished.send(self.sender, _async_wrapper=wrapper, **self._told())
        finally:
            self._outlive()

    def _end(self) -> None:
        place = self._place
        if self._clock is None or place is None:
            self._refuse("it cannot be left")
        # First, as a signal handler may raise after any call. The context stays at the place, where
        # nothing is under way any more: going back would take as long as coming has.
        self._place = place.work = None
        self.duration = perf_counter() - self._clock
        if place.around is not None:
            # Otherwise each job that starts the next one would make the chain longer.
            place.around = innermost(place.around)

    def _told(self) -> dict[str, Any]:
        """Return the payload of the signal that tells of the end."""
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
        self._end()
        failed = self._kind.failed
        try:
            wrapper = self._kind.refusing_failed
            failed.send(self.sender, _async_wrapper=wrapper, error=error, **self._told())
        except Exception as another:  # noqa: BLE001 - the error of the work is raised.
            log_aside(another, _NOT_RAISED, title_of(failed))
        finally:
            self._outlive()

    async def _fail_async(self, error: BaseException) -> None:
        self._end()
        failed = self._kind.failed
        try:
            await send_to_the_end(failed, self.sender, {"error": error, **self._told()})
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


class WatchedSpan(Span):
    """A span in development mode: it warns if it is dropped without being entered."""

    __slots__ = ("_unused",)

    # The place that made it, once its payload is checked.
    _unused: CallSite | None

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
        """Refuse to decorate, as every span does."""
        self._unused = None
        super().__call__()

    def __del__(self) -> None:
        if hasattr(self, "_unused") and self._unused is not None:
            warn_of_unused(f"Span {self.name!r}", self._unused)


def make_span(span: AnySpan, kind: SpanKind, sender: Any, payload: dict[str, Any]) -> AnySpan:
    """Fill in an empty span; an `__init__` would take twice as long."""
    span._kind = kind
    span.name = kind.name
    span.sender = sender
    span._payload = payload
    span.duration = span._parent = span._place = span._attributes = span._clock = None
    return span
