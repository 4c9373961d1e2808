"""What receivers took in all: of what was counted in several processes, or of what was seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace
from math import ceil
from typing import TYPE_CHECKING, Any

from heliograph import ArgumentError
from heliograph.metrics import Histogram

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from heliograph.inspector.seen import SeenDelivery, SeenEmission


@dataclass(frozen=True, slots=True)
class Total:
    """One receiver of one signal, over all its deliveries.

    Attributes:
        signal: What a list calls the signal.
        receiver: The name of the receiver, with its module.
        location: The ``file:line`` that defines it, or None.
        count: How often it was called.
        errors: How often it raised, by the type of the error.
        seconds: How long it took in all.
        median: What half of its calls did not exceed, in seconds.
        p99: What 99 of 100 calls did not exceed.
        slowest: What the slowest took.
        place: The ``file:line`` that sent what took longest, or None if it is not known.
    """

    signal: str
    receiver: str
    location: str | None
    count: int
    errors: dict[str, int]
    seconds: float
    median: float
    p99: float
    slowest: float
    place: str | None

    @property
    def failed(self) -> int:
        """How often it raised."""
        return sum(self.errors.values())


@dataclass(frozen=True, slots=True)
class Totals:
    """All receivers, and what reached none.

    Attributes:
        emissions: How many emissions there were.
        receivers: The receivers, those that took longest in all first.
        unheard: How many emissions of a signal reached no receiver, by its name; what was muted
            is none of them.
        dead: How many receivers of a signal died while they were connected, by its name.
    """

    emissions: int
    receivers: tuple[Total, ...]
    unheard: dict[str, int]
    dead: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Return it as dicts, lists, strings and numbers."""
        return asdict(self)

    def sorted_by(self, what: str) -> Totals:
        """Return the same with the largest first, by one of `ORDERS`.

        Raises:
            ArgumentError: If there is no such order.
        """
        key = ORDERS.get(what)
        if key is None:
            msg = f"Receivers cannot be sorted by {what!r}: use one of {', '.join(ORDERS)}."
            raise ArgumentError(msg)
        return replace(self, receivers=tuple(sorted(self.receivers, key=key, reverse=True)))


ORDERS: dict[str, Callable[[Total], float]] = {
    "total": lambda it: it.seconds,
    "calls": lambda it: it.count,
    "errors": lambda it: it.failed,
    "median": lambda it: it.median,
    "p99": lambda it: it.p99,
    "slowest": lambda it: it.slowest,
}
"""What receivers can be sorted by."""


# --- of what was counted ---------------------------------------------------------------


def of_counts(snapshots: Iterable[Any]) -> Totals:
    """Sum up what several processes have counted.

    Args:
        snapshots: What `heliograph.metrics.Snapshot.as_dict` returns, of each.

    Raises:
        ArgumentError: If one is something else, or of a version that counts in another way.
    """
    try:
        return _summed([signal for it in snapshots for signal in it["signals"]])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        msg = f"These are no counts: {type(error).__name__} of {error}."
        raise ArgumentError(msg) from None


def _summed(signals: list[Any]) -> Totals:
    unheard, dead = Counter[str](), Counter[str]()
    of_receiver: dict[tuple[str, str, str | None], list[Any]] = {}
    for it in signals:
        unheard[it["signal"]] += it["unheard"]
        dead[it["signal"]] = max(dead[it["signal"]], it["dead"])  # Each process has its own copies.
        for receiver in it["receivers"]:
            key = it["signal"], receiver["receiver"], receiver["location"]
            of_receiver.setdefault(key, []).append(receiver)
    receivers = [_sum(*key, parts) for key, parts in of_receiver.items()]
    emissions = sum(it["count"] for it in signals)
    return _totals(emissions, receivers, unheard, dead)


def _sum(signal: str, name: str, location: str | None, parts: list[Any]) -> Total:
    errors = Counter[str]()
    for it in parts:
        errors.update({name.removeprefix("builtins."): at for name, at in it["errors"].items()})
    [bounds] = {tuple(it["seconds"]["bounds"]) for it in parts}
    counts = zip(*(it["seconds"]["counts"] for it in parts), strict=True)
    seconds = Histogram(
        bounds, tuple(map(sum, counts)), float(sum(it["seconds"]["sum"] for it in parts))
    )
    slowest = max((it["slowest"] for it in parts), key=lambda it: float(it["seconds"]))
    return Total(
        signal,
        name,
        location,
        seconds.count,
        dict(errors),
        seconds.sum,
        # As buckets let one tell; no call took longer than the slowest.
        min(seconds.quantile(0.5), slowest["seconds"]),
        min(seconds.quantile(0.99), slowest["seconds"]),
        slowest["seconds"],
        slowest["place"],
    )


# --- of what was seen ------------------------------------------------------------------


def of_emissions(emissions: Iterable[SeenEmission]) -> Totals:
    """Sum up emissions that were recorded."""
    unheard = Counter[str]()
    of_receiver: dict[tuple[str, str, str | None], list[tuple[SeenDelivery, SeenEmission]]] = {}
    many = 0
    for emission in emissions:
        many += 1
        unheard[emission.signal] += emission.unheard is not None
        for it in emission.deliveries:
            key = emission.signal, it.receiver, it.location
            of_receiver.setdefault(key, []).append((it, emission))
    receivers = [_exactly(*key, parts) for key, parts in of_receiver.items()]
    return _totals(many, receivers, unheard, Counter())


def _exactly(
    signal: str,
    name: str,
    location: str | None,
    parts: list[tuple[SeenDelivery, SeenEmission]],
) -> Total:
    durations = sorted(it.duration for it, _ in parts)
    errors = Counter(it.error.partition(":")[0] for it, _ in parts if it.error is not None)
    slowest, emission = max(parts, key=lambda it: it[0].duration)
    return Total(
        signal,
        name,
        location,
        len(parts),
        dict(errors),
        sum(durations),
        durations[ceil(0.5 * len(durations)) - 1],
        durations[ceil(0.99 * len(durations)) - 1],
        slowest.duration,
        emission.location,
    )


def _totals(
    emissions: int, receivers: list[Total], unheard: Counter[str], dead: Counter[str]
) -> Totals:
    found = Totals(
        emissions,
        tuple(receivers),
        {name: many for name, many in unheard.items() if many > 0},
        {name: many for name, many in dead.items() if many > 0},
    )
    return found.sorted_by("total")
