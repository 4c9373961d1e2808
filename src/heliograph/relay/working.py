"""Working: lets the receiver of a group work on what arrives, and says what becomes of it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from heliograph.describe import describe_error, title_of
from heliograph.relay.calling import Call, delivered
from heliograph.relay.envelopes import read
from heliograph.relay.errors import EnvelopeError, RelayError
from heliograph.relay.hearing import check_signal, refuse
from heliograph.relay.signals import dead_lettered
from heliograph.relay.transports import Again, Dead, Done

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future
    from typing import Any

    from heliograph.relay.calling import AsyncReceivers
    from heliograph.relay.crossing import Crossing, GroupReceiver
    from heliograph.relay.envelopes import Envelope
    from heliograph.relay.limits import Limits
    from heliograph.relay.senders import SenderNames
    from heliograph.relay.tally import Tally
    from heliograph.relay.transports import Arrived, Verdict

_LOG = logging.getLogger("heliograph")

_HANDED_BACK = 2
"""How many tries may only have handed it back, as a process that stops does with what it has not
begun: brokers count these as well."""


class Working:
    """Calls the receiver of one group.

    Args:
        crossing: The signal.
        receiver: The receiver.
        relay: The relay, the sender of `dead_lettered`.
        names: The names of senders.
        limits: What is refused.
        tally: Where it is counted.
        executor: Where plain receivers run.
        async_receivers: Where async receivers run.
    """

    def __init__(
        self,
        crossing: Crossing,
        receiver: GroupReceiver,
        relay: Any,
        names: SenderNames,
        limits: Limits,
        tally: Tally,
        executor: Executor,
        async_receivers: AsyncReceivers,
    ) -> None:
        self._crossing, self._name, self._relay = crossing, receiver.group.name, relay
        self._names, self._limits, self._tally = names, limits, tally
        self._executor, self._async_receivers = executor, async_receivers
        # Transports may fetch ahead: plain receivers wait for a thread, and async ones here.
        self._turn = asyncio.Semaphore(receiver.group.concurrency)

    @property
    def _receiver(self) -> GroupReceiver:
        """The receiver that the group has now: another one may have come for it."""
        return self._crossing.groups[self._name]

    async def work(self, arrived: Arrived) -> Verdict:
        """Call the receiver with what has arrived; say whether it is done."""
        crossing, group = self._crossing, self._receiver.group
        if arrived.tries > group.tries + _HANDED_BACK:
            # No try has ended: each one has ended its process.
            reason = f"{arrived.tries - 1} tries have ended without an answer"
            return await self._bury(arrived, reason)
        try:
            envelope = read(arrived.data, self._limits)
            check_signal(crossing, envelope)
            payload = crossing.payload.read(envelope.payload)
        except EnvelopeError as error:
            refuse(self._tally, crossing, error)
            return await self._bury(arrived, str(error))
        return await self._call(arrived, envelope, payload)

    async def _call(self, arrived: Arrived, envelope: Envelope, payload: dict[str, Any]) -> Verdict:
        crossing, group = self._crossing, self._receiver.group
        sender = self._names.named(envelope.sender)
        connection = self._receiver.connection
        known = delivered(envelope, group=group.name, tries=arrived.tries)
        try:
            if connection.hears(sender):
                await self._run(Call(connection, crossing.signal, sender, envelope, payload, known))
        except Exception as error:  # noqa: BLE001 - it is tried again, or put aside.
            self._tally.count("failed", crossing.channel.signal)
            return await self._failed(arrived, error)
        self._tally.count("received", crossing.channel.signal)
        return Done()

    async def _run(self, call: Call) -> None:
        if not self._receiver.connection.connected:
            msg = f"{self._receiver.connection.name} was disconnected: nobody works here."
            raise RelayError(msg)
        if not call.is_async:
            await asyncio.get_running_loop().run_in_executor(self._executor, call.now)
            return
        async with self._turn:
            running = asyncio.run_coroutine_threadsafe(call.awaited(), self._async_receivers.loop())
            async with asyncio.timeout(self._receiver.time_limit):
                await _ended(running)

    async def _failed(self, arrived: Arrived, error: Exception) -> Verdict:
        group = self._receiver.group
        if arrived.tries >= group.tries:
            return await self._bury(arrived, describe_error(error))
        delay = group.delay(arrived.tries)
        self._tally.count("again", self._crossing.channel.signal)
        _LOG.warning(
            "%s of the group %r failed at %s, try %d of %d; the next one comes in %.1f s.",
            self._receiver.connection.name,
            group.name,
            title_of(self._crossing.signal),
            arrived.tries,
            group.tries,
            delay,
            exc_info=error,
        )
        return Again(delay)

    async def _bury(self, arrived: Arrived, reason: str) -> Dead:
        self._tally.count("dead", self._crossing.channel.signal)
        _LOG.error(
            "The group %r cannot work on an envelope of %s, which is put aside after try %d: %s. "
            "`heliograph relay dead-letters` shows it.",
            self._receiver.group.name,
            title_of(self._crossing.signal),
            arrived.tries,
            reason,
        )
        await asyncio.get_running_loop().run_in_executor(
            self._executor, self._tell_dead, arrived, reason
        )
        return Dead(reason)

    def _tell_dead(self, arrived: Arrived, reason: str) -> None:
        try:
            found = read(arrived.data, self._limits).id
        except EnvelopeError:
            found = ""
        try:
            dead_lettered.send(
                self._relay,
                signal=self._crossing.signal,
                group=self._receiver.group.name,
                envelope_id=found,
                tries=arrived.tries,
                reason=reason,
            )
        except Exception:  # noqa: BLE001 - it is put aside all the same.
            self._tally.count("failed", self._crossing.channel.signal)
            _LOG.exception("A receiver of %s failed.", title_of(dead_lettered))


async def _ended(running: Future[None]) -> None:
    """Wait for an async receiver.

    Raises:
        RelayError: If it was cancelled by somebody else than who waits.
    """
    try:
        await asyncio.wrap_future(running)
    except asyncio.CancelledError:
        waiting = asyncio.current_task()
        if waiting is not None and waiting.cancelling():
            raise
        msg = "it was cancelled, with the loop that it ran on or by itself."
        raise RelayError(msg) from None
