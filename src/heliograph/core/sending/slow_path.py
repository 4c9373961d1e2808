"""The slow path of a send, for checks, mutes, overridden methods and async receivers."""

from __future__ import annotations

from functools import cache

from heliograph.core.callables import coroutine_function
from heliograph.core.connections.scopes import is_muted
from heliograph.core.mistakes import wrapped
from heliograph.core.sending.checks import check, check_sender, is_as_expected
from heliograph.core.sending.delivering import deliver, deliver_async
from heliograph.core.sending.lookup import find, own_connections
from heliograph.core.sending.outcome import outcome_of
from heliograph.core.sending.turns import Turns, connected_steps
from heliograph.core.sending.unfinished import NOBODY, Unfinished, finish, is_over

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from heliograph.core.sending.outcome import Outcome
    from heliograph.core.sending.snapshot import Snapshot
    from heliograph.core.sending.turns import Step

    Results = list[tuple[Callable[..., Any], Any]]


# Kept, as to import it in each send would cost more than the rest of it.
@cache
def _loaded_postpone() -> Callable[..., tuple[list[Step], tuple[str, ...]]]:
    from heliograph.core.sending.postponed import postpone

    return postpone


def send_slowly(
    signal: Any,
    sender: Any,
    payload: dict[str, Any],
    snapshot: Snapshot,
    version: int,
    async_wrapper: Any,
) -> Results:
    """Send as `Signal.send` does, with the snapshot that it has found."""
    registry = signal._registry
    if (
        async_wrapper is None
        or (snapshot.slow_in_send_async or registry.needs_slow_path)
        or (registry.expected or registry.watchers or "sender" in payload)
    ):
        turns, outcome = _prepared(signal, sender, payload, snapshot, version)
        if async_wrapper is None:
            turns.refuse_async(signal, payload)
        return deliver(turns, outcome, async_wrapper)
    # Only that some receivers are async is unusual. The loop stands in here, as in `Signal.send`.
    results: list[Any] = []
    receiver, errors = NOBODY, NOBODY
    try:
        for ref, is_async, _ in snapshot.calls or snapshot.made_calls():
            call = receiver = ref()
            if is_async and receiver is not None:
                call = wrapped(async_wrapper, coroutine_function(receiver), "_async_wrapper")
            results.append((receiver, call(sender, **payload)))
            if registry.version is not version:
                break
        else:
            return results
    except Exception as caught:
        if is_over(signal, sender, payload, snapshot, results, receiver, caught):
            raise
        errors = [caught]
    send = Unfinished(signal, sender, payload, snapshot, version, async_wrapper, results)
    return finish(send.stopped(receiver, errors))


async def send_async_slowly(
    signal: Any,
    sender: Any,
    payload: dict[str, Any],
    snapshot: Snapshot,
    version: int,
    sync_wrapper: Any,
) -> Results:
    """Send as `Signal.send_async` does, with the snapshot that it has found."""
    wrapping = sync_wrapper is not None
    turns, outcome = _prepared(signal, sender, payload, snapshot, version, wrapping)
    return await deliver_async(turns, outcome, sync_wrapper)


async def send_to_the_end(signal: Any, sender: Any, payload: dict[str, Any]) -> None:
    """Send as `Signal.send_async` does; after a cancellation, still call the plain receivers."""
    registry = signal._registry
    if registry.anyone:
        version, sender, snapshot = find(registry, sender)
        turns, outcome = _prepared(signal, sender, payload, snapshot, version, False)
        await deliver_async(turns, outcome, None, to_the_end=True)


def _prepared(
    signal: Any,
    sender: Any,
    payload: dict[str, Any],
    snapshot: Snapshot,
    version: int,
    wrapping: bool | None = None,
) -> tuple[Turns, Outcome]:
    registry = signal._registry
    check_sender(signal, sender, payload)
    expected = registry.expected
    if registry.checked and not (expected and is_as_expected(expected, sender, payload)):
        check(signal, sender, payload)
    # A class that overrides methods may have its own flag.
    muted = is_muted(registry.mutes) or (registry.overridden and signal.is_muted)
    steps: list[Step] = []
    envelopes: tuple[str, ...] = ()
    if not muted:
        overridden = registry.overridden
        steps = (
            signal._overriding_steps(sender, snapshot)
            if overridden
            else connected_steps(registry, snapshot)
        )
        if snapshot.postpones:
            # Before anybody is called, as it is refused where the time can never come.
            if snapshot.shared and not overridden:
                steps = [(it, None) for it in own_connections(registry, snapshot, sender)]
            steps, envelopes = _loaded_postpone()(signal, sender, payload, steps)
    turns = Turns(registry, sender, steps, version, snapshot.newest)
    return turns, outcome_of(
        signal, sender, payload, muted=muted, wrapping=wrapping, envelopes=envelopes
    )
