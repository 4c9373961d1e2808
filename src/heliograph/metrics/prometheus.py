"""Metrics for Prometheus, by its own client: a collector, and real metrics for several processes.

Importing this imports `prometheus_client`, which decides then whether the counts of several
processes are kept in a folder (``PROMETHEUS_MULTIPROC_DIR``).
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from threading import RLock, local
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from prometheus_client import REGISTRY, CollectorRegistry, multiprocess, values
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from heliograph import StateError
from heliograph.describe import describe_error
from heliograph.metrics.exposition import bound_text, text_of
from heliograph.metrics.families import Description, Family, merged
from heliograph.metrics.histogram import Histogram
from heliograph.metrics.names import COUNTER, HISTOGRAM, in_ascii, prometheus_name
from heliograph.metrics.problems import Problems
from heliograph.metrics.prometheus_files import Mirror

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.metrics_core import Metric

    from heliograph.metrics.metrics import Metrics

SCRAPE_ERRORS = Description(
    "heliograph.scrape.errors",
    COUNTER,
    "",
    "What could not be handed over to Prometheus.",
    (),
)

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def export(metrics: Metrics, registry: CollectorRegistry = REGISTRY) -> Exported:
    """Let a registry have the metrics, until ``unregister()`` of what this returns.

    With ``PROMETHEUS_MULTIPROC_DIR``, they are kept in that folder instead, with those of all
    other processes, and the registry plays no part.

    Args:
        metrics: The metrics. Exporting them again changes nothing. Several of one process are
            exported together: what has the same name and labels is added up.
        registry: A registry of `prometheus_client`; by default the one that its own metrics use.

    Raises:
        StateError: If ``PROMETHEUS_MULTIPROC_DIR`` was set too late.
    """
    if _in_folder():
        Mirror.of(metrics).begin()
        return Exported(metrics, None)
    collector = _COLLECTORS.get(registry)
    if collector is None:
        collector = _COLLECTORS[registry] = SignalsCollector()
        registry.register(collector)
    collector.add(metrics)
    return Exported(metrics, collector)


class Exported:
    """Metrics that are exported."""

    def __init__(self, metrics: Metrics, collector: SignalsCollector | None) -> None:
        self._metrics = metrics
        self._collector = collector

    def unregister(self) -> None:
        """Let the registry have them no longer. What is kept in a folder stays there."""
        if self._collector is not None:
            self._collector.remove(self._metrics)
        else:
            Mirror.of(self._metrics).end()


class SignalsCollector(Collector):
    """Hands the metrics of one process over, whenever Prometheus asks.

    An error on the way makes no scrape fail: it is logged once and counted.
    """

    def __init__(self) -> None:
        self._all: list[Metrics] = []
        self._problems = Problems()
        self._lock = RLock()
        self._is_apart = local()

    def add(self, metrics: Metrics) -> None:
        """Add metrics, unless they are there."""
        with self._lock:
            if not any(it is metrics for it in self._all):
                self._all = [*self._all, metrics]

    def remove(self, metrics: Metrics) -> None:
        """Remove metrics."""
        with self._lock:
            self._all = [it for it in self._all if it is not metrics]

    def describe(self) -> Iterable[Metric]:
        """Return nothing: a registry would read all values to learn the names."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        if not self._is_apart.__dict__:
            for family in self.families():
                yield from self._metric(family)

    def families(self) -> list[Family]:
        """Return all metrics, those that have one name as one."""
        found: list[Family] = []
        for metrics in self._all:
            try:
                found.extend(metrics.families())
            except Exception as error:  # noqa: BLE001 - the scrape has others to tell of.
                self._report(error)
        made = merged(found, self._problems)
        return [*made, Family(SCRAPE_ERRORS, {(): float(self._problems.count)})]

    def text(self, *, openmetrics: bool) -> str:
        """Return all metrics as text; one that cannot be written is reported and left out."""
        written = []
        for family in self.families():
            try:
                written.append(text_of([family], openmetrics=openmetrics))
            except Exception as error:  # noqa: BLE001 - the scrape has others to tell of.
                self._report(error)
        return "".join(written)

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Let the registry have nothing of it in this thread."""
        self._is_apart.so = True
        try:
            yield
        finally:
            self._is_apart.__dict__.clear()

    def _metric(self, family: Family) -> list[Metric]:
        try:
            return [_as_metric(family)]
        except Exception as error:  # noqa: BLE001 - the scrape has others to tell of.
            self._report(error)
            return []

    def _report(self, error: Exception) -> None:
        what = describe_error(error)
        self._problems.report(f"Metrics could not be handed over to Prometheus: {what}.", error)


# Two collectors of one registry would each tell of the same names, which no scrape may have twice.
_COLLECTORS: WeakKeyDictionary[CollectorRegistry, SignalsCollector] = WeakKeyDictionary()

_KINDS: dict[str, Any] = {COUNTER: CounterMetricFamily, HISTOGRAM: HistogramMetricFamily}


def _as_metric(family: Family) -> Metric:
    about = family.about
    kind = _KINDS.get(about.kind, GaugeMetricFamily)
    name = prometheus_name(about.name, about.kind, about.unit)
    made: Any = kind(name, about.doc, labels=[in_ascii(it) for it in about.labels])
    for labels, value in family.series.items():
        if isinstance(value, Histogram):
            buckets = [(bound_text(bound), below) for bound, below in value.cumulative()]
            made.add_metric(labels, buckets, sum_value=value.sum)
        else:
            made.add_metric(labels, float(value))
    return made  # type: ignore[no-any-return]  # It is one of the library's.


# --- several processes ---------------------------------------------------------------------


def _in_folder() -> bool:
    """Tell whether the counts of several processes are kept in a folder.

    Raises:
        StateError: If the folder was named too late.
    """
    named = os.environ.get(_FOLDER)
    # The library decides when it is imported, and says nothing of it later.
    is_alone = values.ValueClass is values.MutexValue
    if named and is_alone:
        msg = (
            f"{_FOLDER} was set after prometheus_client was imported, which ignores it now: set it "
            "in the shell, or before anything else is imported."
        )
        raise StateError(msg)
    return not is_alone


def on_starting(server: object) -> None:  # noqa: ARG001 - gunicorn passes it.
    """Empty the folder, as what former runs left there would be counted again. For gunicorn.

    In gunicorn.conf.py: ``from heliograph.metrics.prometheus import child_exit, on_starting``.
    """
    folder = os.environ.get(_FOLDER)
    # Where the application was loaded before, the files of this process are in use already.
    own = f"_{os.getpid()}.db"
    for file in Path(folder).glob("*.db") if folder else ():
        if not file.name.endswith(own):
            file.unlink(missing_ok=True)


def child_exit(server: object, worker: Any) -> None:  # noqa: ARG001 - gunicorn passes it.
    """Let go of what a worker that has ended cannot be doing any more: gauges. For gunicorn.

    Its counts stay: they have happened.
    """
    if os.environ.get(_FOLDER):
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # The library tells no type.


def page(metrics: Metrics, registry: CollectorRegistry, accept: str) -> tuple[str, bytes]:
    """Return what Prometheus scrapes: the type of the content, and the content.

    Args:
        metrics: The metrics that were exported.
        registry: The registry that has them.
        accept: The header of the request.
    """
    if _in_folder():
        Mirror.of(metrics).write()
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # Likewise.
    encode, content_type = choose_encoder(accept)
    collector = _COLLECTORS.get(registry)
    if collector is None:
        return content_type, encode(registry)
    with collector.apart():
        others = encode(registry)
    # In front: the text of the others has an end.
    text = collector.text(openmetrics="openmetrics" in content_type)
    return content_type, text.encode() + others
