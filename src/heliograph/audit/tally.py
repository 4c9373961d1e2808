"""Counts what became of entries, and refuses choices that do not exist."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from threading import Lock
from typing import ClassVar

from heliograph import ArgumentError
from heliograph.audit.seals import Key
from heliograph.describe import short_repr


@dataclass(frozen=True)
class Health:
    """How a trail does, in this process.

    Attributes:
        running: Whether it is open.
        sent: Emissions that were to become entries.
        stored: Entries that are in the trail.
        spooled: Entries that wait in the spool.
        waiting: Entries that wait in the queue, or for the commit of others.
        lost: Entries that were lost; the trail has an entry that tells how many.
        failed: Entries whose send has failed for it.
    """

    # As metrics they are counters, and the others gauges.
    GROWING: ClassVar[tuple[str, ...]] = (
        "sent",
        "stored",
        "spooled",
        "lost",
        "failed",
    )

    running: bool
    sent: int
    stored: int
    spooled: int
    waiting: int
    lost: int
    failed: int


class Tally:
    """Counts, exact whichever thread counts."""

    def __init__(self) -> None:
        self.forked()

    def forked(self) -> None:
        """Begin at zero."""
        self._lock = Lock()
        self._counts: Counter[str] = Counter()

    def count(self, what: str, several: int = 1) -> None:
        """Add to one of the counts."""
        with self._lock:
            self._counts[what] += several

    def counts(self) -> Counter[str]:
        """Return a copy of the counts."""
        with self._lock:
            return Counter(self._counts)


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Refuse a choice that does not exist.

    Raises:
        ArgumentError: If so.
    """
    if value not in choices:
        several = ", ".join(map(repr, choices))
        msg = f"{name}={short_repr(value)} is not a choice. Use {several}."
        raise ArgumentError(msg)


def check_key(key: object) -> None:
    """Refuse what is no key.

    Raises:
        ArgumentError: If so.
    """
    if key is not None and not isinstance(key, Key):
        msg = f"key={type(key).__name__} is no key: pass heliograph.audit.Key(id, secret)."
        raise ArgumentError(msg)
