"""Sends straight from one receiver to the next while somebody watches: each delivery is noted."""

from __future__ import annotations

from time import perf_counter

from heliograph.core.mistakes import wrapped
from heliograph.core.observing.emission import PLACE, delivery
from heliograph.core.observing.watching import begin_watching, end_watching
from heliograph.core.sending.lookup import unshared
from heliograph.core.sending.unfinished import Unfinished, finish, finish_async

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from heliograph.core.connections.registry import Registry
    from heliograph.core.sending.snapshot import Snapshot

    Receiver = Callable[..., Any]
    Results = list[tuple[Receiver, Any]]


# Between two receivers the clock is read once: what is done there counts as the later one's time.
# Nothing is called where a place has been entered, and an error would not be caught: a signal
# handler may raise after any call. An error must not refer to itself through the frames of its
# traceback, so what leads to it is let go.


def send_watched(  # noqa: PLR0915 - a part in another function would take time.
    signal: Any,
    registry: Registry,
    sender: Any,
    payload: dict[str, Any],
    snapshot: Snapshot,
    version: int,
    async_wrapper: Any,
) -> Results:
    """Send as `Signal.send` does, to whom it has found."""
    place = begin_watching(registry.watchers, signal, sender, payload, muted=snapshot.muted)
    results: Results = []
    position, clock, noted = 0, place.work._clock, place.work._deliveries.append
    receiver: Any = None
    error: BaseException | None = None
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
    except BaseException as caught:  # noqa: BLE001 - told of, and settled.
        error, over = caught, False
    if over:
        seen, place.work = place.work, None
        end_watching(place, seen)
        return results
    noted = None
    try:
        send = Unfinished(signal, sender, payload, snapshot, version, async_wrapper, results)
        send.stop(position, receiver, error)
        send.watch(place, clock)
        return finish(send)
    finally:
        # There may have been no room on the stack to end it.
        place.work = error = None


async def send_async_watched(  # noqa: PLR0915 - as above.
    signal: Any,
    registry: Registry,
    sender: Any,
    payload: dict[str, Any],
    snapshot: Snapshot,
    version: int,
    sync_wrapper: Any,
) -> Results:
    """Send as `Signal.send_async` does, to whom it has found."""
    place = begin_watching(registry.watchers, signal, sender, payload, muted=snapshot.muted)
    results: Results = []
    position, clock, noted = 0, place.work._clock, place.work._deliveries.append
    receiver: Any = None
    error: BaseException | None = None
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
                    value = await wrapped(sync_wrapper, receiver, "_sync_wrapper")(
                        sender, **payload
                    )
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
    except BaseException as caught:  # noqa: BLE001 - as above.
        error, over = caught, False
    if over:
        seen, place.work = place.work, None
        end_watching(place, seen)
        return results
    noted = None
    try:
        send = Unfinished(signal, sender, payload, snapshot, version, sync_wrapper, results)
        send.stop(position, receiver, error)
        send.watch(place, clock)
        return await finish_async(send)
    finally:
        place.work = error = None
