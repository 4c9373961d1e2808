"""The fast path of a send that is checked, watched, or spares receivers some arguments."""

from __future__ import annotations

from heliograph.core.connections.receivers import NOTHING
from heliograph.core.failures import AT_ONCE
from heliograph.core.observing.wishes import TELLERS, Watchers
from heliograph.core.sending.checks import is_as_expected
from heliograph.core.sending.outcome import is_raised
from heliograph.core.sending.slow_path import send_async_slowly, send_slowly
from heliograph.core.sending.unfinished import NOBODY, Unfinished, finish, was_called

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from heliograph.core.sending.snapshot import Snapshot

    Results = list[tuple[Callable[..., Any], Any]]


def send_specially(
    signal: Any, sender: Any, payload: Any, snapshot: Snapshot, version: int, wrapper: Any
) -> Results:
    """Send as `Signal.send` does, with the snapshot that it has found."""
    registry = signal._registry
    expected = registry.expected
    if expected and not is_as_expected(expected, sender, payload):
        return send_slowly(signal, sender, payload, snapshot, version, wrapper)
    if registry.watchers and not (TELLERS and Watchers.watching.is_telling()):
        send = send_slowly if snapshot.sparing else Watchers.watching.send
        return send(signal, sender, payload, snapshot, version, wrapper)
    if not snapshot.receiver_refs:
        return []
    return _send_sparing(signal, sender, payload, snapshot, version, wrapper)


def await_specially(
    signal: Any, sender: Any, payload: Any, snapshot: Snapshot, version: int, wrapper: Any
) -> Coroutine[Any, Any, Results]:
    """Return a coroutine that sends as `Signal.send_async` does, with the snapshot it has found."""
    registry = signal._registry
    slow = snapshot.slow_in_send_async or registry.needs_slow_path or registry.expected
    if (
        slow
        or not registry.watchers
        or "sender" in payload
        or (TELLERS and Watchers.watching.is_telling())
    ):
        return send_async_slowly(signal, sender, payload, snapshot, version, wrapper)
    return Watchers.watching.send_async(signal, sender, payload, snapshot, version, wrapper)


# A loop of its own, as copying a payload takes as long as calling a receiver.
def _send_sparing(
    signal: Any, sender: Any, payload: Any, snapshot: Snapshot, version: int, wrapper: Any
) -> Results:
    """Call all receivers, with what they take."""
    registry, receiver, errors = signal._registry, NOBODY, NOBODY
    results: Results = []
    try:
        for ref, omitted in snapshot.sparing or [(it, NOTHING) for it in snapshot.receiver_refs]:
            given = payload
            if omitted:
                given = payload.copy()
                for name in omitted:
                    given.pop(name, None)
            results.append((receiver := ref(), receiver(sender, **given)))
            if registry.version is not version:
                break
        else:
            return results
    except Exception as caught:
        if (
            isinstance(caught, AT_ONCE)
            or not was_called(receiver, snapshot, results)
            or is_raised(signal, sender, payload, snapshot, len(results), receiver, caught)
        ):
            raise
        errors = [caught]
    send = Unfinished(signal, sender, payload, snapshot, version, wrapper, results)
    return finish(send.stopped(receiver, errors))
