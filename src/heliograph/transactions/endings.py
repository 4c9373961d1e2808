"""How transactions ended, what became of the deliveries that waited for them, and the counts."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from heliograph import ArgumentError, Namespace
from heliograph.describe import short_repr, title_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from heliograph.transactions.waiting import Waiting

Without = Literal["raise", "now", "drop"]
Unknown = Literal["drop", "deliver", "ask"]

_LOG = logging.getLogger("heliograph")

transactions: Namespace = Namespace("transactions")


@transactions.declare(name="commit-unknown", offered={"error", "signals"})
def commit_unknown(
    sender: Any, *, error: BaseException | None, signals: tuple[str, ...], policy: str
) -> None:
    """Nobody knows whether a transaction was committed: the answer to COMMIT never came.

    The connection was cut, or the task that waited was cancelled. `signals` are the names of
    those whose receivers wait, and `policy` says what is done with these deliveries: "drop",
    "deliver", or "ask" the server first.
    """


@dataclass(frozen=True)
class Health:
    """Counts of deliveries since the installation, or since the process was forked.

    Attributes:
        delivered: Receivers that were called after a commit.
        failed: Those among them that raised.
        dropped: Deliveries whose transaction, or savepoint, was rolled back.
        unknown: Deliveries of transactions of which nobody knows whether they were committed.
        without: Sends for after a commit that had no transaction, and were let pass.
    """

    # As metrics they are counters, and the others gauges.
    GROWING: ClassVar[tuple[str, ...]] = ("delivered", "failed", "dropped", "unknown", "without")

    delivered: int = 0
    failed: int = 0
    dropped: int = 0
    unknown: int = 0
    without: int = 0


class Ledger:
    """Counts what became of deliveries, exactly, whichever thread counts."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = Lock()

    def count(self, what: str, several: int = 1) -> None:
        """Add to one of the counts of `Health`."""
        with self._lock:
            self._counts[what] += several

    def health(self) -> Health:
        """Return the counts so far."""
        with self._lock:
            return Health(**self._counts)

    def start_over(self) -> None:
        """Begin at zero, in a process that was forked: what its parent counted is not its own."""
        self._lock = Lock()
        self._counts = Counter()


def names_of(several: Iterable[Waiting]) -> tuple[str, ...]:
    """Return the names of the signals that deliveries are of, each once, in order."""
    return tuple(dict.fromkeys(str(it.postponed.signal.name) for it in several))


def tell_unknown(error: BaseException | None, several: list[Waiting], policy: Unknown) -> None:
    """Tell that an ending is unknown: in the log, and by a signal."""
    _LOG.error(
        "Nobody knows whether a transaction was committed: %s came before the answer to COMMIT. "
        "%d deliveries of %s wait for it; the policy is unknown=%r.",
        type(error).__name__,
        len(several),
        _titles(several),
        policy,
    )
    try:
        commit_unknown.send(None, error=error, signals=names_of(several), policy=policy)
    except Exception as failure:  # noqa: BLE001 - it must not hide the error of the commit.
        _LOG.error("A receiver of %r failed.", commit_unknown.name, exc_info=failure)


def warn_of_no_commit(several: list[Waiting]) -> None:
    """Warn that a session was closed, or collected, and nobody has committed or rolled back."""
    _LOG.warning(
        "%d deliveries of %s were dropped: their session was closed without a commit. In Flask, "
        "a streamed response closes the session before its body; commit before that.",
        len(several),
        _titles(several),
    )


def warn_of_late_commit(several: list[Waiting]) -> None:
    """Warn that a commit has come when the whole response was sent."""
    _LOG.warning(
        "%d deliveries of %s have waited for a commit that came after the response of their "
        "request: its client was told that all is done, and its background tasks have not seen "
        'it. In FastAPI, use Depends(..., scope="function"), or commit in the endpoint.',
        len(several),
        _titles(several),
    )


def warn_of_open_session(several: list[Waiting]) -> None:
    """Warn that a receiver has used the session that has just been committed."""
    _LOG.warning(
        "A receiver of %s has begun a new transaction in the session that was just committed, by "
        "reading an expired attribute perhaps. It holds a connection until somebody ends it: let "
        "receivers open a session of their own.",
        _titles(several),
    )


def _titles(several: list[Waiting]) -> str:
    return ", ".join(dict.fromkeys(title_of(it.postponed.signal) for it in several))


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Refuse a policy that does not exist.

    Raises:
        ArgumentError: If so.
    """
    if value not in choices:
        msg = f"{name}={short_repr(value)} is not a policy. Use {', '.join(map(repr, choices))}."
        raise ArgumentError(msg)
