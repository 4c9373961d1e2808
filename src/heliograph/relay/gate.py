"""Gate: stands at a signal, and lets what is sent there cross."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from time import time
from typing import TYPE_CHECKING, Any

from heliograph import ArgumentError
from heliograph.describe import title_of
from heliograph.lifecycle.request import new_id
from heliograph.postponing import load_timing
from heliograph.relay.current import current
from heliograph.relay.envelopes import VERSION, Envelope, write
from heliograph.relay.outgoing import Item
from heliograph.relay.tracing import trace_of_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from heliograph.postponing import Postponed
    from heliograph.relay.channels import Mode
    from heliograph.relay.crossing import Crossing
    from heliograph.relay.limits import Limits
    from heliograph.relay.outbox import Outbox
    from heliograph.relay.senders import SenderNames
    from heliograph.relay.tally import Tally
    from heliograph.relay.transports import Receipt

_LOG = logging.getLogger("heliograph")

RELAYED = "relayed"
"""The time at which receivers are called that are not called by a send: ``when="relayed"``."""

ASKED: ContextVar[Asked | None] = ContextVar("heliograph_confirm", default=None)
"""Who wants to know what the broker says of the next send."""


class Asked:
    """What a send that is to be confirmed learns of its envelope.

    Attributes:
        gate: Whose send it is: receivers of it may send other signals.
        answer: What the broker says.
        envelope_id: The id of the envelope; None if there is none.
    """

    def __init__(self, gate: Gate, answer: Future[Receipt]) -> None:
        self.gate: Gate = gate
        self.answer: Future[Receipt] = answer
        self.envelope_id: str | None = None


class Gate:
    """Lets what is sent at a signal cross, before any receiver is called.

    It is connected for a time of its own, and not as one that `send` calls: the list that `send`
    returns does not have it, and what cannot cross is refused before anybody is called.

    Args:
        crossing: The signal.
        origin: Returns what this process is called.
        names: The names of senders.
        limits: How far something may travel.
        tally: Where it is counted.
        outbox: Where it waits until the transaction around the send is committed.
        after_commit: Whether it crosses only then, without an outbox.
    """

    def __init__(
        self,
        crossing: Crossing,
        origin: Callable[[], str],
        names: SenderNames,
        limits: Limits,
        tally: Tally,
        outbox: Outbox | None,
        *,
        after_commit: bool,
    ) -> None:
        self._crossing, self._origin = crossing, origin
        self._names, self._limits, self._tally = names, limits, tally
        self._outbox, self._after_commit = outbox, after_commit
        # What lists and messages call it: its class would tell a reader nothing.
        self.__module__, self.__qualname__ = "heliograph", f"relay of {crossing.channel.app!r}"

    @property
    def mode(self) -> Mode:
        """How it crosses."""
        return self._crossing.channel.mode

    def take_back(self, envelope_id: str) -> bool:
        """Take back what was not handed to the broker yet; tell whether it was there."""
        return self._crossing.outgoing.take_back(envelope_id)

    def take(self, postponed: Postponed) -> None:
        """Take what is sent, before any receiver is called.

        Raises:
            ArgumentError: If it cannot cross.
            FullError: If too much waits for the broker already.
            NoTransactionError: If it is to cross with a commit, and no transaction is open.
        """
        delivered = current()
        if delivered is not None and delivered.group is None and not delivered.forward:
            # Each process gets what led to this, and sends it: one of them alone would be enough.
            self._tally.count("local", self._crossing.channel.signal)
            return
        hops = 0 if delivered is None else delivered.hops + 1
        if hops > self._limits.hops:
            self._refuse_loop(hops)
            return
        envelope = self._envelope(postponed, hops)
        self._cross(postponed, envelope)
        postponed.travels_in(envelope.id)

    def _envelope(self, postponed: Postponed, hops: int) -> Envelope:
        crossing = self._crossing
        traceparent, tracestate = trace_of_now()
        return Envelope(
            v=VERSION,
            id=new_id(),
            signal=crossing.channel.signal,
            origin=self._origin(),
            sender=self._names.name_of(crossing.signal, postponed.sender),
            time=time(),
            hops=hops,
            traceparent=traceparent,
            tracestate=tracestate,
            payload=crossing.payload.write(postponed.payload),
        )

    def _cross(self, postponed: Postponed, envelope: Envelope) -> None:
        asked = ASKED.get()
        if asked is not None and asked.gate is self and asked.envelope_id is None:
            asked.envelope_id = envelope.id
            self._crossing.outgoing.add(Item(envelope, asked.answer))
        elif self._outbox is not None:
            self._put_into(self._outbox, postponed, envelope)
        elif self._after_commit:
            self._wait_for_commit(postponed, envelope)
        else:
            self._crossing.outgoing.add(Item(envelope))

    def _put_into(self, outbox: Outbox, postponed: Postponed, envelope: Envelope) -> None:
        from heliograph.transactions import postpone

        title = title_of(self._crossing.signal)
        outbox.add(self._crossing.channel, envelope.id, write(envelope), title)
        self._tally.count("sent", self._crossing.channel.signal)
        postpone(_calling(postponed, outbox.wake))

    def _wait_for_commit(self, postponed: Postponed, envelope: Envelope) -> None:
        from heliograph.transactions import postpone

        def cross() -> None:
            self._crossing.outgoing.add(Item(envelope))

        if not postpone(_calling(postponed, cross)):
            cross()

    def _refuse_loop(self, hops: int) -> None:
        signal = self._crossing.channel.signal
        self._tally.count("sent", signal)
        if self._tally.drop("hops", signal) == 1:
            _LOG.error(
                "%s was sent because of an envelope that %d processes had passed on, and %d may: "
                "it does not cross. Receivers seem to send what leads to themselves.",
                title_of(self._crossing.signal),
                hops - 1,
                self._limits.hops,
            )

    def __call__(self, _: Any, /, **__: Any) -> None:
        """Refuse to be called: nothing calls what is connected for another time."""
        msg = f"{title_of(self._crossing.signal)} crosses when it is sent."
        raise ArgumentError(msg)


class _Calling:
    """A delivery that calls a function instead of a receiver, once its time has come."""

    is_async = False

    def __init__(self, postponed: Postponed, call: Callable[[], object]) -> None:
        self._call = call
        self.signal: Any = postponed.signal
        self.sender: Any = postponed.sender
        self.payload: Any = postponed.payload
        self.connection: Any = postponed.connection

    def deliver(self) -> None:
        self._call()

    async def deliver_async(self) -> None:
        self._call()


def _calling(postponed: Postponed, call: Callable[[], object]) -> Any:
    return _Calling(postponed, call)


def _take(postponed: Postponed) -> bool:
    """Let a gate take what is sent; the receivers of groups wait for what arrives."""
    receiver = postponed.connection.receiver
    if isinstance(receiver, Gate):
        receiver.take(postponed)
    return True


load_timing(RELAYED, lambda: _take)
