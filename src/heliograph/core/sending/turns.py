"""The turns of a send: its receivers in order, without those that have gone since it began."""

from __future__ import annotations

from heliograph.core.callables import is_async
from heliograph.core.claims import followed
from heliograph.core.describe import name_of, title_of
from heliograph.core.errors import AsyncReceiverError
from heliograph.core.identity import canonical, receiver_key
from heliograph.core.mistakes import misspelt_wrappers
from heliograph.core.sending.lookup import counted, still_connected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence
    from typing import Any

    from heliograph.core.connections.connection import Connection
    from heliograph.core.connections.registry import Registry
    from heliograph.core.sending.snapshot import Snapshot

    Receiver = Callable[..., Any]
    # A connection whose receiver is looked up in its turn; or a receiver that an overridden
    # `receivers_for` returned, with its connection, if any.
    Step = tuple[Connection | None, Receiver | None]
    Turn = tuple[Connection | None, Receiver]


class Turns:
    """The receivers of one send, each looked up when its turn comes.

    Args:
        registry: The registry of the signal; it knows what is still connected.
        sender: The sender.
        steps: The receivers that were found when the send began.
        version: The version of the registry when they were found.
        newest: `Snapshot.newest`: the order of the newest connection among them.
    """

    __slots__ = ("newest", "registry", "sender", "steps", "version")

    def __init__(
        self, registry: Registry, sender: Any, steps: Sequence[Step], version: int, newest: int
    ) -> None:
        self.registry: Registry = registry
        self.sender: Any = sender
        self.steps: Sequence[Step] = steps
        self.version: int = version
        self.newest: int = newest

    def __iter__(self) -> Iterator[Turn]:
        """Yield the receivers that can still be called, with their connections."""
        registry, version = self.registry, self.version
        still = None
        for connection, receiver in self.steps:
            found = receiver
            if connection is not None:
                if registry.version != version:
                    version = registry.version
                    still = still_connected(registry, self.sender, self.newest)
                if still is not None and connection._receiver_ref not in still:
                    continue
                if found is None:
                    found = connection.receiver
            if found is not None:
                yield connection, found

    def refuse_async(self, signal: Any, payload: dict[str, Any]) -> None:
        """Make sure that every receiver can be called without awaiting.

        Raises:
            AsyncReceiverError: If one cannot.
        """
        for connection, receiver in self:
            if needs_await(connection, receiver):
                msg = (
                    f"{title_of(signal)} has an async receiver, {name_of(receiver)}. "
                    "Send it with `await signal.send_async(...)`, give `send` an "
                    "_async_wrapper, or connect a plain function. No receiver was called."
                )
                raise AsyncReceiverError(" ".join([msg, *misspelt_wrappers(payload)]))


def needs_await(connection: Connection | None, receiver: Receiver) -> bool:
    """Tell whether a receiver is async; its connection knows, if it has one."""
    return is_async(receiver) if connection is None else connection.is_async


def payload_for(connection: Connection | None, payload: dict[str, Any]) -> dict[str, Any]:
    """Return the payload for a receiver, without declared arguments that it does not take."""
    omitted = connection is not None and connection._receiver_ref.omitted
    return _without(omitted, payload) if omitted else payload


# A function of its own, as Python 3.11 makes a cell for what a comprehension reads: that takes
# time in each call, and where there is no memory for it, the arguments of the call never die.
def _without(omitted: frozenset[str], payload: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in payload.items() if name not in omitted}


def connected_steps(registry: Registry, snapshot: Snapshot) -> list[Step]:
    """Return the steps of a send to the connected receivers."""
    return [(connection, None) for connection in counted(registry, snapshot)]


def overriding_steps(signal: Any, sender: Any, snapshot: Snapshot) -> list[Step]:
    """Return the steps of a send to the receivers that an overridden `receivers_for` returns."""
    known = {it._receiver_ref.key: it for it in counted(signal._registry, snapshot)}
    return [(_known(receiver, known), receiver) for receiver in signal.receivers_for(sender)]


def _known(receiver: Any, connections: dict[Hashable, Connection]) -> Connection | None:
    """Return the connection of a receiver, or of the receiver that it wraps."""
    # Tracing libraries wrap receivers, and set `__wrapped__` as functools.wraps does.
    for it in followed(receiver, "__wrapped__"):
        found = connections.get(receiver_key(canonical(it)))
        if found is not None:
            return found
    return None
