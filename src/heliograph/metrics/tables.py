"""What is counted of a signal and of a receiver, and how threads add to it without a lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heliograph.metrics.histogram import SECONDS, Filling
from heliograph.metrics.snapshot import OTHER, ReceiverFigures, SignalFigures, Slowest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from weakref import ref

    from heliograph import Connection, Signal

# A thread may be interrupted between any two bytecodes, and `x += 1` has several: two threads
# would count one. What is atomic is `list.append`, with the GIL and without it. So the instrument
# only appends, and lists are counted later, many durations at once, under a lock. That is exact,
# needs no lock in a send, and takes less time than finding the bucket of each single duration.

_KINDS = 50
"""How many types of errors of one receiver are told apart."""


class Deliveries(list[float]):
    """The durations of one receiver that are not counted yet, and what was counted."""

    __slots__ = (
        "arrived",
        "emissions",
        "errors",
        "failures",
        "filling",
        "location",
        "name",
        "place",
        "relayed",
        "sent",
        "slowest",
    )

    def __init__(self, sent: Emissions, name: str, location: str | None) -> None:
        super().__init__()
        self.sent: Emissions = sent
        self.emissions: list[bool] = sent.pending  # At hand, as each send adds one.
        self.arrived: list[bool] = []  # One for each delivery of what another process has sent.
        self.relayed: int = 0
        self.name: str = name
        self.location: str | None = location
        self.failures: list[str] = []  # The types of errors that are not counted yet.
        self.errors: dict[str, int] = {}
        self.filling: Filling = Filling(SECONDS)
        self.slowest: float = 0.0
        self.place: str | None = None

    def count_pending(self) -> None:
        """Count what was appended. Others may append meanwhile, but not count."""
        if taken := moved(self):
            self.filling.add(taken)
        self.relayed += len(moved(self.arrived))
        for kind in moved(self.failures):
            known = kind in self.errors or len(self.errors) < _KINDS
            label = kind if known else OTHER
            self.errors[label] = self.errors.get(label, 0) + 1

    def figures(self) -> ReceiverFigures:
        """Return what was counted."""
        slowest = Slowest(self.slowest, self.place)
        return ReceiverFigures(
            self.name,
            self.location,
            self.filling.histogram(),
            dict(self.errors),
            slowest,
            self.relayed,
        )


class Emissions:
    """What is counted of the signals of one name, and of one kind of senders if these are named."""

    __slots__ = (
        "connections",
        "heard",
        "label",
        "muted",
        "pending",
        "receivers",
        "sender",
        "senders",
        "signals",
        "unheard",
        "without",
    )

    def __init__(self, label: str, sender: str) -> None:
        self.label: str = label
        self.sender: str = sender
        self.senders: dict[str, Emissions] = {}
        self.signals: dict[int, ref[Signal[...]]] = {}
        self.receivers: dict[str, Deliveries] = {}
        # Those at hand in the instrument.
        self.connections: list[Connection] = []
        # One for each emission that is not counted yet. Without receivers: whether it was muted.
        self.pending: list[bool] = []
        self.without: list[bool] = []
        self.heard: int = 0
        self.unheard: int = 0
        self.muted: int = 0

    def forget_slowest(self) -> None:
        """Forget the slowest deliveries."""
        for taken in tuple(self.receivers.values()):
            taken.slowest, taken.place = 0.0, None

    def count_pending(self) -> None:
        """Count what was appended. Others may append meanwhile, but not count."""
        self.heard += len(moved(self.pending))
        without = moved(self.without)
        self.muted += sum(without)
        self.unheard += len(without) - sum(without)
        for taken in tuple(self.receivers.values()):
            taken.count_pending()

    def all(self) -> Iterator[Emissions]:
        """Yield it, and what is counted of each kind of senders."""
        yield self
        yield from tuple(self.senders.values())

    @property
    def is_split(self) -> bool:
        """Whether all its emissions are counted by each kind of senders."""
        return bool(self.senders) and not (self.heard or self.unheard or self.muted)

    def figures(self, signals: list[Signal[...]], *, unsent: bool) -> SignalFigures:
        """Return what was counted, and how many receivers the signals have now."""
        receivers = [it.figures() for it in tuple(self.receivers.values())]
        receivers.sort(key=lambda it: -it.seconds.sum)
        return SignalFigures(
            self.label,
            self.sender,
            self.heard + self.unheard + self.muted,
            self.unheard,
            self.muted,
            sum(it.seconds.sum for it in receivers),
            sum(len(it.connections) for it in signals),
            sum(len(it.dead_receivers) for it in signals),
            tuple(it for it in receivers if it.count or unsent),
        )


def moved(pending: list[Any]) -> list[Any]:
    """Take what is in a list out of it, and leave what is appended meanwhile."""
    taken = pending[:]
    del pending[: len(taken)]
    return taken
