"""Draining: runs groups until nothing waits for them, and says what became of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heliograph.relay import Relay
    from heliograph.relay.channels import Channel
    from heliograph.relay.looking import Look

_EVERY = 0.2
"""Seconds between two looks at what is left."""


def drained(relay: Relay, groups: Sequence[str], timeout: float | None) -> dict[str, int]:
    """Run groups until nothing waits for them, or for so many seconds.

    Returns:
        How many envelopes were done and put aside here, and how many are left.

    Raises:
        RelayError: If the broker is not there.
        ArgumentError: If there is no such group.
    """
    channels = {
        it.channel: {*groups} & {*it.groups}
        for it in relay.running.crossings
        if {*groups} & {*it.groups}
    }
    end = None if timeout is None else time.monotonic() + timeout
    with relay.look() as look:
        relay.start(groups)
        try:
            while (left := _left(look, channels)) and (end is None or time.monotonic() < end):
                time.sleep(_EVERY)
        finally:
            relay.stop()
        left = _left(look, channels) if left else 0
    counts = [relay.counts().get(it.signal, {}) for it in channels]
    return {
        "done": sum(it.get("received", 0) for it in counts),
        "dead": sum(it.get("dead", 0) for it in counts),
        "left": left,
    }


def _left(look: Look, channels: dict[Channel, set[str]]) -> int:
    """Return how much there is to do; a group that has not begun yet has something for sure."""
    left = 0
    for channel, groups in channels.items():
        found = {it.group: it.waiting + it.running for it in look.backlog(channel)}
        left += sum(found.get(it, 1) for it in groups)
    return left
