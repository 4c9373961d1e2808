"""What has been counted up to a moment, as values that hold nothing of the program."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heliograph.metrics.histogram import Histogram

OTHER = "<other>"
"""The label of all that came after a cap was reached."""


@dataclass(frozen=True, slots=True)
class Slowest:
    """The longest that a receiver took.

    Attributes:
        seconds: How long that was.
        place: The ``file:line`` that had sent the signal, or None if it is not known: another
            process may have sent it.
    """

    seconds: float
    place: str | None


@dataclass(frozen=True, slots=True)
class ReceiverFigures:
    """What is known of one receiver of one signal.

    Attributes:
        receiver: Its qualified name, with its module.
        location: The ``file:line`` that defines it, or None if it is not known.
        seconds: The durations of all deliveries.
        errors: How many deliveries failed, by the type of the error.
        slowest: The slowest delivery.
        relayed: How many deliveries were of what other processes had sent.
    """

    receiver: str
    location: str | None
    seconds: Histogram
    errors: Mapping[str, int]
    slowest: Slowest
    relayed: int = 0

    @property
    def count(self) -> int:
        """How many deliveries there were, those that failed included."""
        return self.seconds.count

    @property
    def failed(self) -> int:
        """How many deliveries failed."""
        return sum(self.errors.values())


@dataclass(frozen=True, slots=True)
class SignalFigures:
    """What is known of one signal, and of one kind of its senders if these are named.

    Attributes:
        signal: The name of the signal, or of the variable that holds it.
        sender: What `Metrics.name_senders` calls the senders; "" if they are not named.
        count: How many emissions there were in this process, unheard and muted ones included.
        unheard: How many emissions reached no receiver, and went to no other process.
        muted: How many reached none as the signal was muted.
        seconds: How long all receivers took, in all.
        connected: How many connections the signal has now.
        dead: How many receivers are remembered that died while they were connected, up to
            sixteen of each signal.
        receivers: Its receivers, those that take longest in all first.
    """

    signal: str
    sender: str
    count: int
    unheard: int
    muted: int
    seconds: float
    connected: int
    dead: int
    receivers: tuple[ReceiverFigures, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was counted from a start up to a moment.

    Attributes:
        pid: The process that counted: no other process's counts are among these.
        forked: Whether the counting began when this process was forked from another one.
        since: When the counting began, in seconds since the epoch.
        taken: When this snapshot was taken, in seconds since the epoch.
        signals: The signals that were sent, those with the most time in receivers first.
    """

    pid: int
    forked: bool
    since: float
    taken: float
    signals: tuple[SignalFigures, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as dicts, lists, strings and numbers."""
        return asdict(self)

    def signal(self, name: str, sender: str = "") -> SignalFigures | None:
        """Return the figures of a signal, or None if it was not sent."""
        found = (it for it in self.signals if (it.signal, it.sender) == (name, sender))
        return next(found, None)


@dataclass(frozen=True, slots=True)
class Health:
    """How the counting goes.

    Attributes:
        running: Whether emissions are counted now.
        signals: How many signals have figures.
        receivers: How many receivers have figures.
        problems: What was reported, one sentence each: caps that were reached, say.
    """

    running: bool
    signals: int
    receivers: int
    problems: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as a dict with a list, strings and numbers."""
        return asdict(self)
