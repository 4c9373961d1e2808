"""Hearing: what arrives for receivers of every process, one by one and in order, in a thread."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from heliograph.describe import short_repr, title_of
from heliograph.relay.calling import Call, delivered
from heliograph.relay.envelopes import read
from heliograph.relay.errors import EnvelopeError
from heliograph.relay.sequences import Sequences
from heliograph.relay.signals import resynced
from heliograph.relay.transports import Gap

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from heliograph.relay.calling import AsyncReceivers
    from heliograph.relay.crossing import Crossing
    from heliograph.relay.envelopes import Envelope
    from heliograph.relay.limits import Limits
    from heliograph.relay.senders import SenderNames
    from heliograph.relay.tally import Tally
    from heliograph.relay.transports import Arrived

_LOG = logging.getLogger("heliograph")

_PENDING = 1000
"""How many arrivals may wait for the thread before the broker has to wait."""

_IDLE = 10.0
"""Seconds after which a thread without work ends."""


class Hearing:
    """Calls the receivers of every process, and tells them what may have been missed.

    The loop of the broker only hands over: a slow receiver holds up its own channel alone.

    Args:
        crossing: The signal.
        relay: The relay, the sender of `resynced`.
        origin: Returns what this process is called.
        names: The names of senders.
        limits: What is refused.
        tally: Where it is counted.
        async_receivers: Where async receivers run.
    """

    def __init__(
        self,
        crossing: Crossing,
        relay: Any,
        origin: Callable[[], str],
        names: SenderNames,
        limits: Limits,
        tally: Tally,
        async_receivers: AsyncReceivers,
    ) -> None:
        self._crossing, self._relay, self._origin = crossing, relay, origin
        self._names, self._limits, self._tally = names, limits, tally
        self._async_receivers = async_receivers
        self._sequences = Sequences()
        self._pending: list[Arrived | Gap] = []
        self._changed = threading.Condition()
        self._room = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._ending = False
        self._is_full = False
        self._thread: threading.Thread | None = None

    async def hear(self, arrived: Arrived) -> None:
        """Take what has arrived."""
        await self._put(arrived)

    async def miss(self, gap: Gap) -> None:
        """Take that something may have been missed."""
        await self._put(gap)

    async def _put(self, it: Arrived | Gap) -> None:
        with self._changed:
            self._pending.append(it)
            if self._thread is None:
                self._thread = self._begin()
            self._changed.notify()
        while len(self._pending) > _PENDING:
            self._room.clear()
            self._is_full = True
            await self._room.wait()

    def _begin(self) -> threading.Thread:
        name = f"heliograph-relay-{self._crossing.channel.signal}"
        thread = threading.Thread(target=self._run, name=name, daemon=True)
        thread.start()
        return thread

    def end(self, within: float) -> bool:
        """Finish what has arrived, and end the thread; tell whether it ended *within* seconds.

        What arrives later begins another one.
        """
        with self._changed:
            thread, self._ending = self._thread, True
            self._changed.notify()
        if thread is not None and thread is not threading.current_thread():
            thread.join(within)
        self._ending = False
        return thread is None or not thread.is_alive()

    def _run(self) -> None:
        while batch := self._next():
            for it in batch:
                try:
                    self._take(it)
                except Exception:  # noqa: BLE001 - what follows has to be heard all the same.
                    self._tally.drop("failed here", self._crossing.channel.signal)
                    _LOG.exception("%s cannot be received.", title_of(self._crossing.signal))

    def _next(self) -> list[Arrived | Gap]:
        """Wait for what arrives; return nothing once the thread may end, as nothing does."""
        with self._changed:
            while not self._pending:
                if self._ending or not self._changed.wait(_IDLE):
                    self._thread = None
                    return []
            batch, self._pending = self._pending, []
        if self._is_full:
            self._is_full = False
            with suppress(RuntimeError):  # The relay was stopped, and has not waited for this.
                self._loop.call_soon_threadsafe(self._room.set)
        return batch

    def _take(self, it: Arrived | Gap) -> None:
        if isinstance(it, Gap):
            # Broadcast envelopes have numbers: those that are missing are counted by these.
            counted = self._crossing.channel.mode != "broadcast"
            self._tell_gap(it.reason, it.lost, counted=counted)
            return
        try:
            envelope = read(it.data, self._limits)
            self._receive(envelope)
        except EnvelopeError as error:
            refuse(self._tally, self._crossing, error)
        if it.position:
            self._crossing.position = it.position

    def _receive(self, envelope: Envelope) -> None:
        crossing = self._crossing
        check_signal(crossing, envelope)
        if envelope.origin == self._origin():
            if not envelope.notice:
                self._tally.count("own", crossing.channel.signal)
            return
        if envelope.seq is not None:
            missing = self._sequences.missing(
                envelope.origin, envelope.seq, dropped=envelope.dropped, notice=envelope.notice
            )
            if missing:
                # A stranger may have written the origin, and reasons are logged.
                origin = short_repr(envelope.origin)
                self._tell_gap(f"{origin} has sent what did not arrive", missing)
        if not envelope.notice:
            self._call_all(envelope, crossing.payload.read(envelope.payload))

    def _call_all(self, envelope: Envelope, payload: dict[str, Any]) -> None:
        crossing = self._crossing
        sender = self._names.named(envelope.sender)
        self._tally.count("received", crossing.channel.signal)
        called: list[Any] = []
        for it in crossing.each:
            receiver = it.connection.receiver
            # One that is connected for this sender and for any is called once, as by a send.
            if it.connection.hears(sender) and receiver not in called:
                called.append(receiver)
                known = delivered(envelope, forward=it.forward)
                self._call(
                    Call(it.connection, crossing.signal, sender, envelope, {**payload}, known)
                )

    def _call(self, call: Call) -> None:
        try:
            if call.is_async:
                loop = self._async_receivers.loop()
                asyncio.run_coroutine_threadsafe(call.awaited(), loop).result()
            else:
                call.now()
        except Exception:  # noqa: BLE001 - its neighbours are called all the same.
            self._tally.count("failed", self._crossing.channel.signal)
            _LOG.exception(
                "A receiver of %s failed, when it arrived from another process. The others are "
                "called all the same.",
                title_of(self._crossing.signal),
            )

    def _tell_gap(self, reason: str, lost: int | None, *, counted: bool = True) -> None:
        channel = self._crossing.channel.signal
        self._tally.count("gaps", channel)
        self._tally.count("lost", channel, lost or 0 if counted else 0)
        try:
            resynced.send(self._relay, signal=self._crossing.signal, reason=reason, lost=lost)
        except Exception:  # noqa: BLE001 - what comes after the gap has to be heard all the same.
            self._tally.count("failed", channel)
            _LOG.exception("A receiver of %s failed.", title_of(resynced))


def check_signal(crossing: Crossing, envelope: Envelope) -> None:
    """Refuse an envelope of another signal.

    Raises:
        EnvelopeError: If it is one.
    """
    if envelope.signal != crossing.channel.signal:
        msg = f"It is of another signal than {crossing.channel}."
        raise EnvelopeError(msg, "unknown signal")


def refuse(tally: Tally, crossing: Crossing, error: EnvelopeError) -> None:
    """Count what nobody can receive, and log the first of its kind."""
    if tally.drop(error.reason, crossing.channel.signal) == 1:
        _LOG.error(
            "What arrived for %s is dropped, and so are others like it, which are counted as %r: "
            "%s",
            crossing.channel,
            error.reason,
            error,
        )
