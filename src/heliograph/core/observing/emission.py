"""Emission and Delivery, the values that say what a send did."""

from __future__ import annotations

from contextvars import ContextVar
from time import perf_counter, time
from types import MappingProxyType
from weakref import ref

from heliograph.core.callables import is_async
from heliograph.core.describe import (
    describe_duration,
    describe_outcome,
    describe_sender,
    name_of,
    title_of,
)
from heliograph.core.showing import counted, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Self

    from heliograph.core.connections.connection import Connection
    from heliograph.core.observing.nesting import Place
    from heliograph.core.signal import Signal

    # What a `Delivery` is made of: receiver, connection, duration, value and error.
    Note = tuple[Callable[..., Any], Connection | None, float, object, BaseException | None]

PLACE: ContextVar[Place | None] = ContextVar("heliograph_emission", default=None)
"""The emission that is under way in the current context."""


class _Delivery:
    """A delivery while it is filled in, which takes three times as long once it is read-only."""

    __slots__ = ("_wrapping", "connection", "duration", "error", "receiver", "value")

    receiver: Callable[..., Any]
    connection: Connection | None
    duration: float
    value: Any
    error: BaseException | None
    # That of its emission.
    _wrapping: bool | None


class Delivery(_Delivery):
    """One emission reaching one receiver.

    Attributes:
        receiver: The callable that was called.
        connection: Its connection; None if a subclass of `Signal` returned the receiver
            from its own ``receivers_for``.
        duration: Seconds that the call took, awaiting included.
        value: The value that the receiver returned, not a copy; None if it raised.
        error: The error that the receiver raised, or a cancellation that ended the call;
            or None.
    """

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> None:
        msg = f"{name!r} cannot be changed: a Delivery says what has happened."
        raise AttributeError(msg)

    def __delattr__(self, name: str) -> None:
        self.__setattr__(name, None)

    @property
    def wrapped(self) -> bool:
        """Whether a wrapper of the sender's called the receiver, in another thread mostly.

        Such is a plain receiver of a `send_async` with a ``_sync_wrapper``, unless it was
        connected with ``inline=True``, and an async receiver of a `send`.
        """
        connection = self.connection
        asynchronous = is_async(self.receiver) if connection is None else connection.is_async
        # The part in C makes deliveries too, none of which is awaited.
        wrapping = getattr(self, "_wrapping", None)
        if asynchronous:
            return wrapping is None
        return bool(wrapping) and not (connection is not None and connection.inline)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    @shown
    def __repr__(self) -> str:
        outcome = describe_outcome(self, message=False)
        return (
            f"<Delivery to {name_of(self.receiver)}: {outcome} in "
            f"{describe_duration(self.duration)}>"
        )


def _delivery(note: Note, wrapping: bool | None) -> Delivery:
    made: Any = _Delivery()
    made._wrapping = wrapping
    made.receiver, made.connection, made.duration, made.value, made.error = note
    made.__class__ = Delivery
    return made  # type: ignore[no-any-return]  # It is one now.


class Emission:
    """One act of sending. Instruments get it when the send ends. It cannot be changed."""

    __slots__ = (
        "__weakref__",
        "_clock",
        "_deliveries",
        "_duration",
        "_envelopes",
        "_muted",
        "_origin",
        "_parent",
        "_payload",
        "_sender",
        "_signal",
        "_started",
        "_turn",
        "_wrapping",
    )

    _signal: Signal
    _sender: Any
    # The part in C has its notes here, and as the deliveries, until somebody looks.
    _payload: dict[str, Any]
    _parent: Emission | ref[Emission] | None
    _turn: int
    _muted: bool
    _clock: float
    _started: float | None
    _duration: float
    # Only what goes to other processes, or has come from one, fills these in.
    _origin: str
    _envelopes: tuple[str, ...]
    # Only `send_async` fills it in: whether it was given a wrapper.
    _wrapping: bool
    # Notes become deliveries at the first look, as some instruments only count emissions.
    _deliveries: list[Delivery | Note]

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    @property
    def signal(self) -> Signal:
        """The signal that was sent."""
        return self._signal

    @property
    def sender(self) -> Any:
        """The object that sent it; proxies are unwrapped."""
        return self._sender

    @property
    def payload(self) -> Mapping[str, Any]:
        """The keyword arguments of the send, read-only; the objects in it are not copied.

        A receiver may change such an object, so copy what you keep.
        """
        payload: Any = self._payload
        if type(payload) is not dict:
            self._payload = payload = payload.payload()
        return MappingProxyType(payload)

    @property
    def parent(self) -> Emission | None:
        """The emission that was under way where this one was sent, or None.

        If this one ends after its parent, it lets go of it: from then on `parent` is None,
        unless the program still holds the parent.
        """
        return self._parent() if isinstance(self._parent, ref) else self._parent

    @property
    def origin(self) -> str | None:
        """The process that sent it, as a relay names it; None if it was this one."""
        return getattr(self, "_origin", None)

    @property
    def envelopes(self) -> tuple[str, ...]:
        """The ids of the envelopes in which it goes to other processes, or has come from one.

        By them, what arrives in one process is found where it was sent.
        """
        return getattr(self, "_envelopes", ())

    @property
    def turn(self) -> int:
        """The index of the parent's receiver that was running when this was sent.

        Its delivery is ``parent.deliveries[turn]``, once that call has ended. It is 0 if there
        is no parent.
        """
        return self._turn

    @property
    def started(self) -> float:
        """When the send began, in seconds since the epoch.

        It is worked out at the first look at it, or at one that was sent inside of it: if the
        system's clock is set between the send and that look, it is wrong by as much.
        """
        if self._started is None:
            outer, parent = self, self.parent
            while parent is not None and outer._started is None:
                outer, parent = parent, parent.parent
            if outer._started is None:
                outer._started = time() - (perf_counter() - outer._clock)
            # Two looks at the clock may be apart by more than a receiver takes, and what was sent
            # inside of another would seem to begin before it, or to end after it.
            self._started = outer._started + (self._clock - outer._clock)
        return self._started

    @property
    def duration(self) -> float:
        """Seconds from start to end; 0.0 while the send goes on."""
        return self._duration

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """One `Delivery` for each receiver that was called, in order."""
        deliveries: list[Any] = self._deliveries
        wrapping = getattr(self, "_wrapping", None)
        for at, it in enumerate(deliveries):
            if type(it) is tuple:
                deliveries[at] = _delivery(it, wrapping)
        return tuple(deliveries)

    @property
    def muted(self) -> bool:
        """Whether the signal was muted, so that no receiver was called."""
        return self._muted

    @shown
    def __repr__(self) -> str:
        many = counted(len(self._deliveries), "delivery", "deliveries")
        became = "muted" if self._muted else f"{many} in {describe_duration(self._duration)}"
        return (
            f"<Emission of {title_of(self._signal)} from {describe_sender(self._sender)}: {became}>"
        )


def outlive(emission: Emission) -> None:
    """Let go of the parent of an emission that has ended after it.

    Otherwise, in a chain of jobs that each start the next one, the last would keep all others.
    """
    parent: Any = emission._parent
    emission._parent = ref(parent)
