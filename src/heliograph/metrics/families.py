"""Family: one metric with labels, to which every thread adds without a lock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import fsum, isfinite
from threading import RLock
from typing import TYPE_CHECKING

from heliograph.metrics.histogram import Filling, Histogram
from heliograph.metrics.names import GAUGE, HISTOGRAM, label_text
from heliograph.metrics.snapshot import OTHER
from heliograph.metrics.tables import moved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from heliograph.metrics.problems import Problems

    Labels = tuple[str, ...]
    Sink = Callable[[Labels, float], object]

_PENDING = 500
"""How many values of a label set are kept uncounted, about."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a metric is, without its values.

    Attributes:
        name: Its name, in OpenTelemetry's spelling: with dots.
        kind: "counter", "histogram" or "gauge".
        unit: Its unit, such as "s", "By" or "EUR"; "" for plain numbers, "{request}" for things.
        doc: What it counts, in one sentence.
        labels: The names of its labels.
        bounds: The bounds of its buckets, if it is a histogram.
        over: What a gauge is over several processes: their "sum", "max" or "min".
    """

    name: str
    kind: str
    unit: str
    doc: str
    labels: tuple[str, ...]
    bounds: tuple[float, ...] = ()
    over: str = "sum"


@dataclass(frozen=True, slots=True)
class Family:
    """A metric with its values at a moment.

    Attributes:
        about: What the metric is.
        series: A number, or a histogram, for each label set.
    """

    about: Description
    series: Mapping[Labels, float | Histogram]

    def labelled(self, more: Mapping[str, str]) -> Family:
        """Return the same values with more labels."""
        if not more:
            return self
        about = replace(self.about, labels=(*self.about.labels, *more))
        values = tuple(more.values())
        return Family(about, {(*labels, *values): it for labels, it in self.series.items()})


def merged(families: Iterable[Family], problems: Problems) -> list[Family]:
    """Return one family for each name: what has the same labels is added up.

    Two `Metrics` of one process are exported together, and no system takes a name twice. What is
    of another kind than the first of its name is reported, and left out.
    """
    found: dict[str, list[Family]] = {}
    for family in families:
        first = found.setdefault(family.about.name, [])
        if first and _shape(first[0].about) != _shape(family.about):
            problems.report(
                f"Two metrics of this process are called {family.about.name!r} and are of "
                "different kinds, units or buckets: the later one is not exported."
            )
            continue
        first.append(family)
    return [family for its in found.values() for family in _together(its, problems)]


def _together(families: list[Family], problems: Problems) -> list[Family]:
    if len(families) == 1:
        return families
    try:
        return [_one_of(families)]
    except Exception as error:  # noqa: BLE001 - all others are still to be handed over.
        name = families[0].about.name
        problems.report(f"The values of the metric {name!r} cannot be added up.", error)
        return []


def _shape(about: Description) -> tuple[object, ...]:
    return about.kind, about.unit, about.bounds


def _one_of(families: list[Family]) -> Family:
    labels = tuple(dict.fromkeys(name for it in families for name in it.about.labels))
    series: dict[Labels, float | Histogram] = {}
    for family in families:
        for values, value in family.series.items():
            by_name = dict(zip(family.about.labels, values, strict=True))
            key = tuple(by_name.get(name, "") for name in labels)
            series[key] = _sum(series.get(key), value)
    return Family(replace(families[0].about, labels=labels), series)


def _sum(one: float | Histogram | None, other: float | Histogram) -> float | Histogram:
    if one is None:
        return other
    if isinstance(one, Histogram) and isinstance(other, Histogram):
        counts = tuple(map(sum, zip(one.counts, other.counts, strict=True)))
        return Histogram(one.bounds, counts, one.sum + other.sum)
    return float(one) + float(other)  # type: ignore[arg-type]  # Both are of one kind.


class Series(list[float]):
    """The values of one label set that are not counted yet, and what was counted."""

    __slots__ = ("counted", "filling", "labels")

    def __init__(self, labels: Labels, bounds: tuple[float, ...] | None) -> None:
        super().__init__()
        self.labels: Labels = labels
        self.filling: Filling | None = None if bounds is None else Filling(bounds)
        self.counted: float = 0.0

    def count_pending(self) -> None:
        """Count what was appended. Others may append meanwhile, but not count."""
        taken = moved(self)
        if self.filling is not None:
            self.filling.add(taken)
        else:
            self.counted = fsum((self.counted, *taken))

    def value(self) -> float | Histogram:
        """Return what was counted."""
        return self.counted if self.filling is None else self.filling.histogram()


class Collected:
    """A metric while values are added to it.

    Args:
        about: What it is.
        problems: Where it reports what it leaves out.
        at_most: How many label sets are told apart; all others are counted as ``<other>``.
        expected: Label sets that are there from the beginning, at zero. A rate begins with the
            second value that Prometheus sees of a series: of one that begins with 1, the first
            increase is lost.

    Attributes:
        is_read: Whether its values are there only when they are read: sinks are told of these.
    """

    is_read = False

    def __init__(
        self,
        about: Description,
        problems: Problems,
        at_most: int,
        expected: Iterable[Labels] = (),
    ) -> None:
        self.about: Description = about
        self.sinks: tuple[Sink, ...] = ()
        self._problems = problems
        self._at_most = at_most
        # Without labels there is one label set, which is known.
        self._expected: list[Labels] = list(expected) if about.labels else [()]
        self.forget()

    def forget(self) -> None:
        """Begin with nothing, and with a new lock. For a process that was forked."""
        self._lock = RLock()
        self._series: dict[Labels, Series] = {}
        self._by_labels: dict[Labels, Series] = {}
        for labels in self._expected:
            self.series_of(labels)

    def add(self, labels: Labels, value: float) -> None:
        """Add a value: to a sum, or to a histogram."""
        series = self._series.get(labels)
        self.add_to(self.series_of(labels) if series is None else series, value)

    def add_to(self, series: Series, value: float) -> None:
        """Add a value to the series of a label set, for those who keep that."""
        series.append(value)
        if len(series) > _PENDING and self._lock.acquire(blocking=False):
            try:
                series.count_pending()
            finally:
                self._lock.release()
        for sink in self.sinks:
            sink(series.labels, value)

    def add_checked(self, labels: Labels, value: float) -> None:
        """Add a value that a program gives: one that would spoil a sum is reported and left out."""
        if not isfinite(value) or (value < 0 and self.about.kind != GAUGE):
            self._problems.report(
                f"The metric {self.about.name!r} was given a number that would spoil its sum: a "
                "negative or an infinite one, or none at all (NaN). It is left out."
            )
            return
        self.add(labels, value)

    def series_of(self, labels: Labels) -> Series:
        """Return the series of a label set; there is none of the same after `forget`."""
        with self._lock:
            safe = tuple(map(label_text, labels))
            series = self._by_labels.get(safe)
            if series is None:
                if len(self._by_labels) >= self._at_most:
                    safe = tuple(OTHER for _ in safe)
                    self._report_cap()
                    series = self._by_labels.get(safe)
                series = self._new(safe) if series is None else series
            # Otherwise texts that are cut to one label could be without end.
            if len(self._series) < 2 * self._at_most:
                self._series[labels] = series
            return series

    def _new(self, labels: Labels) -> Series:
        bounds = self.about.bounds if self.about.kind == HISTOGRAM else None
        series = self._by_labels[labels] = Series(labels, bounds)
        return series

    def _report_cap(self) -> None:
        self._problems.report(
            f"The metric {self.about.name!r} has more than {self._at_most} label sets: the others "
            f"are counted as {OTHER}. Use labels with few values, or pass a higher at_most=."
        )

    def family(self) -> Family:
        """Return its values now."""
        with self._lock:
            found = {}
            for labels, series in self._by_labels.items():
                series.count_pending()
                found[labels] = series.value()
        return Family(self.about, found)
