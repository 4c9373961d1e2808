"""An emission as it was when it was sent: with a copy of its payload, and the line that sent it."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from threading import current_thread
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from heliograph.describe import relative_location
from heliograph.testing.formatting import label

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from heliograph import Delivery, Emission

Snapshot = Literal["shallow", "deep", "reference"]

# What a receiver may change, and how to copy it with the methods of the built-in class. Those of
# a subclass may do anything: SQLAlchemy's collections report each change to a session.
_COPIES: dict[type, Callable[[Any], Any]] = {
    list: list.copy,
    dict: lambda it: dict(dict.items(it)),
    set: set,
    bytearray: bytearray.copy,
}


@dataclass(frozen=True, eq=False, repr=False)
class Sent:
    """An emission, as a capture keeps it. Read-only.

    Attributes:
        signal: The signal that was sent.
        sender: Who sent it; proxies are unwrapped.
        payload: A copy of the payload, made before any receiver was called; see `capture`.
        location: The ``file:line`` that sent it; None if a task of asyncio did nothing else.
        thread: The name of the thread that sent it.
        older: Whether that thread was already running when the capture began: it may be
            working for another test.
        emission: The emission itself; None if Blinker or Django sent it.
    """

    signal: Any
    sender: Any
    payload: Mapping[str, Any]
    location: str | None
    emission: Emission | None = None
    thread: str = field(default_factory=lambda: current_thread().name)
    older: bool = False

    _connections: object = field(init=False)

    def __post_init__(self) -> None:
        # As they are now: signals that are joined may part before a test asks.
        object.__setattr__(self, "_connections", connections_of(self.signal))

    def is_of(self, signal: Any) -> bool:
        """Tell whether a signal was sent, or one that it is joined with."""
        return self.signal is signal or self._connections is connections_of(signal)

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """One for each receiver called so far; empty if another engine sent it."""
        return () if self.emission is None else self.emission.deliveries

    @property
    def duration(self) -> float:
        """Seconds from start to end; 0.0 while the send goes on, or if another engine sent it."""
        return 0.0 if self.emission is None else self.emission.duration

    @property
    def muted(self) -> bool:
        """Whether the signal was muted, so that no receiver was called."""
        return self.emission is not None and self.emission.muted

    def __getitem__(self, name: str) -> Any:
        """Return one value of the payload."""
        try:
            return self.payload[name]
        except KeyError:
            keys = ", ".join(map(repr, self.payload)) or "nothing"
            msg = f"The payload has no {name!r}; it has {keys}."
            raise KeyError(msg) from None

    def __repr__(self) -> str:
        names = ", ".join(self.payload) or "nothing"
        return f"<Sent {label(self.signal)} at {sent_at(self)}: {names}>"


def connections_of(signal: Any) -> object:
    """Return what signals that are joined have in common: another engine's signal is its own."""
    return getattr(signal, "_registry", signal)


@dataclass(frozen=True)
class Captured:
    """Everything that was sent while a capture lasted.

    Attributes:
        sent: What counts, in order: of all signals, as messages list the others too.
        left_out: What another test or another context sent, and so does not count.
    """

    sent: list[Sent] = field(default_factory=list)
    left_out: list[Sent] = field(default_factory=list)


def copied(
    payload: Mapping[str, Any], how: Snapshot
) -> tuple[Mapping[str, Any], dict[str, Exception]]:
    """Copy a payload.

    Returns:
        The copy, read-only; and by key, the errors of values that cannot be copied deeply.
        Of these the copy is shallow.
    """
    values, failed = dict(payload), {}
    memo: dict[int, Any] = {}  # One for all, as values may share their parts.
    for name, value in values.items():
        try:
            if how == "deep":
                values[name] = deepcopy(value, memo)
                continue
        except Exception as error:  # noqa: BLE001 - a user's object may raise anything.
            failed[name] = error
        if how != "reference":
            values[name] = _shallow_copy(value)
    return MappingProxyType(values), failed


def _shallow_copy(value: Any) -> Any:
    copies = (copy for kind, copy in _COPIES.items() if issubclass(type(value), kind))
    try:
        return next(copies, lambda it: it)(value)
    except Exception:  # noqa: BLE001 - its keys may raise; it was sent all the same.
        return value


def sent_at(sent: Sent) -> str:
    """Return where an emission was sent, as messages say it."""
    return "a task of its own" if sent.location is None else relative_location(sent.location)
