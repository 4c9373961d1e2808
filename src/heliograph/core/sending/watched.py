"""Sends while somebody watches, as `Signal.send` and `send_async`: what came of each is noted."""

from __future__ import annotations

from time import perf_counter

from heliograph.core.mistakes import wrapped
from heliograph.core.observing.emission import PLACE, delivery
from heliograph.core.observing.watching import begin_watching, end_watching
from heliograph.core.sending.delivering import deliver, deliver_async, rest_of
from heliograph.core.sending.lookup import unshared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from heliograph.core.connections.registry import Registry
    from heliograph.core.observing.nesting import Place
    from heliograph.core.sending.snapshot import Snapshot
    from heliograph.core.signal import Signal

    Receiver = Callable[..., Any]
    Results = list[tuple[Receiver, Any]]
    Wrapper = Callable[[Receiver], Receiver]


# Between two receivers the clock is read once: what is done there counts as the later one's time.
# Nothing is called where a place has been entered, and an error would not be caught: a signal
# handler may raise after any call. An error must not refer to itself through the frames of its
# traceback, so what leads to it is let go.


# What these two left to another function would take time.
def send_watched(  # noqa: PLR0915
    signal: Signal[...],
    registry: Registry,
    sender: Any,
    payload: dict[str, Any],
    snapshot: Snapshot,
    version: int,
    async_wrapper: Wrapper | None,
) -> Results:
    """Send by a snapshot that is plain."""
    place = begin_watching(registry.watchers, signal, sender, payload, muted=snapshot.muted)
    results: Results = []
    noted, clock = place.work._deliveries.append, place.work._clock
    position, over = 0, False
    receiver: Any = None
    failure: BaseException | None = None
    try:
        if snapshot.receiver_refs:  # Or nothing can be inside of it.
            snapshot = unshared(registry, snapshot, sender)
            PLACE.set(place)
        for connection in snapshot.connections:
            receiver = snapshot.receiver_refs[position]()
            if receiver is not None:
                value = receiver(sender, **payload)
                called, receiver = receiver, None
                begun, clock = clock, perf_counter()
                noted(delivery(called, connection, clock - begun, value))
                results.append((called, value))
            position += 1
            if registry.version is not version:
                break
        over = position == len(snapshot.connections)
    except BaseException as error:  # noqa: BLE001 - told of, and settled.
        failure = error
    if over:
        seen, place.work = place.work, None
        end_watching(place, seen)
        return results
    noted = None
    try:
        return finish_watched(
            signal,
            place,
            snapshot,
            position,
            results,
            version,
            failure,
            receiver,
            async_wrapper,
            clock,
        )
    finally:
        # There may have been no room on the stack to end it.
        place.work = failure = None


def finish_watched(
    signal: Signal[...],
    place: Place,
    snapshot: Snapshot,
    position: int,
    results: Results,
    version: int,
    failure: BaseException | None,
    receiver: Receiver | None,
    async_wrapper: Wrapper | None,
    clock: float,
) -> Results:
    """Do the rest of a watched send that was plain until an error or a change came."""
    sender, payload = place.work._sender, place.work._payload
    sending = rest_of(
        signal,
        sender,
        payload,
        snapshot,
        position,
        results,
        version,
        failure,
        receiver,
        clock,
        place,
    )
    failure = None
    return deliver(sending, async_wrapper)


async def send_async_watched(  # noqa: PLR0915
    signal: Signal[...],
    registry: Registry,
    sender: Any,
    payload: dict[str, Any],
    snapshot: Snapshot,
    version: int,
    sync_wrapper: Any,
) -> Results:
    """Send by a snapshot that is not careful, as `send_watched` does."""
    place = begin_watching(registry.watchers, signal, sender, payload, muted=snapshot.muted)
    results: Results = []
    noted, clock = place.work._deliveries.append, place.work._clock
    position, over = 0, False
    receiver: Any = None
    failure: BaseException | None = None
    try:
        if snapshot.receiver_refs:
            snapshot = unshared(registry, snapshot, sender)
            PLACE.set(place)
        for connection in snapshot.connections:
            ref, in_place = snapshot.calls[position]
            receiver = ref()
            if receiver is not None:
                if in_place or sync_wrapper is None:
                    value = receiver(sender, **payload)
                else:
                    call = wrapped(sync_wrapper, receiver, "_sync_wrapper")
                    value = await call(sender, **payload)
                # Also what a plain function returned, in place or through the wrapper.
                if value is not None and hasattr(type(value), "__await__"):
                    value = await value
                called, receiver = receiver, None
                begun, clock = clock, perf_counter()
                noted(delivery(called, connection, clock - begun, value))
                results.append((called, value))
            position += 1
            if registry.version is not version:
                break
        over = position == len(snapshot.connections)
    except BaseException as error:  # noqa: BLE001 - as above.
        failure = error
    if over:
        seen, place.work = place.work, None
        end_watching(place, seen)
        return results
    noted = None
    try:
        sending = rest_of(
            signal,
            sender,
            payload,
            snapshot,
            position,
            results,
            version,
            failure,
            receiver,
            clock,
            place,
        )
        failure = None
        return await deliver_async(sending, sync_wrapper)
    finally:
        place.work = failure = None
