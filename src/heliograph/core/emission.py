"""Emission and Delivery, the values that say what a send did."""

from __future__ import annotations

from contextvars import ContextVar
from time import perf_counter, time
from types import MappingProxyType
from weakref import ref

from heliograph.core.callables import name_of, title_of
from heliograph.core.showing import by_kind, counted, shown

TYPE_CHECKING = False  # What type checkers believe, without importing typing.
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Self

    from heliograph.core.connection import Connection
    from heliograph.core.nesting import Place
    from heliograph.core.signal import Signal

PLACE: ContextVar[Place | None] = ContextVar("heliograph_emission", default=None)
"""The emission that the current context is inside of."""


class _Value:
    """Something that is read and never changed."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> None:
        msg = f"{name!r} cannot be changed: {type(self).__name__} says what has happened."
        raise AttributeError(msg)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __delattr__(self, name: str) -> None:
        self.__setattr__(name, None)


_set = object.__setattr__


class Delivery(_Value):
    """One emission reaching one receiver.

    Attributes:
        receiver: The callable that was called.
        connection: What connected it; None if a signal that overrides
            ``receivers_for`` made it up.
        duration: Seconds that the call took, awaiting included.
        value: What the receiver returned, if it raised nothing.
        error: What it raised, or what left the call, such as a cancellation; or None.
    """

    __slots__ = ("connection", "duration", "error", "receiver", "value")

    receiver: Callable[..., Any]
    connection: Connection | None
    duration: float
    value: Any
    error: BaseException | None

    def __init__(
        self,
        receiver: Callable[..., Any],
        connection: Connection | None,
        duration: float,
        value: object = None,
        error: BaseException | None = None,
    ) -> None:
        _set(self, "receiver", receiver)
        _set(self, "connection", connection)
        _set(self, "duration", duration)
        _set(self, "value", value)
        _set(self, "error", error)

    @shown
    def __repr__(self) -> str:
        outcome = "delivered" if self.error is None else f"raised {type(self.error).__name__}"
        return f"<Delivery to {name_of(self.receiver)}: {outcome} in {self.duration:.6f} s>"


class Emission(_Value):
    """One act of sending. Instruments are told of it when the send ends.

    Attributes:
        signal: The signal that was sent.
        sender: Who sent it; proxies are unwrapped.
        payload: The keyword arguments of the send, read-only.
        parent: The emission inside of which this one was sent, or None. It was under way
            then. Once this one has ended after it, nothing keeps the parent for its sake: it
            is None if nobody else has kept it.
        started: When, in seconds since the epoch.
        duration: Seconds from start to end; 0.0 while the send goes on.
        deliveries: One for each receiver that was called, in order.
        muted: Whether the signal was muted, so that nobody was called.
    """

    __slots__ = (
        "__weakref__",
        "_clock",
        "_deliveries",
        "_parent",
        "duration",
        "muted",
        "payload",
        "sender",
        "signal",
        "started",
    )

    signal: Signal
    sender: Any
    payload: Mapping[str, Any]
    started: float
    duration: float
    muted: bool
    _clock: float
    _parent: Emission | ref[Emission] | None
    _deliveries: list[Delivery]

    def __init__(
        self,
        signal: object,
        sender: object,
        payload: dict[str, Any],
        parent: Emission | None,
        *,
        muted: bool,
    ) -> None:
        _set(self, "signal", signal)
        _set(self, "sender", sender)
        _set(self, "payload", MappingProxyType(payload))
        _set(self, "_parent", parent)
        _set(self, "muted", muted)
        _set(self, "duration", 0.0)
        _set(self, "_deliveries", [])
        _set(self, "started", time())
        _set(self, "_clock", perf_counter())

    @property
    def parent(self) -> Emission | None:
        """The emission inside of which this one was sent, or None."""
        return self._parent() if isinstance(self._parent, ref) else self._parent

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """One for each receiver that was called, in order."""
        return tuple(self._deliveries)

    @shown
    def __repr__(self) -> str:
        many = counted(len(self._deliveries), "delivery", "deliveries")
        became = "muted" if self.muted else f"{many} in {self.duration:.6f} s"
        return f"<Emission of {title_of(self.signal)} from {by_kind(self.sender)}: {became}>"


def outlive(emission: Emission) -> None:
    """Let an emission that has ended after its parent not keep that any more.

    Or each job that starts the next one would be kept by the one after it, with all before it.
    """
    _set(emission, "_parent", ref(emission._parent))
