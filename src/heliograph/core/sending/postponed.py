"""Postponed: a delivery that waits for its time, or has come from elsewhere."""

from __future__ import annotations

from heliograph.core.connections.connection import order_of
from heliograph.core.connections.dead import SENT
from heliograph.core.describe import name_of, title_of
from heliograph.core.errors import AsyncReceiverError
from heliograph.core.sending.arrivals import ARRIVAL, Arrival
from heliograph.core.sending.delivering import deliver, deliver_async
from heliograph.core.sending.lookup import is_plainly_connected
from heliograph.core.sending.outcome import outcome_of
from heliograph.core.sending.turns import Turns
from heliograph.core.showing import shown
from heliograph.core.timings import timing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextvars import Token
    from typing import Any

    from heliograph.core.connections.connection import Connection
    from heliograph.core.sending.turns import Step

    Results = list[tuple[Callable[..., Any], Any]]


class Postponed:
    """One delivery of something that was sent, kept until its time has come.

    It holds the sender and the payload, and the receiver as its connection does: one that is
    dead or disconnected by then is not called. What was sent in another process becomes one too.

    Args:
        signal: The signal.
        sender: The sender, as receivers get it.
        payload: The keyword arguments.
        connection: The connection of the receiver that is called.
        receiver: That receiver.
        origin: Which process has sent it, for `Emission.origin`; None if this one has.
        envelope: The id of the envelope in which it has come, for `Emission.envelopes`.
    """

    __slots__ = (
        "_connection",
        "_envelope",
        "_origin",
        "_payload",
        "_receiver",
        "_sender",
        "_signal",
    )

    def __init__(
        self,
        signal: Any,
        sender: Any,
        payload: dict[str, Any],
        connection: Connection,
        receiver: Any,
        origin: str | None = None,
        envelope: str | None = None,
    ) -> None:
        self._origin: str | None = origin
        self._envelope: str | None = envelope
        self._signal: Any = signal
        self._sender: Any = sender
        self._payload: dict[str, Any] = payload
        self._connection: Connection = connection
        self._receiver: Callable[..., Any] | None = receiver

    @property
    def signal(self) -> Any:
        """The signal that was sent."""
        return self._signal

    @property
    def sender(self) -> Any:
        """The object that sent it."""
        return self._sender

    @property
    def payload(self) -> Mapping[str, Any]:
        """The keyword arguments of the send."""
        return self._payload

    @property
    def connection(self) -> Connection:
        """The connection of the receiver that waits."""
        return self._connection

    @property
    def envelopes(self) -> tuple[str, ...]:
        """The id of the envelope in which it travels between processes, if it does."""
        return () if self._envelope is None else (self._envelope,)

    def travels_in(self, envelope: str) -> None:
        """Let the emission tell in which envelope it goes to other processes.

        Whoever takes it to them calls this, as soon as it is handed over.
        """
        self._envelope = envelope

    @property
    def is_async(self) -> bool:
        """Whether the receiver has to be awaited."""
        return self._connection.is_async

    def deliver(self) -> None:
        """Call the receiver now. Instruments see an emission with this one delivery.

        Raises:
            AsyncReceiverError: If the receiver has to be awaited. It is not called.
            Exception: The error of the receiver, unless its connection logs errors.
        """
        if self.is_async:
            msg = (
                f"{name_of(self._connection.receiver)} is async, and what {title_of(self._signal)} "
                "was postponed for ends where nothing can be awaited. Use an async session, or "
                "connect a plain function."
            )
            raise AsyncReceiverError(msg)
        turns, outcome = self._prepared()
        arrived = self._arrive()
        try:
            deliver(turns, outcome, None)
        finally:
            _leave(arrived)

    async def deliver_async(self) -> None:
        """Call the receiver now, as `deliver` does, and await it if it is async."""
        turns, outcome = self._prepared()
        arrived = self._arrive()
        try:
            await deliver_async(turns, outcome, None)
        finally:
            _leave(arrived)

    def _arrive(self) -> Token[Arrival | None] | None:
        if self._origin is None:
            return None
        return ARRIVAL.set(Arrival(self._origin, self._envelope, self._connection.receiver))

    def _prepared(self) -> tuple[Turns, Any]:
        signal, sender, connection = self._signal, self._sender, self._connection
        registry = signal._registry
        connection._receiver_ref.fate = SENT
        version = registry.version
        if not is_plainly_connected(registry, connection):
            version = -1  # No version is negative: whether it still counts is looked up.
        steps = [(connection, self._receiver)]
        turns = Turns(registry, sender, steps, version, order_of(connection))
        return turns, outcome_of(
            signal,
            sender,
            self._payload,
            muted=False,
            wrapping=None,
            origin=self._origin,
            envelopes=self.envelopes,
        )

    @shown
    def __repr__(self) -> str:
        return f"<Postponed delivery of {title_of(self._signal)} to {self._connection.name}>"


def _leave(arrived: Token[Arrival | None] | None) -> None:
    if arrived is not None:
        ARRIVAL.reset(arrived)


def postpone(
    signal: Any, sender: Any, payload: dict[str, Any], steps: list[Step]
) -> tuple[list[Step], tuple[str, ...]]:
    """Hand over the deliveries that wait for a time.

    Returns:
        Those for now, and the ids of the envelopes in which it goes to other processes.

    Raises:
        Exception: What whoever waits for that time raises. No receiver was called.
    """
    now: list[Step] = []
    envelopes: tuple[str, ...] = ()
    for step in steps:
        connection, receiver = step
        when = None if connection is None else connection.when
        if connection is not None and when is not None:
            postponed = Postponed(signal, sender, payload, connection, receiver)
            if timing(when)(postponed):
                envelopes += postponed.envelopes
                continue
        now.append(step)
    return now, envelopes
