"""The coroutine around an async send in C: what tools, tracebacks and warnings see of it."""

from __future__ import annotations

from heliograph.core.failures import AT_ONCE
from heliograph.core.sending.outcome import is_raised
from heliograph.core.sending.unfinished import Unfinished, finish_async

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from typing import Any

    from heliograph.core.sending._dispatch import Sending
    from heliograph.core.sending.snapshot import Snapshot

    Results = list[tuple[Callable[..., Any], Any]]


async def send_async(sending: Sending) -> Results:
    """Wait for a send in C; if a receiver fails, do the rest of it."""
    try:
        results = sending.start()
        return await sending if results is None else results
    except Exception as caught:
        left = sending.left()
        if left is None or isinstance(caught, AT_ONCE):  # Nobody has failed who was called.
            raise
        signal, sender, payload, snapshot, _, _, _, position, receiver = left
        if is_raised(signal, sender, payload, snapshot, position, receiver, caught):
            raise
        errors = [caught]
    return await rest_of(*left, errors=errors)


send_async.__qualname__ = "Signal.send_async"  # What warns of coroutines shows that.


def rest_of(
    signal: Any,
    sender: Any,
    payload: dict[str, Any],
    snapshot: Snapshot,
    version: int,
    wrapper: Any,
    results: Results,
    position: int,
    receiver: Any,
    *,
    errors: Sequence[Exception] = (),
) -> Coroutine[Any, Any, Results]:
    """Return a coroutine for the rest of a send that was in C until now.

    Args:
        signal: The signal.
        sender: The sender.
        payload: The payload.
        snapshot: The snapshot that it uses.
        version: The version of the registry when the snapshot was found.
        wrapper: The wrapper of plain receivers, or None.
        results: Pairs of receiver and value, so far.
        position: The index of the receiver that has failed, or of the next one.
        receiver: The receiver that has failed, or None if connections have changed.
        errors: A list with its error, or nothing.
    """
    send = Unfinished(signal, sender, payload, snapshot, version, wrapper, results)
    send.position = position
    return finish_async(send.stopped(receiver, errors))
