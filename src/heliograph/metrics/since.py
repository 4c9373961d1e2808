"""What was counted since a moment: figures less those of that moment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from heliograph.metrics.spreading import increase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heliograph.metrics.snapshot import ReceiverFigures, SignalFigures


def since(
    before: Sequence[SignalFigures], after: Sequence[SignalFigures]
) -> tuple[SignalFigures, ...]:
    """Return the figures of signals that were sent after a moment, with what was counted then."""
    known = {(it.signal, it.sender): it for it in before}
    found = (_signal_since(known.get((it.signal, it.sender)), it) for it in after)
    known_of = [it for it in found if it.count or it.receivers]
    return tuple(sorted(known_of, key=lambda it: -it.seconds))


def _signal_since(before: SignalFigures | None, after: SignalFigures) -> SignalFigures:
    if before is None:
        return after
    known = {it.receiver: it for it in before.receivers}
    receivers = [_receiver_since(known.get(it.receiver), it) for it in after.receivers]
    receivers.sort(key=lambda it: -it.seconds.sum)
    return replace(
        after,
        count=after.count - before.count,
        unheard=after.unheard - before.unheard,
        muted=after.muted - before.muted,
        seconds=after.seconds - before.seconds,
        receivers=tuple(it for it in receivers if it.count),
    )


def _receiver_since(before: ReceiverFigures | None, after: ReceiverFigures) -> ReceiverFigures:
    if before is None:
        return after
    errors = {kind: count - before.errors.get(kind, 0) for kind, count in after.errors.items()}
    return replace(
        after,
        seconds=increase(before.seconds, after.seconds),
        errors={kind: count for kind, count in errors.items() if count},
        relayed=after.relayed - before.relayed,
    )
