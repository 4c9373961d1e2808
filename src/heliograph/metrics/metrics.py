"""Metrics: the object of a program that counts its signals, from a start to a stop."""

from __future__ import annotations

import os
from functools import partial
from time import time
from typing import TYPE_CHECKING, Any, Self
from weakref import ref

from heliograph import ArgumentError, StateError, add_instrument, remove_instrument
from heliograph.describe import describe_callable
from heliograph.metrics.counting import Counting
from heliograph.metrics.declared import checked_labels
from heliograph.metrics.declares import PROBLEMS, Declares, checked_cap
from heliograph.metrics.families import Family
from heliograph.metrics.known import known_signals
from heliograph.metrics.of_signals import families_of
from heliograph.metrics.senders import SenderNames
from heliograph.metrics.since import since
from heliograph.metrics.snapshot import Health, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from heliograph import Namespace, Signal
    from heliograph.metrics.serving import AsgiPage, WsgiPage
    from heliograph.metrics.snapshot import SignalFigures

    Watched = Iterable[Signal[...] | Namespace]


class Metrics(Declares):
    """Counts and times the emissions of signals, and the deliveries to their receivers.

    It is yours: make one, start it, and stop it. Two of them do not know of each other. A process
    that is forked begins with nothing, and its snapshots say so.

    Args:
        signals: Signals, namespaces and patterns, as for `heliograph.add_instrument`; by default
            every signal. With ``[]`` only what `count`, `observe`, `gauge` and `http` declare.
        at_most: How many signals, receivers of each, and label sets of each metric are told
            apart; the rest is counted under ``<other>``.
        labels: Labels of everything that is exported, such as ``{"app": "shop"}`` where two
            applications share a process.

    Attributes:
        declared: The metrics that `count`, `observe`, `gauge` and `http` have declared.
        counting: The instrument that counts signals.
        problems: What was reported.
        labels: The labels of everything.

    Raises:
        ArgumentError: If *at_most* is no number of at least 1, or a label has no fit name.

    Example:
        >>> from heliograph import Signal
        >>> order_paid = Signal("order-paid")
        >>> @order_paid.connect
        ... def thank(sender, **extra): ...
        >>> with Metrics() as metrics:
        ...     _ = order_paid.send("shop")
        >>> [figures] = metrics.snapshot().signals
        >>> figures.signal, figures.count, figures.receivers[0].count
        ('order-paid', 1, 1)
    """

    def __init__(
        self,
        signals: Watched | None = None,
        *,
        at_most: int = 1000,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(at_most)
        self.labels: dict[str, str] = checked_labels(labels or {})
        self._namings: list[tuple[list[Signal[...]] | None, SenderNames]] = []
        self.counting: Counting = Counting(self.problems, self._naming_of, at_most)
        # Each with what it watches, or None for every signal.
        self._instruments: list[tuple[Any, list[Any] | None]] = []
        watched = None if signals is None else list(signals)
        if watched != []:
            self._instruments.append((self.counting, watched))
        self._running = False
        self._before: tuple[SignalFigures, ...] = ()  # What was counted up to the last reset.
        self._since = time()
        self._forked = False
        if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork.
            os.register_at_fork(after_in_child=partial(_begin_in_child, ref(self)))

    def start(self) -> Self:
        """Begin to count.

        Raises:
            StateError: If it counts already.
            ArgumentError: If the signals that it was made for cannot be watched.
        """
        if self._running:
            msg = "These metrics count already: start() them once, or make another Metrics()."
            raise StateError(msg)
        for instrument, signals in self._instruments:
            add_instrument(instrument, signals)
            if instrument is self.counting:
                self.counting.know(known_signals(signals))
        self._running = True
        self._since = time()
        return self

    def stop(self) -> None:
        """End the counting. What was counted stays, and it may be started again."""
        for instrument, _ in self._instruments:
            remove_instrument(instrument)
        self._running = False

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *left_by: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(self, *left_by: object) -> None:
        self.stop()

    def watch(self, instrument: Any, signals: list[Any]) -> None:
        """Let an instrument see signals from each `start` to the `stop`."""
        self._instruments.append((instrument, signals))
        if self._running:
            add_instrument(instrument, signals)

    def name_senders(
        self,
        naming: Callable[[Any], str],
        signals: Iterable[Signal[...]] | None = None,
        *,
        at_most: int = 100,
    ) -> None:
        """Tell senders apart, by names that a function gives them.

        Args:
            naming: Called with the sender of each emission; returns its name. It must be quick.
            signals: The signals whose senders are named; by default all signals that no other
                call names.
            at_most: How many names of one signal are told apart; all others are ``<other>``, and
                a warning is logged once.

        Raises:
            ArgumentError: If *naming* is not callable, or *at_most* no number of at least 1.
            StateError: If it counts already: some emissions would have no name.

        Example:
            >>> metrics = Metrics()
            >>> metrics.name_senders(lambda sender: type(sender).__name__)
        """
        checked_cap(at_most)
        if not callable(naming):
            msg = f"{describe_callable(naming)} cannot name senders: pass a function."
            raise ArgumentError(msg)
        if self._running:
            msg = "Name the senders before start(): what was counted already has no names."
            raise StateError(msg)
        names = SenderNames(naming, at_most, self.problems)
        self._namings.append((None if signals is None else list(signals), names))

    def _naming_of(self, signal: Signal[...]) -> SenderNames | None:
        general = None
        for signals, names in self._namings:
            if signals is None:
                general = general or names
            elif any(it is signal for it in signals):
                return names
        return general

    # --- what was counted ----------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Return what was counted so far. What other threads do meanwhile may be among it."""
        figures = since(self._before, self.counting.figures())
        return Snapshot(os.getpid(), self._forked, self._since, time(), figures)

    def families(self) -> tuple[Family, ...]:
        """Return all metrics with their values, as exporters read them.

        They count from the first `start` of the process, whatever `reset` does.
        """
        problems = Family(PROBLEMS, {(): float(self.problems.count)})
        of_all = families_of(self.counting.figures(unsent=True))
        families = (*of_all, *self.declared.families(), problems)
        return tuple(it.labelled(self.labels) for it in families)

    def family(self, name: str) -> Family:
        """Return one metric with its values.

        Raises:
            LookupError: If there is none of this name.
        """
        found = next((it for it in self.families() if it.about.name == name), None)
        if found is None:
            msg = f"There is no metric {name!r} here."
            raise LookupError(msg)
        return found

    def reset(self) -> None:
        """Let snapshots begin with nothing.

        What is exported goes on: a count that falls means a restart to whoever reads it.
        """
        self._before = self.counting.figures()
        self.counting.forget_slowest()
        self._since = time()

    def health(self) -> Health:
        """Tell how the counting goes."""
        signals, receivers = self.counting.sizes
        return Health(self._running, signals, receivers, self.problems.all())

    def wsgi(self, app: Any = None, *, path: str = "/metrics") -> WsgiPage:
        """Serve the page that Prometheus scrapes, as a WSGI application.

        It needs `prometheus_client`: ``pip install 'heliograph[prometheus]'``.

        Args:
            app: The application that serves all other paths; without one, every path is the page.
            path: The path of the page.

        Returns:
            A WSGI application, to be served in the place of *app*.
        """
        from heliograph.metrics.serving import WsgiPage

        return WsgiPage(self, app, path)

    def asgi(self, app: Any = None, *, path: str = "/metrics") -> AsgiPage:
        """Serve the page that Prometheus scrapes, as an ASGI application; see `wsgi`."""
        from heliograph.metrics.serving import AsgiPage

        return AsgiPage(self, app, path)

    def _begin_in_child(self) -> None:
        self.counting.forget()
        self.declared.forget()
        if self._http is not None:
            self._http.forget()
        self._forked = True
        self._before = ()
        self._since = time()

    def __repr__(self) -> str:
        return f"<Metrics, {'counting' if self._running else 'stopped'}>"


def _begin_in_child(metrics_ref: ref[Metrics]) -> None:
    metrics = metrics_ref()
    if metrics is not None:
        metrics._begin_in_child()  # noqa: SLF001 - it is one of its class.
