"""The instrument that counts and times every emission and every delivery."""

from __future__ import annotations

from operator import itemgetter
from threading import RLock
from typing import TYPE_CHECKING, Any
from weakref import ref

from heliograph.describe import (
    calling_location,
    label_of,
    location_of,
    name_of,
    portable_location,
)
from heliograph.metrics.snapshot import OTHER
from heliograph.metrics.tables import Deliveries, Emissions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from heliograph import Connection, Delivery, Emission, Signal
    from heliograph.metrics.problems import Problems
    from heliograph.metrics.senders import SenderNames
    from heliograph.metrics.snapshot import SignalFigures

_PENDING = 500
"""How many emissions of a signal are kept uncounted, about."""

# Where type checkers cannot know that a loop runs.
_NONE: Any = None

_UNNAMED = 50
"""How many signals without a name are looked for in the modules: that takes milliseconds each."""


class Counting:
    """Counts and times emissions and deliveries: an instrument for `add_instrument`.

    Args:
        problems: Where it reports a cap that was reached.
        naming: Returns what the senders of a signal are called, or None.
        at_most: How many signals, and how many receivers of each, are told apart.

    Attributes:
        on_first: Called when a signal is sent that was not sent before in this process.
    """

    __slots__ = (
        "__weakref__",
        "_at_most",
        "_find_naming",
        "_known",
        "_lock",
        "_problems",
        "_seen",
        "_sent",
        "_unnamed",
        "on_first",
    )

    def __init__(
        self,
        problems: Problems,
        naming: Callable[[Signal[...]], SenderNames | None],
        at_most: int,
    ) -> None:
        self._problems = problems
        self._find_naming = naming
        self._at_most = at_most
        self.on_first: Callable[[], object] | None = None
        self.forget()

    def forget(self) -> None:
        """Begin with nothing, and with a new lock: a thread that is not there may hold the old one.

        For a process that was forked.
        """
        # A signal handler may take a snapshot while its thread counts.
        self._lock = RLock()
        self._seen: dict[int, Emissions] = {}
        self._sent: dict[str, Emissions] = {}
        self._known: dict[Connection | None, Deliveries] = {}
        self._unnamed = 0

    # One function, as each call would take a quarter of the time that a receiver may cost.
    def __call__(self, emission: Emission) -> None:
        """Note an emission and its deliveries."""
        deliveries = emission.deliveries
        if deliveries:
            # A connection is of one signal: so the signal need not be asked for.
            known, taken = self._known, _NONE
            for delivery in deliveries:
                taken = known.get(delivery.connection)
                if taken is None:
                    taken = self._first_to(emission, delivery)
                duration = delivery.duration
                taken.append(duration)
                if duration > taken.slowest:
                    self._slower(taken, duration, emission)
                if delivery.error is not None:
                    taken.failures.append(name_of(type(delivery.error)))
            # What has come from another process was counted where it was sent.
            pending = taken.emissions if emission.origin is None else taken.arrived
            pending.append(True)
            if len(pending) > _PENDING:
                self._count_now(taken.sent)
        else:
            if emission.origin is not None:
                return  # Its receiver is not connected any more.
            sent = self._seen.get(id(emission.signal)) or self._find(emission)
            pending = sent.pending if emission.envelopes else sent.without
            pending.append(emission.muted)
            if len(pending) > _PENDING:
                self._count_now(sent)

    def _count_now(self, sent: Emissions) -> None:
        if self._lock.acquire(blocking=False):  # Otherwise another thread counts already.
            try:
                self._count_one(sent)
            finally:
                self._lock.release()

    def _count(self) -> None:
        for sent in tuple(self._sent.values()):
            for it in sent.all():
                self._count_one(it)

    def _count_one(self, sent: Emissions) -> None:
        # A connection may keep its receiver alive, so that none is at hand for long.
        connections, sent.connections = sent.connections, []
        for it in connections:
            self._known.pop(it, None)
        sent.count_pending()

    def on_connect(self, signal: Signal[...], connection: Connection, _: object) -> None:
        """Let a receiver be there, at zero until a delivery reaches it."""
        if signal.name is not None:  # Nobody knows yet which variable will hold the others.
            self._row(self._first_of(signal), connection.name, connection.receiver)

    def know(self, signals: Iterable[Signal[...]]) -> None:
        """Let signals and their receivers be there, at zero until something is sent.

        They take up to half of the room, and leave the rest to those that are sent.
        """
        for signal in signals:
            # What holds one without a name would be looked for in all modules.
            if signal.name is None or len(self._sent) >= self._at_most // 2:
                continue
            sent = self._first_of(signal)
            for connection in signal.connections:
                self._row(sent, connection.name, connection.receiver)

    def figures(self, *, unsent: bool = False) -> tuple[SignalFigures, ...]:
        """Return what was counted, the signals with the most time in receivers first.

        Args:
            unsent: Whether signals and receivers are among it that nothing was sent to.
        """
        with self._lock:
            self._count()
            found = [
                it.figures(_alive(sent), unsent=unsent)
                for sent in tuple(self._sent.values())
                for it in sent.all()
                if not it.is_split
            ]
        wanted = (it for it in found if it.count or it.receivers or unsent)
        return tuple(sorted(wanted, key=_by_seconds))

    def forget_slowest(self) -> None:
        """Forget the slowest deliveries: the next one of each receiver is the slowest again."""
        with self._lock:
            for sent in tuple(self._sent.values()):
                for it in sent.all():
                    it.forget_slowest()

    @property
    def sizes(self) -> tuple[int, int]:
        """How many signals and how many receivers have figures."""
        with self._lock:
            all_sent = [it for sent in self._sent.values() for it in sent.all()]
            return len(self._sent), sum(len(it.receivers) for it in all_sent)

    # --- what is seen for the first time -------------------------------------------------

    def _find(self, emission: Emission) -> Emissions:
        if self.on_first is not None:
            self.on_first()
        signal = emission.signal
        naming = self._find_naming(signal)
        sent = self._first_of(signal)
        if naming is None:
            self._seen[id(signal)] = sent
            return sent
        # It depends on the sender, each time.
        name = naming.name(sent.label, emission.sender, sent.senders)
        found = sent.senders.get(name)
        # Two threads that meet a name at once must get the same one.
        return found or sent.senders.setdefault(name, Emissions(sent.label, name))

    def _first_of(self, signal: Signal[...]) -> Emissions:
        with self._lock:
            label = self._label_of(signal)
            sent = self._sent.get(label)
            if sent is None:
                sent = self._sent[label] = Emissions(label, "")
            # Not by the signal itself: that would live as long as its figures.
            key, seen = id(signal), self._seen

            def forget(_: object) -> None:
                seen.pop(key, None)
                sent.signals.pop(key, None)

            if key not in sent.signals:
                sent.signals[key] = ref(signal, forget)
            return sent

    def _label_of(self, signal: Signal[...]) -> str:
        if signal.name is None:
            self._unnamed += 1
            if self._unnamed > _UNNAMED:
                return OTHER
        label = label_of(signal)
        if label in self._sent or len(self._sent) < self._at_most:
            return label
        self._problems.report(
            f"More than {self._at_most} signals were sent: the others are counted as {OTHER}. "
            "Pass the signals that matter, as in Metrics(signals=[…]), or a higher at_most=."
        )
        return OTHER

    def _first_to(self, emission: Emission, delivery: Delivery) -> Deliveries:
        connection, receiver = delivery.connection, delivery.receiver
        sent = self._seen.get(id(emission.signal)) or self._find(emission)
        if connection is None:  # It may be another receiver next time.
            return self._row(sent, name_of(receiver), receiver)
        taken = self._row(sent, connection.name, receiver)
        if id(emission.signal) in self._seen:  # Otherwise it depends on the sender.
            self._known[connection] = taken
            sent.connections.append(connection)
        return taken

    def _row(self, sent: Emissions, name: str, receiver: object) -> Deliveries:
        with self._lock:
            taken = sent.receivers.get(name)
            if taken is None and len(sent.receivers) >= self._at_most:
                self._problems.report(
                    f"{sent.label!r} has more than {self._at_most} receivers: the others are "
                    f"counted as {OTHER}. Pass a higher at_most= to Metrics()."
                )
                name, receiver = OTHER, None
                taken = sent.receivers.get(name)
            if taken is None:
                location = location_of(receiver)
                portable = None if location is None else portable_location(location)
                taken = sent.receivers[name] = Deliveries(sent, name, portable)
            return taken

    def _slower(self, taken: Deliveries, duration: float, emission: Emission) -> None:
        here = emission.origin is None  # Otherwise the line is in another process.
        location = calling_location("heliograph.metrics") if here else None
        place = None if location is None else portable_location(location)
        with self._lock:
            # Another thread may have had a slower one meanwhile.
            found = max((duration, place), (taken.slowest, taken.place), key=itemgetter(0))
            taken.slowest, taken.place = found


def _by_seconds(figures: SignalFigures) -> float:
    return -figures.seconds


def _alive(sent: Emissions) -> list[Signal[...]]:
    found = (it() for it in tuple(sent.signals.values()))
    return [it for it in found if it is not None]
