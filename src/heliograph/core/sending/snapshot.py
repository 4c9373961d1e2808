"""Snapshot: the immutable list of the receivers to call for one sender."""

from __future__ import annotations

from heliograph.core.connections.connection import order_of
from heliograph.core.connections.dead import SENT
from heliograph.core.connections.group import in_order
from heliograph.core.connections.scopes import is_local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from heliograph.core.connections.connection import Connection
    from heliograph.core.connections.receivers import ReceiverRef
    from heliograph.core.connections.scopes import Scope


class Snapshot:
    """The receivers to call for one sender, in order: immutable, valid until a version changes.

    If some of its connections are local, a send uses a part of it, with the connections that
    count in its context: `outside`, or one of `inside`.
    """

    __slots__ = (
        "any_version",
        "calls",
        "connections",
        "inside",
        "muted",
        "newest",
        "only_ref",
        "outside",
        "own_version",
        "receiver_refs",
        "scopes",
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
        counted: bool = False,
        newest: int = 0,
        muted: bool = False,
    ) -> None:
        found.sort(key=in_order)
        for connection in found:
            connection._receiver_ref.fate = SENT
        # The blocks of those connections that do not count in every context, unless it is known
        # that they all do.
        blocks = () if counted else {connection._options.scope for connection in found}
        self.scopes: frozenset[Scope] = frozenset(filter(is_local, blocks))
        # With local connections, the context decides which connection of a receiver counts.
        self.connections: tuple[Connection, ...] = tuple(found if self.scopes else one_each(found))
        # The parts for contexts outside all these blocks, and inside some of them; made when first
        # needed.
        self.outside: Snapshot | None = None
        self.inside: dict[tuple[Scope, ...], Snapshot] = {}
        # No send works on one with local connections.
        called = () if self.scopes else self.connections
        self.receiver_refs: tuple[Callable[[], Any], ...] = tuple(
            connection._receiver_ref.resolver() for connection in called
        )
        alone = len(self.receiver_refs) == 1
        self.only_ref: Callable[[], Any] | None = self.receiver_refs[0] if alone else None
        # Sends take the slow path if not all receivers are called, or not with the whole payload;
        # `send` also if some have to be awaited.
        self.slow_in_send_async: bool = any(
            connection._receiver_ref.omitted for connection in called
        )
        self.slow_in_send: bool = self.slow_in_send_async or any(
            connection._receiver_ref.is_async for connection in called
        )
        # With each, whether it is called in place in spite of a wrapper: it is async or inline.
        self.calls: tuple[tuple[Callable[[], Any], bool], ...] = tuple(
            (ref, connection._receiver_ref.is_async or connection._options.inline)
            for ref, connection in zip(self.receiver_refs, called, strict=True)
        )
        self.newest: int = newest or max(map(order_of, found), default=0)
        # Whether no receiver is called, as the signal is muted in the sending context.
        self.muted: bool = muted
        # Whether other senders use it too, each with its own connection.
        self.shared: bool = shared
        self.any_version: int = any_version
        self.own_version: int = own_version

    def within(self, blocks: tuple[Scope, ...]) -> Snapshot:
        """Return the part for a context that is inside just these of its `scopes`."""
        if not self.scopes:
            return self
        found = self.inside.get(blocks) if blocks else self.outside
        if found is None:
            left_out = self.scopes.difference(blocks)
            here = [it for it in self.connections if it._options.scope not in left_out]
            found = Snapshot(
                here, self.any_version, self.own_version, counted=True, newest=self.newest
            )
            if blocks:
                self.inside[blocks] = found
            else:
                self.outside = found
        return found


def one_each(connections: Iterable[Connection]) -> list[Connection]:
    """Return the first connection of each receiver."""
    first: dict[ReceiverRef, Connection] = {}
    for connection in connections:
        first.setdefault(connection._receiver_ref, connection)
    return list(first.values())
