"""An emission as it was when it was sent: its payload copied, the line that sent it noted."""

from __future__ import annotations

import os
import sys
from copy import deepcopy
from dataclasses import dataclass, field
from threading import current_thread
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from heliograph.testing.names import title

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FrameType

    from heliograph import Delivery, Emission

Snapshot = Literal["shallow", "deep", "reference"]

# What may be changed after it was sent, and how it is copied by nothing but methods of its own:
# those of a subclass might do anything, as SQLAlchemy's collections tell of what is appended.
_COPIES: dict[type, Callable[[Any], Any]] = {
    list: list.copy,
    dict: lambda it: dict(dict.items(it)),
    set: set,
    bytearray: bytearray.copy,
}
# Blinker's functions forward to ours once that is installed, and keep their module.
_ENGINES = ("heliograph", "blinker")


@dataclass(frozen=True, eq=False, repr=False)
class Sent:
    """An emission, as a capture keeps it. Read-only.

    Attributes:
        signal: The signal that was sent.
        sender: Who sent it; proxies are looked behind.
        payload: A copy of what was sent, made before anybody was called; see `capture`.
        place: The file and the line that sent it; no file if a task did nothing else.
        thread: The name of the thread that sent it.
        older: Whether that thread was running when the capture began: it may be doing
            the work of somebody else.
        emission: The emission itself; None if another engine than Heliograph sent it.
        turn: Of its parent's deliveries, the one that sent it, counted from 0.
    """

    signal: Any
    sender: Any
    payload: Mapping[str, Any]
    place: tuple[str, int]
    emission: Emission | None = None
    turn: int = 0
    thread: str = field(default_factory=lambda: current_thread().name)
    older: bool = False

    @property
    def location(self) -> str:
        """The ``file:line`` that sent it, as one would write it from here."""
        return where(*self.place) if self.place[0] else "a task of its own"

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """One for each receiver that was called until now; empty if another engine sent it."""
        return () if self.emission is None else self.emission.deliveries

    @property
    def duration(self) -> float:
        """Seconds from start to end; 0.0 while the send goes on, or if another engine sent it."""
        return 0.0 if self.emission is None else self.emission.duration

    @property
    def muted(self) -> bool:
        """Whether the signal was muted, so that nobody was called."""
        return self.emission is not None and self.emission.muted

    def __getitem__(self, name: str) -> Any:
        """Return one value of the payload."""
        try:
            return self.payload[name]
        except KeyError:
            keys = ", ".join(map(repr, self.payload)) or "nothing"
            msg = f"The payload has no {name!r}: it has {keys}."
            raise KeyError(msg) from None

    def __repr__(self) -> str:
        names = ", ".join(self.payload) or "nothing"
        return f"<Sent {title(self.signal)} at {self.location}: {names}>"


@dataclass(frozen=True)
class Meanwhile:
    """What was sent while a capture lasted.

    Attributes:
        sent: What belongs to it, in order: of all signals, as messages tell of them too.
        left_out: What does not, as another test or another context has sent it.
    """

    sent: list[Sent] = field(default_factory=list)
    left_out: list[Sent] = field(default_factory=list)


def copied(
    payload: Mapping[str, Any], how: Snapshot
) -> tuple[Mapping[str, Any], dict[str, Exception]]:
    """Return a payload that stays as it is now, as far as is asked for.

    And by key, what keeps values from being copied deeply: these are copied once, as
    by default.
    """
    values, failed = dict(payload), {}
    memo: dict[int, Any] = {}  # One, as values may share what is in them.
    for name, value in values.items():
        try:
            if how == "deep":
                values[name] = deepcopy(value, memo)
                continue
        except Exception as error:  # noqa: BLE001 - whatever strangers' objects raise.
            failed[name] = error
        if how != "reference":
            values[name] = _copied_once(value)
    return MappingProxyType(values), failed


def _copied_once(value: Any) -> Any:
    copies = (copy for kind, copy in _COPIES.items() if issubclass(type(value), kind))
    try:
        return next(copies, lambda it: it)(value)
    except Exception:  # noqa: BLE001 - its keys may raise; and it was sent, copied or not.
        return value


def sending_place(*other_engines: str) -> tuple[str, int]:
    """Return the file and the line that is sending now: the first one outside of the engine.

    Args:
        other_engines: The names of their packages, which are none of the user's either.
    """
    frame = sys._getframe(1)
    while frame.f_back and _is_in(frame, *_ENGINES, *other_engines):
        frame = frame.f_back
    if _is_in(frame, "asyncio"):
        return "", 0  # Who made the task is not known any more.
    return frame.f_code.co_filename, frame.f_lineno


def _is_in(frame: FrameType, *packages: str) -> bool:
    # Not by its file, as programs are frozen, and run elsewhere than they were compiled. What
    # `exec` runs may have any name, or none.
    name = dict.get(frame.f_globals, "__name__")
    return type(name) is str and f"{name}.".startswith(tuple(f"{it}." for it in packages))


def where(filename: str, line: int | str) -> str:
    """Return a place in the source as one would write it from the current folder."""
    try:
        here = os.getcwd() + os.sep  # noqa: PTH109 - a string is all that is needed.
    except OSError:  # It has been removed.
        here = ""
    return f"{filename.removeprefix(here)}:{line}"
