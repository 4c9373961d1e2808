"""What a send to one sender works on: the immutable list of whom to call."""

from __future__ import annotations

from heliograph.core.connections.connection import order_of
from heliograph.core.connections.dead import SENT
from heliograph.core.connections.group import in_order
from heliograph.core.connections.options import INLINE, SCOPE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from heliograph.core.connections.connection import Connection
    from heliograph.core.connections.receivers import ReceiverRef


class Snapshot:
    """The receivers to call for one sender, in order: immutable, good until a version differs."""

    __slots__ = (
        "any_version",
        "calls",
        "connections",
        "newest",
        "only_ref",
        "own_version",
        "receiver_refs",
        "scoped",
        "shared",
        "slow_in_send",
        "slow_in_send_async",
    )

    def __init__(
        self,
        found: list[Connection],
        any_version: int,
        own_version: int,
        *,
        shared: bool = False,
    ) -> None:
        found.sort(key=in_order)
        for connection in found:
            connection._receiver_ref.fate = SENT
        self.scoped: bool = any(connection._terms[SCOPE] is not None for connection in found)
        # Which of a receiver's temporary connections counts depends on the context that sends.
        self.connections: tuple[Connection, ...] = tuple(found if self.scoped else one_each(found))
        self.receiver_refs: tuple[Callable[[], Any], ...] = tuple(
            connection._receiver_ref.resolver() for connection in self.connections
        )
        alone = len(self.receiver_refs) == 1
        self.only_ref: Callable[[], Any] | None = self.receiver_refs[0] if alone else None
        # Sends take the slow path where not all are called, or not with the whole payload, and
        # `send` where some have to be awaited, too.
        self.slow_in_send_async: bool = self.scoped or any(
            connection._receiver_ref.omitted for connection in self.connections
        )
        self.slow_in_send: bool = self.slow_in_send_async or any(
            connection._receiver_ref.is_async for connection in self.connections
        )
        # With whether it is called in place whatever the caller wraps: async or inline.
        self.calls: tuple[tuple[Callable[[], Any], bool], ...] = tuple(
            (ref, connection._receiver_ref.is_async or connection._terms[INLINE])
            for ref, connection in zip(self.receiver_refs, self.connections, strict=True)
        )
        self.newest: int = max(map(order_of, found), default=0)
        # Whether other senders use it too, each with a connection of its own.
        self.shared: bool = shared
        self.any_version: int = any_version
        self.own_version: int = own_version


def one_each(connections: Iterable[Connection]) -> list[Connection]:
    """Return the first connection of each receiver."""
    first: dict[ReceiverRef, Connection] = {}
    for connection in connections:
        first.setdefault(connection._receiver_ref, connection)
    return list(first.values())
