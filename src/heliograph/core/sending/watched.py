"""The fast path of a watched send: calls one receiver after another and notes each delivery."""

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


# Between two receivers the clock is read once: the time in between counts for the later one.
# A signal handler may raise after any call. So nothing is called after a place was entered where
# an error would not be caught. An error must not refer to itself through the frames of its
# traceback, so names that lead to it are deleted.


# These loops are separate from those in `Signal.send` and `send_async`, as each further call and
# each further `if` between two receivers would take a tenth of the time, or more.
def send_watched(
    signal: Any, sender: Any, payload: Any, snapshot: Snapshot, version: int, wrapper: Any
) -> Results:
    """Send as `Signal.send` does, with the snapshot that it has found."""
    registry, connections, results = signal._registry, snapshot.connections, []
    if snapshot.shared:
        connections = own_connections(registry, snapshot, sender)
    place = begin_watching(registry.watchers, signal, sender, payload, snapshot.muted)
    receiver, errors, position = NOBODY, NOBODY, 0
    clock, note = place.work._clock, place.work._deliveries.append
    try:
        if connections:  # Without receivers, nothing can be inside.
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
    except BaseException as caught:  # noqa: BLE001 - noted, and raised or kept.
        errors, over = [caught], False
    if over:
        seen, place.work = place.work, None
        end_watching(place, seen, place.teller)  # In a plain send, nobody else runs at its end.
        return results
    try:
        send = Unfinished(signal, sender, payload, snapshot, version, wrapper, results)
        return finish(send.stopped(receiver, errors).watched(place, clock, position))
    finally:
        # There may have been no room on the stack to end it.
        place.work = note = None


async def send_async_watched(  # noqa: PLR0915 - one loop, for speed.
    signal: Any, sender: Any, payload: Any, snapshot: Snapshot, version: int, wrapper: Any
) -> Results:
    """Send as `Signal.send_async` does, with the snapshot that it has found."""
    registry, connections, results = signal._registry, snapshot.connections, []
    if snapshot.shared:
        connections = own_connections(registry, snapshot, sender)
    place = begin_watching(registry.watchers, signal, sender, payload, snapshot.muted)
    place.work._wrapping = wrapper is not None
    receiver, errors, position = NOBODY, NOBODY, 0
    clock, note = place.work._clock, place.work._deliveries.append
    try:
        if connections:
            PLACE.set(place)
        for ref, _, in_place in snapshot.calls or snapshot.made_calls():
            receiver = ref()
            if receiver is not None:
                if in_place or wrapper is None:
                    value = receiver(sender, **payload)
                else:
                    value = await wrapped(wrapper, receiver, "_sync_wrapper")(sender, **payload)
                # A plain function may return an awaitable, too.
                if value is not None and hasattr(type(value), "__await__"):
                    value = await value
                begun, clock = clock, perf_counter()
                results.append((receiver, value))
                note((receiver, connections[position], clock - begun, value, None))
            position += 1
            if registry.version is not version:
                break
        over = position == len(connections)
    except BaseException as caught:  # noqa: BLE001 - it is raised again, or kept.
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
