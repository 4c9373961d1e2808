"""The declaring methods of metrics: domain metrics, and those of requests, in one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heliograph import ArgumentError, Signal, StateError
from heliograph.describe import short_repr, title_of
from heliograph.metrics import http, of_signals
from heliograph.metrics.declared import COMMON, Declared, described, expected_labels
from heliograph.metrics.domain import Recorder
from heliograph.metrics.families import Description
from heliograph.metrics.healths import Health
from heliograph.metrics.names import COUNTER, GAUGE, HISTOGRAM, name_from
from heliograph.metrics.payloads import reader
from heliograph.metrics.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from heliograph import Emission
    from heliograph.metrics.families import Collected

    Reading = str | Callable[[Emission], Any]
    LabelSets = Sequence[Mapping[str, object]]

PROBLEMS = Description(
    "heliograph.metrics.problems",
    COUNTER,
    "{problem}",
    "What was reported while metrics were taken or exported.",
    (),
)


class Declares:
    """The declaring methods of `heliograph.metrics.Metrics`."""

    def __init__(self, at_most: int) -> None:
        self._at_most = checked_cap(at_most)
        self.problems: Problems = Problems()
        self.declared: Declared = Declared(self.problems, (*of_signals.ALL, PROBLEMS))
        self._http: http.HttpMetrics | None = None

    if TYPE_CHECKING:

        def watch(self, instrument: Any, signals: list[Any]) -> None:
            """Let an instrument see signals."""

    def count(
        self,
        signal: Signal[...],
        name: str | None = None,
        *,
        labels: Mapping[str, Reading] | None = None,
        unit: str = "",
        doc: str | None = None,
        expected: LabelSets = (),
        at_most: int | None = None,
    ) -> None:
        """Count the emissions of a signal. Those while it is muted do not count.

        Args:
            signal: The signal.
            name: The name of the metric; by default that of the signal.
            labels: What tells emissions apart: by the name of the label the name of an argument
                of the payload, or a function that is called with the `heliograph.Emission`.
            unit: Such as ``"{order}"``; it is not needed.
            doc: What is counted, in a sentence.
            expected: Label sets that are there at zero from now on, so that a rate sees their
                first emission.
            at_most: How many label sets are told apart; all others are ``<other>``.

        Raises:
            ArgumentError: If a name is taken or not fit, or if the signal is declared without an
                argument that is read.

        Example:
            >>> from heliograph import Signal
            >>> from heliograph.metrics import Metrics
            >>> order_paid = Signal("order-paid")
            >>> with Metrics([]) as metrics:
            ...     metrics.count(order_paid, labels={"plan": lambda e: e.payload["plan"]})
            ...     _ = order_paid.send("shop", plan="yearly")
            >>> [orders] = [it for it in metrics.families() if it.about.name == "order_paid"]
            >>> orders.series
            {('yearly',): 1.0}
        """
        readers = _label_readers(signal, labels)
        called = _called(name, signal)
        doc = doc or f"Emissions of {title_of(signal)}."
        about = described(called, COUNTER, unit, doc, [label for label, _ in readers])
        collected = self._declare(about, at_most, expected)
        self.watch(Recorder(collected, readers, 1.0, self.problems), [signal])

    def observe(
        self,
        signal: Signal[...],
        name: str | None = None,
        *,
        value: Reading,
        labels: Mapping[str, Reading] | None = None,
        unit: str = "",
        buckets: Iterable[float] | None = None,
        doc: str | None = None,
        expected: LabelSets = (),
        at_most: int | None = None,
    ) -> None:
        """Keep a histogram of a value of each emission.

        A value that cannot be read, or is no finite number of at least zero, is left out, and
        that is reported once.

        Args:
            signal: As for `count`.
            name: By default the name of the signal with ``.value``.
            value: The name of an argument of the payload, or a function that is called with the
                `heliograph.Emission` and returns a number.
            labels: As for `count`.
            unit: The unit of the value, such as ``"s"``, ``"By"`` or ``"EUR"``.
            buckets: The upper bounds of the buckets; by default those of requests for seconds,
                and otherwise from 5 to 10,000.
            doc: As for `count`.
            expected: As for `count`.
            at_most: As for `count`.

        Raises:
            ArgumentError: As for `count`; or if the buckets are not in order.
        """
        readers = _label_readers(signal, labels)
        read = reader(signal, "value", value)
        called = _called(name, signal, ".value")
        doc = doc or f"A value of each emission of {title_of(signal)}."
        if buckets is None:
            buckets = http.SECONDS if unit == "s" else COMMON
        about = described(called, HISTOGRAM, unit, doc, [it for it, _ in readers], tuple(buckets))
        collected = self._declare(about, at_most, expected)
        self.watch(Recorder(collected, readers, read, self.problems), [signal])

    def gauge(
        self,
        started: Signal[...],
        *ended: Signal[...],
        name: str | None = None,
        labels: Mapping[str, Reading] | None = None,
        unit: str = "",
        doc: str | None = None,
        expected: LabelSets = (),
        at_most: int | None = None,
    ) -> None:
        """Tell how much is under way: what has started and has not ended.

        Args:
            started: The signal that is sent when something starts.
            ended: The signals of which one is sent when it ends.
            name: By default the name of *started*, with ``active`` in the place of its last part.
            labels: As for `count`; all signals must carry what is read.
            unit: As for `count`.
            doc: As for `count`.
            expected: As for `count`.
            at_most: As for `count`.

        Raises:
            ArgumentError: As for `count`; or if no signal ends it.
        """
        if not ended:
            msg = f"Nothing ends what {title_of(started)} starts: pass the signals that do."
            raise ArgumentError(msg)
        readers = {it: _label_readers(it, labels) for it in (started, *ended)}
        called = name or f"{_stem(_called(None, started))}.active"
        doc = doc or f"What {title_of(started)} has started and has not ended."
        about = described(called, GAUGE, unit, doc, [it for it, _ in readers[started]])
        collected = self._declare(about, at_most, expected)
        for signal, its in readers.items():
            one = 1.0 if signal is started else -1.0
            self.watch(Recorder(collected, its, one, self.problems), [signal])

    def http(
        self,
        *,
        app: object = None,
        phases: bool = True,
        active: bool = False,
        at_most: int | None = None,
    ) -> None:
        """Take the metrics of requests, templates and flashed messages from the life-cycle signals.

        The application needs its line of `heliograph.lifecycle`, such as
        ``heliograph.lifecycle.flask.install(app)``.

        Args:
            app: The application whose requests count: what the signals are sent by. By default
                those of all applications of the process.
            phases: Whether to keep the time to the headers, and that of work after the response,
                too. Without them, a request pays for one signal instead of three.
            active: Whether to tell how many requests are under way as well.
            at_most: As for `count`.

        Raises:
            StateError: If it was called before.
        """
        if self._http is not None:
            msg = "These metrics have the metrics of requests already: call http() once."
            raise StateError(msg)
        wanted = [*http.ALWAYS]
        wanted += [*http.PHASES] if phases else []
        wanted += [http.ACTIVE] if active else []
        for about in wanted:
            self.declared.check(about)
        cap = self._at_most if at_most is None else checked_cap(at_most)
        made = {it: self.declared.add(it, cap, http.EXPECTED.get(it, ())) for it in wanted}
        self._http = http.HttpMetrics(made, http.known_methods(), app)
        for instrument, signals in self._http.instruments():
            self.watch(instrument, signals)

    def health_of(self, health: Callable[[], Any], name: str) -> None:
        """Let what a health tells be metrics: that of a relay, a trail, or any other dataclass.

        Each is read when somebody asks for it, twice a second at most.

        Args:
            health: Such as ``relay.health`` or ``trail.health``.
            name: What the names of the metrics begin with, such as ``"relay"``.

        Raises:
            ArgumentError: If it returns no value of a dataclass, or a name is taken or not fit.

        Example:
            >>> from heliograph.metrics import Metrics
            >>> metrics, others = Metrics(), Metrics()
            >>> metrics.health_of(others.health, "others")
            >>> metrics.family("others.running").series
            {(): 0.0}
        """
        self.declared.add_health(Health(name, health, self.problems))

    def _declare(self, about: Description, at_most: int | None, expected: LabelSets) -> Collected:
        cap = self._at_most if at_most is None else checked_cap(at_most)
        return self.declared.add(about, cap, expected_labels(expected, about.labels))


def checked_cap(value: object) -> int:
    """Return a cap.

    Raises:
        ArgumentError: If it is no number of at least 1.
    """
    if type(value) is not int or value < 1:
        msg = f"at_most={short_repr(value)} is no cap: pass a number of at least 1."
        raise ArgumentError(msg)
    return value


def _called(name: str | None, signal: Signal[...], ending: str = "") -> str:
    given: object = signal
    if not isinstance(given, Signal):
        msg = f"{short_repr(given)} is not a signal: pass the signal itself, and not its name."
        raise ArgumentError(msg)
    if name is not None:
        return name
    if signal.name is None:
        msg = "A signal without a name gives its metric none: pass name=."
        raise ArgumentError(msg)
    return name_from(signal.name) + ending


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name.removesuffix("_started")


def _label_readers(
    signal: Signal[...], labels: Mapping[str, Reading] | None
) -> list[tuple[str, Callable[[Emission], Any]]]:
    return [(name, reader(signal, f"label {name!r}", it)) for name, it in (labels or {}).items()]
