"""An emission as it was when it was sent: with a copy of its payload, and the line that sent it."""

from __future__ import annotations

from collections import deque
from copy import deepcopy
from dataclasses import dataclass
from threading import RLock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from heliograph.describe import relative_location
from heliograph.testing.formatting import label

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from threading import Thread

    from heliograph import Delivery, Emission

    # What a `Sent` is made of: the emission, or the signal and the sender that another engine has
    # told of; the payload and the location; the thread, and whether it was running before; and
    # what the signal has in common with those that it is joined with.
    Note = tuple[
        Emission | tuple[Any, Any], dict[str, Any], str | None, tuple[Thread, bool], object
    ]

Snapshot = Literal["shallow", "deep", "reference"]

# What a receiver may change, and how to copy it with the methods of the built-in class. Those of
# a subclass may do anything: SQLAlchemy's collections report each change to a session.
_COPIES: dict[type, Callable[[Any], Any]] = {
    list: list.copy,
    dict: lambda it: dict(dict.items(it)),
    set: set,
    bytearray: bytearray.copy,
}
NEVER_CHANGE: frozenset[type] = frozenset({str, int, float, bool, type(None), bytes})
"""Of what values nobody needs a copy."""


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
    thread: str
    older: bool
    # As they were then: signals that are joined may part before a test asks.
    _connections: object
    emission: Emission | None = None

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


class Captured:
    """Everything that was sent while a capture lasted.

    Most is never looked at, so it is kept as it is noted, and made at the first look.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._sent: list[Sent] = []
        self._left_out: list[Sent] = []
        self.notes: deque[Note] = deque()
        self.notes_left_out: deque[Note] = deque()

    @property
    def sent(self) -> list[Sent]:
        """What counts, in order: of all signals, as messages list the others too."""
        return self._made(self.notes, self._sent)

    @property
    def left_out(self) -> list[Sent]:
        """What another test or another context sent, and so does not count."""
        return self._made(self.notes_left_out, self._left_out)

    def _made(self, notes: deque[Note], made: list[Sent]) -> list[Sent]:
        if notes:
            with self._lock:
                while notes:
                    made += (_made_of(*notes[0]),)
                    # No call in between, after which a signal handler could raise.
                    del notes[0]
        return made


def _made_of(
    source: Any,
    payload: dict[str, Any],
    location: str | None,
    sent_in: tuple[Thread, bool],
    joined: object,
) -> Sent:
    thread, older = sent_in
    of_another = type(source) is tuple
    signal, sender = source if of_another else (source.signal, source.sender)
    read_only, emission = MappingProxyType(payload), None if of_another else source
    return Sent(signal, sender, read_only, location, thread.name, older, joined, emission)


def copy_values(values: dict[str, Any], how: Snapshot) -> dict[str, Exception]:
    """Put copies of the values of a payload in their place.

    Returns:
        By key, the errors of values that cannot be copied deeply: their copies are shallow.
    """
    failed: dict[str, Exception] = {}
    memo: dict[int, Any] = {}  # One for all, as values may share their parts.
    for name, value in values.items():
        if type(value) in NEVER_CHANGE:
            continue
        try:
            if how == "deep":
                values[name] = deepcopy(value, memo)
                continue
        except Exception as error:  # noqa: BLE001 - a user's object may raise anything.
            failed[name] = error
        values[name] = _shallow_copy(value)
    return failed


def _shallow_copy(value: Any) -> Any:
    kind = type(value)
    for base, copy in _COPIES.items():
        if issubclass(kind, base):
            try:
                return copy(value)
            except Exception:  # noqa: BLE001 - its keys may raise; it was sent all the same.
                return value
    return value


def sent_at(sent: Sent) -> str:
    """Return where an emission was sent, as messages say it."""
    return "a task of its own" if sent.location is None else relative_location(sent.location)
