"""Emission and Delivery, the values that say what a send did, and the seam for instruments."""

from __future__ import annotations

from contextvars import ContextVar
from time import perf_counter, time
from types import MappingProxyType

from heliograph.core.callables import name_of
from heliograph.core.errors import ArgumentError
from heliograph.core.identity import receiver_key

TYPE_CHECKING = False  # What type checkers believe, without importing typing.
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, Self

    from heliograph.core.connection import Connection
    from heliograph.core.signal import Signal

    Instrument = Callable[["Emission"], object]

INSTRUMENTS: list[Instrument] = []
"""Those who watch. Empty is what every send asks for first, so it must stay this very list."""

CURRENT: ContextVar[Emission | None] = ContextVar("heliograph_emission", default=None)
"""The emission that the current context is inside of."""

ON_START: list[Any] = []
"""Those of the instruments that want to be told of emissions before anybody is called."""

ON_CONNECT: list[Any] = []
"""Those of the instruments that want to be told of connections."""

TELLING: ContextVar[bool] = ContextVar("heliograph_telling", default=False)
"""Whether an instrument is running: what it sends itself is delivered, but not watched."""


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

    def __repr__(self) -> str:
        outcome = "delivered" if self.error is None else f"raised {type(self.error).__name__}"
        return f"<Delivery to {name_of(self.receiver)}: {outcome} in {self.duration:.6f} s>"


class Emission(_Value):
    """One act of sending. Instruments are told of it when the send ends.

    Attributes:
        signal: The signal that was sent.
        sender: Who sent it; proxies are unwrapped.
        payload: The keyword arguments of the send, read-only.
        parent: The emission inside of which this one was sent, or None.
        started: When, in seconds since the epoch.
        duration: Seconds from start to end; 0.0 while the send goes on.
        deliveries: One for each receiver that was called, in order.
        muted: Whether the signal was muted, so that nobody was called.
    """

    __slots__ = (
        "_clock",
        "_deliveries",
        "duration",
        "muted",
        "parent",
        "payload",
        "sender",
        "signal",
        "started",
    )

    signal: Signal
    sender: Any
    payload: Mapping[str, Any]
    parent: Emission | None
    started: float
    duration: float
    muted: bool
    _clock: float
    _deliveries: list[Delivery]

    def __init__(self, signal: object, sender: object, payload: dict[str, Any], *, muted: bool):
        _set(self, "signal", signal)
        _set(self, "sender", sender)
        _set(self, "payload", MappingProxyType(payload))
        _set(self, "parent", CURRENT.get())
        _set(self, "muted", muted)
        _set(self, "duration", 0.0)
        _set(self, "_deliveries", [])
        _set(self, "started", time())
        _set(self, "_clock", perf_counter())

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """One for each receiver that was called, in order."""
        return tuple(self._deliveries)

    def __repr__(self) -> str:
        many = len(self._deliveries)
        return f"<Emission of {self.signal!r}: {many} deliveries in {self.duration:.6f} s>"


def add_instrument(instrument: Instrument) -> None:
    """Let *instrument* see every emission of every signal from now on.

    It is called with the `Emission` when the send ends, whatever became of it,
    in the thread or task that sent. A send that is refused, because of an async
    receiver, is none. An instrument that raises is logged by name
    on the logger ``heliograph`` and breaks nothing. What it sends itself is
    delivered, but no instrument is told. Adding it twice adds it once.

    It may have two methods besides:

    - ``on_start(emission)`` is called before anybody is, while the payload still
      is what was sent;
    - ``on_connect(signal, connection, new)`` after each `Signal.connect`, where
      *new* is false if it connected again what was connected before. Temporary
      connections, which undo themselves, are not told of.

    Raises:
        ArgumentError: If it is not callable.
    """
    if not callable(instrument):
        msg = f"{instrument!r} cannot be an instrument: it must be callable with an Emission."
        raise ArgumentError(msg)
    if _same(instrument) is None:
        INSTRUMENTS.append(instrument)
        _sort()


def remove_instrument(instrument: Instrument) -> None:
    """Let *instrument* see no more emissions; one that was never added is no error."""
    found = _same(instrument)
    INSTRUMENTS[:] = [it for it in INSTRUMENTS if it is not found]
    _sort()


def _sort() -> None:
    ON_START[:] = [it for it in INSTRUMENTS if hasattr(it, "on_start")]
    ON_CONNECT[:] = [it for it in INSTRUMENTS if hasattr(it, "on_connect")]


def _same(instrument: Instrument) -> Instrument | None:
    # As receivers are: equal ones may be two, and a method is another object at each look.
    key = receiver_key(instrument)
    return next((it for it in INSTRUMENTS if receiver_key(it) == key), None)


def tell_start(emission: Emission) -> None:
    """Show an emission that begins to the instruments that want to see it."""
    _tell([it.on_start for it in ON_START], emission.signal, emission)


def tell(emission: Emission) -> None:
    """Finish an emission and show it to every instrument."""
    _set(emission, "duration", perf_counter() - emission._clock)
    _tell(tuple(INSTRUMENTS), emission.signal, emission)


def tell_connected(signal: object, connection: Connection, new: bool) -> None:
    """Show a connection to the instruments that want to see it."""
    if not TELLING.get():
        _tell([it.on_connect for it in ON_CONNECT], signal, signal, connection, new)


def _tell(instruments: Iterable[Callable[..., object]], signal: object, *what: object) -> None:
    token = TELLING.set(True)
    try:
        for instrument in instruments:
            try:
                instrument(*what)
            except Exception:
                from logging import getLogger  # 10 ms to import: only failures pay.

                getLogger("heliograph").exception(
                    "The instrument %s failed on %r.", name_of(instrument), signal
                )
    finally:
        TELLING.reset(token)
