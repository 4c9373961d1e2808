"""What was counted, as a few lines for a log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from heliograph.describe import describe_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heliograph.metrics import ReceiverFigures, SignalFigures, Snapshot

_MOST = 20


def as_text(snapshot: Snapshot) -> str:
    """Return the counts: the receivers that took longest, errors, and what nobody heard.

    There are no values of payloads and no messages of errors in it.
    """
    return "\n".join(_lines(snapshot))


def _lines(snapshot: Snapshot) -> Iterator[str]:
    since = datetime.fromtimestamp(snapshot.since, UTC).strftime("%Y-%m-%d %H:%M:%S")
    sent = sum(it.count for it in snapshot.signals)
    yield (
        f"Signals of process {snapshot.pid} since {since} UTC: {sent} emissions of "
        f"{len(snapshot.signals)} signals."
    )
    called = [(signal, it) for signal in snapshot.signals for it in signal.receivers]
    called.sort(key=lambda it: it[1].seconds.sum, reverse=True)
    yield from (_receiver(*it) for it in called[:_MOST])
    if len(called) > _MOST:
        yield f"  … and {len(called) - _MOST} receivers that took less time"
    for it in snapshot.signals:
        if it.unheard:
            yield f"  {_named(it)}: {it.unheard} of {it.count} reached no receiver"
        if it.dead:
            yield f"  {_named(it)}: {it.dead} receivers were garbage-collected while connected"


def _named(signal: SignalFigures) -> str:
    return f"{signal.signal} from {signal.sender}" if signal.sender else signal.signal


def _receiver(signal: SignalFigures, it: ReceiverFigures) -> str:
    seconds, slowest = it.seconds, it.slowest
    errors = ", ".join(
        f"{count} {name.removeprefix('builtins.')}" for name, count in it.errors.items()
    )
    place = f" at {slowest.place}" if slowest.place else ""
    return (
        f"  {_named(signal)} → {it.receiver}: {it.count} calls, {errors or 'no errors'}, "
        f"{describe_duration(seconds.sum)} in all, median "
        f"{describe_duration(seconds.quantile(0.5))}, "
        f"99th percentile {describe_duration(seconds.quantile(0.99))}, "
        f"slowest {describe_duration(slowest.seconds)}{place}"
    )
