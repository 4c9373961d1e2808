"""Confirmation: what is known of a send once the broker has answered, or has not."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heliograph.describe import title_of
from heliograph.relay.errors import FullError, RefusedError, RelayError, UnconfirmedError
from heliograph.relay.gate import ASKED, Asked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from heliograph import Signal
    from heliograph.relay.gate import Gate
    from heliograph.relay.transports import Receipt


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What is known of a send that the broker has stored.

    Attributes:
        results: What `send` returned: the receivers that were called here, with their values.
        receipt: What the broker says.
    """

    results: list[tuple[Callable[..., Any], Any]]
    receipt: Receipt


def confirm(
    gate: Gate,
    signal: Signal[...],
    sender: Any,
    payload: Mapping[str, Any],
    within: float,
) -> Confirmation:
    """Send, and wait for the broker.

    Raises:
        UnconfirmedError: If it does not say in time that it has it.
    """
    with _asking(gate) as asked:
        results = signal.send(sender, **payload)
    if asked.envelope_id is None:
        raise _not_crossed(signal)
    try:
        receipt = asked.answer.result(within)
    except Exception as error:
        raise _unconfirmed(signal, asked, asked.envelope_id, error, within) from error
    return Confirmation(results, receipt)


async def confirm_async(
    gate: Gate,
    signal: Signal[...],
    sender: Any,
    payload: Mapping[str, Any],
    within: float,
) -> Confirmation:
    """Send by `Signal.send_async`, and wait for the broker.

    Raises:
        UnconfirmedError: If it does not say in time that it has it.
    """
    with _asking(gate) as asked:
        results = await signal.send_async(sender, **payload)
    if asked.envelope_id is None:
        raise _not_crossed(signal)
    try:
        async with asyncio.timeout(within):
            receipt = await asyncio.shield(asyncio.wrap_future(asked.answer))
    except Exception as error:
        raise _unconfirmed(signal, asked, asked.envelope_id, error, within) from error
    return Confirmation(results, receipt)


@contextmanager
def _asking(gate: Gate) -> Iterator[Asked]:
    asked = Asked(gate, Future())
    token = ASKED.set(asked)
    try:
        yield asked
    finally:
        ASKED.reset(token)


def _not_crossed(signal: Signal[...]) -> UnconfirmedError:
    why = "it is muted, or was sent by what every process receives, or leads to itself."
    return UnconfirmedError(f"{title_of(signal)} did not cross: {why}", "", certain=True)


def _unconfirmed(
    signal: Signal[...], asked: Asked, envelope_id: str, error: Exception, within: float
) -> UnconfirmedError:
    title = title_of(signal)
    if isinstance(error, (FullError, RefusedError)):
        msg = f"{title} was not stored: {error}"
        return UnconfirmedError(msg, envelope_id, certain=True)
    if isinstance(error, RelayError):
        msg = f"{title} did not reach the broker: {error}"
        return UnconfirmedError(msg, envelope_id, certain=True)
    if asked.gate.take_back(envelope_id):
        msg = f"{title} was not handed to the broker within {within:g} s, and will not be."
        return UnconfirmedError(msg, envelope_id, certain=True)
    msg = (
        f"The broker did not say within {within:g} s that it has {title}. It may have it, or get "
        f"it later: its id is {envelope_id}."
    )
    return UnconfirmedError(msg, envelope_id, certain=False)
