"""Tally: what became of everything that was to cross, in this process; and Health, a look at it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    What = Literal[
        "sent", "handed over", "local", "received", "own", "failed", "again", "dead", "gaps", "lost"
    ]


@dataclass(frozen=True, slots=True)
class Health:
    """How a relay does, in this process, since it was made or the process was forked.

    Attributes:
        running: Whether it is started.
        connected: Whether the broker is there.
        problem: Why not, if it is not.
        sent: Envelopes that this process was to send.
        handed_over: Those that the broker has.
        waiting: Those that wait for it, here.
        kept_local: Sends that did not cross, as an envelope of the same kind had led to them.
        received: Envelopes that have arrived: of `broadcast` and `replay` once for all receivers
            of this process, and of `durable` once for each group here that is done with it. One
            whose sender no receiver hears counts as well.
        own: Those of this process itself, which came back and were left out.
        dropped: Envelopes that nobody gets, by reason.
        gaps: How often something may have been missed.
        missed: How many envelopes that were, as far as anybody knows.
        failed: Calls of receivers that raised.
        retried: Envelopes of groups that are to be tried again.
        dead: Envelopes of groups that were put aside.
        unsent: Rows of the outbox that the broker does not have; None without one, and while its
            database does not answer.
        oldest_unsent: The age of the oldest of them in seconds.
        put_aside: Rows of the outbox that the broker has refused for good; None as for *unsent*.
        outbox_trouble: What stands against the outbox here; None if nothing does.
    """

    # As metrics they are counters, and the others gauges.
    GROWING: ClassVar[tuple[str, ...]] = (
        "sent",
        "handed_over",
        "kept_local",
        "received",
        "own",
        "gaps",
        "missed",
        "failed",
        "retried",
        "dead",
    )

    running: bool
    connected: bool
    problem: str | None
    sent: int
    handed_over: int
    waiting: int
    kept_local: int
    received: int
    own: int
    dropped: Mapping[str, int]
    gaps: int
    missed: int
    failed: int
    retried: int
    dead: int
    unsent: int | None = None
    oldest_unsent: float | None = None
    put_aside: int | None = None
    outbox_trouble: str | None = None


class Tally:
    """Counts, by what has happened and to which signal. Safe under threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._dropped: Counter[tuple[str, str]] = Counter()

    def count(self, what: What, signal: str, several: int = 1) -> None:
        """Count something."""
        with self._lock:
            self._counts[what, signal] += several

    def drop(self, reason: str, signal: str, several: int = 1) -> int:
        """Count envelopes that nobody gets; return how many there are of this reason."""
        with self._lock:
            self._dropped[reason, signal] += several
            return self._dropped[reason, signal]

    def total(self, what: What) -> int:
        """Return a count over all signals."""
        with self._lock:
            return sum(n for (it, _), n in self._counts.items() if it == what)

    def dropped(self) -> dict[str, int]:
        """Return how many were dropped, by reason."""
        found: Counter[str] = Counter()
        with self._lock:
            for (reason, _), several in self._dropped.items():
                found[reason] += several
        return dict(found)

    def by_signal(self) -> dict[str, dict[str, int]]:
        """Return all counts, by signal; those of what was dropped have ``dropped:`` before them."""
        found: dict[str, dict[str, int]] = {}
        with self._lock:
            for (what, signal), several in self._counts.items():
                found.setdefault(signal, {})[what] = several
            for (reason, signal), several in self._dropped.items():
                found.setdefault(signal, {})[f"dropped: {reason}"] = several
        return found

    def start_over(self) -> None:
        """Begin with nothing, in a process that was forked."""
        self.__init__()  # type: ignore[misc]  # The lock may be held by a thread that is not here.
