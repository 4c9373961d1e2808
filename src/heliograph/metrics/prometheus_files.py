"""Metrics of one of several processes, in the files that Prometheus's client keeps for each.

A collector is asked only in the process that is scraped; the files have the counts of all.
"""

from __future__ import annotations

import os
from functools import partial
from multiprocessing.util import Finalize
from threading import Event, RLock, Thread
from typing import TYPE_CHECKING, Any, ClassVar

from prometheus_client import Counter, Gauge
from prometheus_client import Histogram as RealHistogram

from heliograph.describe import describe_error
from heliograph.metrics.declares import PROBLEMS
from heliograph.metrics.families import Family
from heliograph.metrics.histogram import Histogram
from heliograph.metrics.names import COUNTER, GAUGE, HISTOGRAM, in_ascii, prometheus_name
from heliograph.metrics.of_signals import families_of
from heliograph.metrics.spreading import increase, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from heliograph.metrics.families import Collected, Description
    from heliograph.metrics.healths import HealthMetric
    from heliograph.metrics.metrics import Metrics

    Labels = tuple[str, ...]

_EVERY = 0.5
"""Seconds between two writings of the figures of signals."""

# What two `Metrics` call by one name is one metric: the library would let one overwrite the other
# in the file of their process.
_REAL: dict[str, Any] = {}
_LOCK = RLock()


def _real(about: Description, constant: dict[str, str]) -> Any:
    """Return the library's own metric, made at the first call.

    Raises:
        ValueError: If one of that name has other labels, or is of another kind.
    """
    name = prometheus_name(about.name, about.kind, about.unit)
    labels = tuple(in_ascii(it) for it in (*about.labels, *constant))
    with _LOCK:
        found = _REAL.get(name)
        if found is None:
            found = _REAL[name] = (about.kind, labels, _made(about, name, labels))
    kind, its_labels, metric = found
    if (kind, its_labels) != (about.kind, labels):
        msg = f"the metric {name} is kept already, as a {kind} with other labels"
        raise ValueError(msg)
    return metric


def _made(about: Description, name: str, labels: Labels) -> Any:
    # In no registry: the page reads the files.
    if about.kind == COUNTER:
        return Counter(name, about.doc, labels, registry=None)
    if about.kind == HISTOGRAM:
        return RealHistogram(name, about.doc, labels, registry=None, buckets=about.bounds)
    mode: Any = f"live{about.over}"
    return Gauge(name, about.doc, labels, registry=None, multiprocess_mode=mode)


class Mirror:
    """Keeps metrics in the files of the process: declared ones at once, those of signals soon."""

    # What is in a folder stays there, so that these live as long as the process.
    _all: ClassVar[dict[int, Mirror]] = {}

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._problems = metrics.problems
        self._constant = dict(metrics.labels)
        self._children: dict[tuple[str, Labels], Any] = {}
        self._sinks: list[tuple[Collected | HealthMetric, Callable[[Labels, float], object]]] = []
        self._began = False
        self._forget()

    @classmethod
    def of(cls, metrics: Metrics) -> Mirror:
        """Return the one of these metrics."""
        with _LOCK:
            found = cls._all.get(id(metrics))
            if found is None:
                found = cls._all[id(metrics)] = cls(metrics)
            return found

    def _forget(self) -> None:
        """Begin with nothing written. For a process that was forked: its parent has its own."""
        self._lock = RLock()
        self._written: dict[tuple[str, Labels], float | Histogram] = {}
        self._stopped = Event()
        self._thread: Thread | None = None

    def begin(self) -> None:
        """Begin, unless it has begun."""
        if self._began:
            return
        self._began = True
        metrics = self._metrics
        metrics.declared.watch(self._follow)
        metrics.counting.on_first = self._start_thread
        if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork.
            os.register_at_fork(after_in_child=self._forget)
        self.write()

    def end(self) -> None:
        """Write for the last time, and end the thread."""
        self.write()
        self._stopped.set()
        self._began = False
        self._metrics.counting.on_first = None
        self._metrics.declared.unwatch(self._follow)
        for collected, add in self._sinks:
            collected.sinks = tuple(it for it in collected.sinks if it is not add)

    # --- declared metrics: each value as it comes ------------------------------------------

    def _follow(self, collected: Collected | HealthMetric) -> None:
        if collected.is_read:
            return  # It is written from time to time, as the figures of signals are.
        about = collected.about
        add: Callable[[Labels, float], object] = partial(self._add, about)
        collected.sinks = (*collected.sinks, add)
        self._sinks.append((collected, add))
        for labels in collected.family().series:
            # Known label sets are there at zero: the library writes one when its child is made.
            self._guarded(about, labels)

    def _add(self, about: Description, labels: Labels, value: float) -> None:
        child = self._guarded(about, labels)
        if child is not None:
            self._try(about, child.observe if about.kind == HISTOGRAM else child.inc, value)

    def _guarded(self, about: Description, labels: Labels) -> Any:
        key = about.name, labels
        child = self._children.get(key)
        if child is None:
            child = self._try(about, self._child, about, labels)
            if child is not None:
                self._children[key] = child
        return child

    def _child(self, about: Description, labels: Labels) -> Any:
        metric = _real(about, self._constant)
        every = (*labels, *self._constant.values())
        return metric.labels(*every) if every else metric

    def _try(self, about: Description, call: Callable[..., Any], *given: Any) -> Any:
        try:
            return call(*given)
        except Exception as error:  # noqa: BLE001 - a folder that is gone must break no request.
            self._problems.report(
                f"The metric {about.name!r} cannot be kept in the folder of "
                f"PROMETHEUS_MULTIPROC_DIR: {describe_error(error)}. Requests go on.",
                error,
            )
            return None

    # --- the figures of signals: from time to time -------------------------------------------

    def write(self) -> None:
        """Write what has been counted since the last time."""
        with self._lock:
            figures = self._metrics.counting.figures(unsent=True)
            problems = Family(PROBLEMS, {(): float(self._problems.count)})
            for family in (*families_of(figures), *self._healths(), problems):
                for labels, value in family.series.items():
                    self._write(family.about, labels, value)

    def _healths(self) -> Iterator[Family]:
        for it in self._metrics.declared.of_healths():
            found = it.family()
            # A file would keep the last value of what is nothing any more: of an age, for instance.
            is_gone = not found.series and (it.about.name, ()) in self._written
            yield Family(it.about, {(): 0.0}) if is_gone and it.about.kind == GAUGE else found

    def _write(self, about: Description, labels: Labels, value: float | Histogram) -> None:
        child = self._guarded(about, labels)
        if child is None:
            return
        key = about.name, labels
        before = self._written.get(key)
        self._written[key] = value
        if isinstance(value, Histogram):
            early = before if isinstance(before, Histogram) else None
            for each, count in values_of(increase(early, value)):
                for _ in range(count):
                    self._try(about, child.observe, each)
        elif about.kind == COUNTER:
            self._try(about, child.inc, value - (before if isinstance(before, float) else 0.0))
        else:
            self._try(about, child.set, value)

    def _start_thread(self) -> None:
        # When something is counted, as a thread would not survive a fork before that.
        if self._thread is not None:
            return
        # Not by `atexit`: processes that `multiprocessing` forks end without it.
        Finalize(None, self.write, exitpriority=10)
        self._thread = Thread(target=self._run, args=(self._stopped,), daemon=True)
        self._thread.start()

    def _run(self, stopped: Event) -> None:
        while not stopped.wait(_EVERY):
            self.write()
