"""The figures of signals and receivers, as metrics with labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heliograph.metrics.families import Description, Family
from heliograph.metrics.names import COUNTER, GAUGE, HISTOGRAM, label_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from heliograph.metrics.histogram import Histogram
    from heliograph.metrics.snapshot import SignalFigures

RECEIVER_SECONDS: tuple[float, ...] = tuple(
    float(f"{digits}e{power}") for power in range(-5, 1) for digits in (1, 2, 5)
)
"""Receivers are faster than requests: from 10 microseconds to 5 seconds."""

_SIGNAL = ("signal", "sender")
_RECEIVER = (*_SIGNAL, "receiver")

SENT = Description("signals.sent", COUNTER, "{emission}", "Emissions.", _SIGNAL)
UNHEARD = Description(
    "signals.unheard", COUNTER, "{emission}", "Emissions that reached no receiver.", _SIGNAL
)
MUTED = Description(
    "signals.muted", COUNTER, "{emission}", "Emissions while the signal was muted.", _SIGNAL
)
CONNECTED = Description(
    "signals.receivers",
    GAUGE,
    "{connection}",
    "Connections of a signal.",
    _SIGNAL,
    over="max",  # All processes have the same ones.
)
DEAD = Description(
    "signals.receivers.dead",
    GAUGE,
    "{receiver}",
    "Receivers that died while they were connected; the last sixteen of each signal.",
    _SIGNAL,
)
DURATION = Description(
    "signals.receiver.duration",
    HISTOGRAM,
    "s",
    "Seconds that deliveries took.",
    _RECEIVER,
    RECEIVER_SECONDS,
)
ERRORS = Description(
    "signals.receiver.errors", COUNTER, "{delivery}", "Deliveries that failed.", _RECEIVER
)
EXCEPTIONS = Description(
    "signals.receiver.exceptions",
    COUNTER,
    "{delivery}",
    "Deliveries that failed, by the type of the error.",
    (*_RECEIVER, "exception"),
)
RELAYED = Description(
    "signals.receiver.relayed",
    COUNTER,
    "{delivery}",
    "Deliveries of what other processes had sent.",
    _RECEIVER,
)
ALL = (SENT, UNHEARD, MUTED, CONNECTED, DEAD, DURATION, ERRORS, EXCEPTIONS, RELAYED)


def families_of(signals: Iterable[SignalFigures]) -> list[Family]:
    """Return the metrics of all signals and receivers."""
    series: dict[Description, dict[tuple[str, ...], float | Histogram]] = {it: {} for it in ALL}
    for it in signals:
        labels = (label_text(it.signal), label_text(it.sender))
        series[SENT][labels] = float(it.count)
        series[UNHEARD][labels] = float(it.unheard)
        series[MUTED][labels] = float(it.muted)
        series[CONNECTED][labels] = float(it.connected)
        series[DEAD][labels] = float(it.dead)
        for receiver in it.receivers:
            full = (*labels, label_text(receiver.receiver))
            series[DURATION][full] = receiver.seconds.widened(RECEIVER_SECONDS)
            series[ERRORS][full] = float(receiver.failed)
            series[RELAYED][full] = float(receiver.relayed)
            for kind, count in receiver.errors.items():
                series[EXCEPTIONS][(*full, label_text(kind))] = float(count)
    return [Family(about, found) for about, found in series.items()]
