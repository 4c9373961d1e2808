"""Calls those whose turn it is, one after the other, and hands on what came of it."""

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
    """Call everybody whose turn comes, then return their values or raise their errors."""
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
            except Exception as error:  # noqa: BLE001 - kept until all have been called.
                outcome.failed(error)
            else:
                outcome.returned(value)
    return outcome.result()


async def deliver_async(
    turns: Iterable[Turn], outcome: Outcome, sync_wrapper: Any, *, to_the_end: bool = False
) -> Results:
    """Await or call everybody whose turn comes, one after the other, as `deliver` does.

    Cancellation leaves at once; *to_the_end*, only when those have been called who need no waiting.
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
                # Also what a plain function returned, in place or through the wrapper.
                if value is not None and hasattr(type(value), "__await__"):
                    value = await value
            except Exception as error:  # noqa: BLE001 - kept until all have been called.
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
    """Call those of the others who need no waiting, while an interruption is on its way."""
    for turn in turns:
        connection, receiver = turn
        if not needs_await(connection, receiver):
            payload = payload_for(connection, outcome.payload)
            outcome.begin(turn)
            try:
                value = receiver(outcome.sender, **payload)
            except Exception as error:  # noqa: BLE001 - logged when the send is left.
                outcome.failed(error)
            else:
                outcome.returned(value)
