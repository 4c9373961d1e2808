"""Sends straight from one receiver to the next while somebody watches, and notes each delivery."""

from __future__ import annotations

from time import perf_counter

from heliograph.core.mistakes import wrapped
from heliograph.core.observing.emission import PLACE
from heliograph.core.observing.watching import begin_watching, end_watching
from heliograph.core.sending.lookup import own_connections
from heliograph.core.sending.unfinished import NOBODY, Unfinished, finish, finish_async

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from heliograph.core.sending.snapshot import Snapshot

    Results = list[tuple[Callable[..., Any], Any]]


# Between two receivers the clock is read once: what is done there counts as the later one's time.
# Nothing is called where a place has been entered, and an error would not be caught: a signal
# handler may raise after any call. An error must not refer to itself through the frames of its
# traceback, so what leads to it is let go.


# Both loops stand in here, and are not one with those of `Signal.send` and `send_async`, as each
# call and each question between two receivers would take a tenth of the time, or more.
def send_watched(
    signal: Any, sender: Any, payload: Any, snapshot: Snapshot, version: int, wrapper: Any
) -> Results:
    """Send as `Signal.send` does, to whom it has found."""
    registry, connections = signal._registry, snapshot.connections
    place = begin_watching(registry.watchers, signal, sender, payload, muted=snapshot.muted)
    results: Results = []
    receiver, errors, position = NOBODY, NOBODY, 0
    clock, note = place.work._clock, place.work._deliveries.append
    try:
        if connections:  # Or nothing can be inside of it.
            connections = own_connections(registry, snapshot, sender)
            PLACE.set(place)
        for ref in snapshot.receiver_refs:
            receiver = ref()
            if receiver is not None:
                value = receiver(sender, **payload)
                begun, clock = clock, perf_counter()
                results.append((receiver, value))
                note((receiver, connections[position], clock - begun, value, None))
            position += 1
            if registry.version is not version:
                break
        over = position == len(connections)
    except BaseException as caught:  # noqa: BLE001 - told of, and settled.
        errors, over = [caught], False
    if over:
        seen, place.work = place.work, None
        end_watching(place, seen)
        return results
    try:
        send = Unfinished(signal, sender, payload, snapshot, version, wrapper, results)
        return finish(send.stopped(receiver, errors).watched(place, clock, position))
    finally:
        # There may have been no room on the stack to end it.
        place.work = note = None


async def send_async_watched(  # noqa: PLR0915 - as above.
    signal: Any, sender: Any, payload: Any, snapshot: Snapshot, version: int, wrapper: Any
) -> Results:
    """Send as `Signal.send_async` does, to whom it has found."""
    registry, connections = signal._registry, snapshot.connections
    place = begin_watching(registry.watchers, signal, sender, payload, muted=snapshot.muted)
    results: Results = []
    receiver, errors, position = NOBODY, NOBODY, 0
    clock, note = place.work._clock, place.work._deliveries.append
    try:
        if connections:
            connections = own_connections(registry, snapshot, sender)
            PLACE.set(place)
        for ref, in_place in snapshot.calls:
            receiver = ref()
            if receiver is not None:
                if in_place or wrapper is None:
                    value = receiver(sender, **payload)
                else:
                    value = await wrapped(wrapper, receiver, "_sync_wrapper")(sender, **payload)
                # Also what a plain function returned, in place or through the wrapper.
                if value is not None and hasattr(type(value), "__await__"):
                    value = await value
                begun, clock = clock, perf_counter()
                results.append((receiver, value))
                note((receiver, connections[position], clock - begun, value, None))
            position += 1
            if registry.version is not version:
                break
        over = position == len(connections)
    except BaseException as caught:  # noqa: BLE001 - as above.
        errors, over = [caught], False
    if over:
        seen, place.work = place.work, None
        end_watching(place, seen)
        return results
    try:
        send = Unfinished(signal, sender, payload, snapshot, version, wrapper, results)
        return await finish_async(send.stopped(receiver, errors).watched(place, clock, position))
    finally:
        place.work = note = None
