"""The slow path of a send, for checks, mutes, overridden methods and async receivers."""

from __future__ import annotations

from heliograph.core.connections.scopes import is_muted
from heliograph.core.sending.checks import check, check_sender
from heliograph.core.sending.delivering import deliver, deliver_async
from heliograph.core.sending.lookup import find
from heliograph.core.sending.turns import Turns, connected_steps
from heliograph.core.sending.watched_outcome import outcome_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from heliograph.core.sending.outcome import Outcome
    from heliograph.core.sending.snapshot import Snapshot
    from heliograph.core.sending.turns import Step

    Results = list[tuple[Callable[..., Any], Any]]


def send_slowly(
    signal: Any,
    sender: Any,
    payload: dict[str, Any],
    snapshot: Snapshot,
    version: int,
    async_wrapper: Any,
) -> Results:
    """Send as `Signal.send` does, with the snapshot that it has found."""
    turns, outcome = _prepared(signal, sender, payload, snapshot, version)
    if async_wrapper is None:
        turns.refuse_async(signal, payload)
    return deliver(turns, outcome, async_wrapper)


async def send_async_slowly(
    signal: Any,
    sender: Any,
    payload: dict[str, Any],
    snapshot: Snapshot,
    version: int,
    sync_wrapper: Any,
) -> Results:
    """Send as `Signal.send_async` does, with the snapshot that it has found."""
    turns, outcome = _prepared(signal, sender, payload, snapshot, version)
    return await deliver_async(turns, outcome, sync_wrapper)


async def send_to_the_end(signal: Any, sender: Any, payload: dict[str, Any]) -> None:
    """Send as `Signal.send_async` does; after a cancellation, still call the plain receivers."""
    registry = signal._registry
    if registry.anyone:
        version, sender, snapshot = find(registry, sender)
        turns, outcome = _prepared(signal, sender, payload, snapshot, version)
        await deliver_async(turns, outcome, None, to_the_end=True)


def _prepared(
    signal: Any, sender: Any, payload: dict[str, Any], snapshot: Snapshot, version: int
) -> tuple[Turns, Outcome]:
    registry = signal._registry
    check_sender(signal, sender, payload)
    if registry.checked:
        check(signal, sender, payload)
    # A class that overrides methods may have its own flag.
    muted = is_muted(registry.mutes) or (registry.overridden and signal.is_muted)
    steps: list[Step] = []
    if not muted:
        overridden = registry.overridden
        steps = (
            signal._overriding_steps(sender, snapshot)
            if overridden
            else connected_steps(registry, snapshot)
        )
    turns = Turns(registry, sender, steps, version, snapshot.newest)
    return turns, outcome_of(signal, sender, payload, muted=muted)
