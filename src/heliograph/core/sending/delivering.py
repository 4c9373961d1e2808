"""Calls the receivers of a send, one after another, and passes on their outcomes."""

from __future__ import annotations

from heliograph.core.callables import coroutine_function
from heliograph.core.mistakes import wrapped
from heliograph.core.sending.turns import needs_await, payload_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from heliograph.core.sending.outcome import Outcome
    from heliograph.core.sending.turns import Turn

    Receiver = Callable[..., Any]
    Results = list[tuple[Receiver, Any]]


def deliver(turns: Iterable[Turn], outcome: Outcome, async_wrapper: Any) -> Results:
    """Call all receivers, then return their values or raise their errors."""
    with outcome:
        outcome.settle()
        for turn in turns:
            connection, receiver = turn
            payload = payload_for(connection, outcome.payload)
            outcome.begin(turn)
            try:
                call = receiver
                if async_wrapper is not None and needs_await(connection, receiver):
                    function = coroutine_function(receiver)
                    call = wrapped(async_wrapper, function, "_async_wrapper")
                value = call(outcome.sender, **payload)
            except Exception as error:  # noqa: BLE001 - kept until all receivers were called.
                outcome.failed(error)
            else:
                outcome.returned(value)
    return outcome.result()


async def deliver_async(
    turns: Iterable[Turn], outcome: Outcome, sync_wrapper: Any, *, to_the_end: bool = False
) -> Results:
    """Await or call all receivers, one after another, as `deliver` does.

    Cancellation ends the send at once; with *to_the_end*, after the remaining plain receivers.
    """
    with outcome:
        outcome.settle()
        left = iter(turns)
        for turn in left:
            connection, receiver = turn
            payload = payload_for(connection, outcome.payload)
            outcome.begin(turn)
            try:
                inline = connection is not None and connection.inline
                if sync_wrapper is None or inline or needs_await(connection, receiver):
                    value = receiver(outcome.sender, **payload)
                else:
                    call = wrapped(sync_wrapper, receiver, "_sync_wrapper")
                    value = await call(outcome.sender, **payload)
                # A plain function may return an awaitable, too.
                if value is not None and hasattr(type(value), "__await__"):
                    value = await value
            except Exception as error:  # noqa: BLE001 - kept until all receivers were called.
                outcome.failed(error)
            except BaseException as error:
                if to_the_end:
                    outcome.end(None, error)
                    _call_plain(left, outcome)
                raise
            else:
                outcome.returned(value)
    return outcome.result()


def _call_plain(turns: Iterator[Turn], outcome: Outcome) -> None:
    """Call the remaining plain receivers while an interruption is being raised."""
    for turn in turns:
        connection, receiver = turn
        if not needs_await(connection, receiver):
            payload = payload_for(connection, outcome.payload)
            outcome.begin(turn)
            try:
                value = receiver(outcome.sender, **payload)
            except Exception as error:  # noqa: BLE001 - logged at the end of the send.
                outcome.failed(error)
            else:
                outcome.returned(value)
