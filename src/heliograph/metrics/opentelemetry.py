"""Metrics and events for OpenTelemetry, through its API alone: the program chooses the SDK.

Counts and gauges are observable instruments: they cost nothing until somebody reads them. What
histograms get is kept until then as well: recording a value takes an SDK longer than all the rest.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from opentelemetry._logs import SeverityNumber, get_logger_provider
from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation, get_meter_provider

from heliograph.metrics.families import Description, Family, merged
from heliograph.metrics.names import (
    COUNTER,
    HISTOGRAM,
    UNMATCHED,
    checked_name,
    label_text,
    name_from,
)
from heliograph.metrics.of_signals import ALL, DEAD, DURATION
from heliograph.metrics.payloads import reader
from heliograph.metrics.problems import Problems
from heliograph.metrics.snapshot import OTHER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from opentelemetry._logs import Logger, LoggerProvider
    from opentelemetry.metrics import Histogram as HistogramInstrument

    from heliograph import Emission, Signal
    from heliograph.metrics.families import Collected
    from heliograph.metrics.healths import HealthMetric
    from heliograph.metrics.histogram import Histogram
    from heliograph.metrics.metrics import Metrics

    Labels = tuple[str, ...]
    Attributes = dict[str, Any]
    Reading = str | Callable[[Emission], Any]

_AT_MOST = 1_900
"""An SDK takes 2,000 label sets, and adds the others up under ``otel.metric.overflow``."""

_PENDING = 10_000
"""How many values of a histogram are kept, at most, until somebody reads."""


def export(metrics: Metrics, meter_provider: MeterProvider | None = None) -> None:
    """Let a meter provider have the metrics.

    Args:
        metrics: The metrics. Exporting them again changes nothing. Several of one process are
            exported together: what has the same name and attributes is added up.
        meter_provider: By default the global one.

    Example:
        >>> from heliograph.metrics import Metrics
        >>> export(Metrics())
    """
    provider = get_meter_provider() if meter_provider is None else meter_provider
    instruments = _SETS.get(provider)
    if instruments is None:
        instruments = _SETS[provider] = InstrumentSet(provider)
    instruments.add(metrics)


# An SDK ignores the second instrument of a name, without a word: so all metrics share the first.
_SETS: WeakKeyDictionary[MeterProvider, InstrumentSet] = WeakKeyDictionary()


class InstrumentSet:
    """The instruments of one meter provider, for all metrics that are exported to it."""

    def __init__(self, provider: MeterProvider) -> None:
        self._meter = provider.get_meter("heliograph")
        self._all: list[Metrics] = []
        self._made: set[str] = set()
        self._histograms: dict[str, HistogramInstrument] = {}
        self._pending: list[_Pending] = []
        if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork.
            os.register_at_fork(after_in_child=partial(_begin_in_child, ref(self)))

    def add(self, metrics: Metrics) -> None:
        """Add metrics, unless they are there."""
        if any(it is metrics for it in self._all):
            return
        self._all.append(metrics)
        # The first: what is kept for histograms has to be there when an SDK reads them.
        self._observe(metrics.family("heliograph.metrics.problems").about, self._read_and_record)
        for about in ALL:
            if about is DURATION:
                self._observe_durations(about)
            else:
                self._observe(about, partial(self._read, about.name))
        metrics.declared.watch(partial(self._follow, metrics))

    def _follow(self, metrics: Metrics, collected: Collected | HealthMetric) -> None:
        about = collected.about
        if about.kind != HISTOGRAM:
            self._observe(about, partial(self._read, about.name))
            return
        made = self._histograms.get(about.name)
        if made is None:
            made = self._histograms[about.name] = self._meter.create_histogram(
                about.name,
                about.unit,
                about.doc,
                explicit_bucket_boundaries_advisory=list(about.bounds),
            )
        pending = _Pending(made, about, metrics.labels)
        self._pending.append(pending)
        collected.sinks = (*collected.sinks, pending.add)

    def _observe(self, about: Description, read: Callable[[CallbackOptions], Any]) -> None:
        if about.name in self._made:
            return
        self._made.add(about.name)
        make: Any = self._meter.create_observable_up_down_counter
        if about.kind == COUNTER:
            make = self._meter.create_observable_counter
        elif about is DEAD or about.over != "sum":  # They do not add up over processes.
            make = self._meter.create_observable_gauge
        make(about.name, [read], about.unit, about.doc)

    def _observe_durations(self, about: Description) -> None:
        # There is no observable histogram, and recording each delivery would take a hundred times
        # as long as counting it.
        for ending, unit, doc in (
            ("count", "{delivery}", "Deliveries."),
            ("sum", "s", about.doc),
        ):
            part = Description(f"{about.name}.{ending}", COUNTER, unit, doc, about.labels)
            self._observe(part, partial(self._read_part, about.name, ending))

    # --- when an SDK reads ---------------------------------------------------------------

    def _read(self, name: str, _: CallbackOptions) -> Iterable[Observation]:
        return list(self._observations(name, _number))

    def _read_part(self, name: str, ending: str, _: CallbackOptions) -> Iterable[Observation]:
        return list(self._observations(name, lambda it: getattr(it, ending)))

    def _read_and_record(self, options: CallbackOptions) -> Iterable[Observation]:
        for it in self._pending:
            it.record()
        return self._read("heliograph.metrics.problems", options)

    def _observations(self, name: str, number: Callable[[Any], float]) -> Iterator[Observation]:
        families: list[Family] = []
        for metrics in self._all:
            try:
                families.append(metrics.family(name))
            except LookupError:  # Other metrics of the process have it.
                continue
            except Exception as error:  # noqa: BLE001 - half of a reading would be a wrong sum.
                problem = f"The metric {name!r} could not be handed over to OpenTelemetry."
                metrics.problems.report(problem, error)
        for family in merged(families, self._all[0].problems):
            for labels, value in _capped(family).items():
                yield Observation(number(value), attributes_of(family.about.labels, labels))

    def begin_in_child(self) -> None:
        """Leave what was kept to the parent, which has it too."""
        recorded = [it.forget() for it in self._pending]
        if any(recorded):
            self._all[0].problems.report(
                "This process was forked after histograms had been read for OpenTelemetry: its SDK "
                "goes on from the sums of the parent, and exports them once more. Set up the meter "
                "provider in each worker instead."
            )


def _begin_in_child(set_ref: ref[InstrumentSet]) -> None:
    instruments = set_ref()
    if instruments is not None:
        instruments.begin_in_child()


class _Pending:
    """The values of one histogram that nobody has read yet."""

    def __init__(
        self, made: HistogramInstrument, about: Description, constant: Mapping[str, str]
    ) -> None:
        self._made = made
        self._names = (*about.labels, *constant)
        self._constant = tuple(constant.values())
        self._attributes: dict[Labels, Attributes] = {}
        self._kept: list[tuple[Labels, float]] = []
        self._has_recorded = False

    def add(self, labels: Labels, value: float) -> None:
        """Keep a value; if there are too many, record all of them."""
        self._kept.append((labels, value))
        if len(self._kept) > _PENDING:
            self.record()

    def record(self) -> None:
        """Record what was kept. Others may add meanwhile."""
        taken = self._kept[:]
        del self._kept[: len(taken)]
        for labels, value in taken:
            attributes = self._attributes.get(labels)
            if attributes is None:
                attributes = attributes_of(self._names, (*labels, *self._constant))
                self._attributes[labels] = attributes
            self._made.record(value, attributes)
        self._has_recorded = self._has_recorded or bool(taken)

    def forget(self) -> bool:
        """Forget what was kept; tell whether something has been recorded."""
        self._kept = []
        return self._has_recorded


def attributes_of(names: Iterable[str], labels: Labels) -> Attributes:
    """Return the attributes of a label set: what is not known is not among them.

    A status is a number. There is no route where none matched: the conventions ask for none.
    """
    found: Attributes = {
        name: value
        for name, value in zip(names, labels, strict=True)
        if value and not (name == "http.route" and value == UNMATCHED)
    }
    status = found.get("http.response.status_code", "")
    if status.isdigit():
        found["http.response.status_code"] = int(status)
    return found


def _number(value: float) -> float:
    return int(value) if value.is_integer() else value


def _capped(family: Family) -> dict[Labels, float | Histogram]:
    if len(family.series) <= _AT_MOST:
        return dict(family.series)
    items = list(family.series.items())
    other = tuple(OTHER for _ in family.about.labels)
    rest = [Family(family.about, {other: value}) for _, value in items[_AT_MOST - 1 :]]
    families = [Family(family.about, dict(items[: _AT_MOST - 1])), *rest]
    [whole] = merged(families, Problems())
    return dict(whole.series)


# --- events ----------------------------------------------------------------------------


def events(
    metrics: Metrics,
    signal: Signal[...],
    name: str | None = None,
    *,
    attributes: Mapping[str, Reading] | None = None,
    logger_provider: LoggerProvider | None = None,
) -> None:
    """Let each emission of a signal be an event, which OpenTelemetry keeps as a log record.

    Nothing of a payload is in it but what is named here. Emissions while the signal is muted are
    no events, and what has come from another process was one where it was sent.

    Args:
        metrics: What the events begin and end with, and where problems are reported.
        signal: The signal.
        name: The name of the events; by default that of the signal.
        attributes: By the name of the attribute, what is read of the emission, as for
            `Metrics.count`.
        logger_provider: By default the global one.

    Raises:
        ArgumentError: If the signal is declared without an argument that is read, or the name is
            none.
    """
    called = checked_name(name_from(signal.name or "") if name is None else name)
    given = (attributes or {}).items()
    readers = [(it, reader(signal, f"attribute {it!r}", reading)) for it, reading in given]
    provider = get_logger_provider() if logger_provider is None else logger_provider
    sending = _Events(called, readers, provider.get_logger("heliograph"), metrics)
    metrics.watch(sending, [signal])


class _Events:
    """The instrument that makes an event of each emission."""

    def __init__(
        self,
        name: str,
        readers: list[tuple[str, Callable[[Emission], Any]]],
        logger: Logger,
        metrics: Metrics,
    ) -> None:
        self._name = name
        self._readers = readers
        self._logger = logger
        self._metrics = metrics

    def __call__(self, emission: Emission) -> None:
        """Make an event."""
        if emission.muted or emission.origin is not None:
            return
        try:
            read = {name: _value(read(emission)) for name, read in self._readers}
            self._logger.emit(
                timestamp=int(emission.started * 1e9),
                severity_number=SeverityNumber.INFO,
                event_name=self._name,
                attributes={**self._metrics.labels, **read},
            )
        except Exception as error:  # noqa: BLE001 - reported once; the program goes on.
            self._metrics.problems.report(
                f"The event {self._name!r} could not be made: {type(error).__name__}.", error
            )


def _value(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return value
    return label_text(value)
