"""Snapshot: the immutable list of the receivers to call for one sender."""

from __future__ import annotations

from heliograph.core.connections.connection import order_of
from heliograph.core.connections.dead import SENT
from heliograph.core.connections.group import in_order
from heliograph.core.connections.options import HOW, SCOPE
from heliograph.core.connections.scopes import is_local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from heliograph.core.connections.connection import Connection
    from heliograph.core.connections.receivers import ReceiverRef
    from heliograph.core.connections.scopes import Scope


_NO_SCOPES: frozenset[Scope] = frozenset()


def _sparing(refs: list[ReceiverRef]) -> tuple[tuple[Callable[[], Any], frozenset[str]], ...]:
    """Return each receiver with what it is spared; nothing if all get the whole payload."""
    if not any(it.omitted for it in refs):
        return ()
    return tuple((it.resolver(), it.omitted) for it in refs)


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
        "last_failed",
        "muted",
        "newest",
        "only_ref",
        "outside",
        "own_version",
        "postpones",
        "receiver_refs",
        "scopes",
        "shared",
        "slow_in_send",
        "slow_in_send_async",
        "sparing",
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
        if len(found) == 1 and not is_local(found[0]._options[SCOPE]):
            self._of_one(found[0], any_version, own_version, shared, newest)
            return
        found.sort(key=in_order)
        for connection in found:
            connection._receiver_ref.fate = SENT
        # The blocks of those connections that do not count in every context, unless it is known
        # that they all do.
        blocks = () if counted else {connection._options[SCOPE] for connection in found}
        self.scopes: frozenset[Scope] = frozenset(filter(is_local, blocks))
        # With local connections, the context decides which connection of a receiver counts.
        self.connections: tuple[Connection, ...] = tuple(found if self.scopes else one_each(found))
        # The parts for contexts outside all these blocks, and inside some of them; made when first
        # needed.
        self.outside: Snapshot | None = None
        self.inside: dict[tuple[Scope, ...], Snapshot] = {}
        # No send works on one with local connections.
        called = () if self.scopes else self.connections
        refs = [connection._receiver_ref for connection in called]
        self.receiver_refs: tuple[Callable[[], Any], ...] = tuple(it.resolver() for it in refs)
        # Whether the deliveries to some of them wait for a time.
        self.postpones: bool = any(it._options[HOW].when is not None for it in called)
        self.sparing: tuple[tuple[Callable[[], Any], frozenset[str]], ...] = _sparing(refs)
        # Sends take the slow path if not all receivers are called, `send` also if some have to be
        # awaited, and `send_async` if some are spared arguments.
        self.slow_in_send_async: bool = self.postpones or bool(self.sparing)
        self.slow_in_send: bool = self.postpones or any(it.is_async for it in refs)
        alone = len(self.receiver_refs) == 1 and not self.sparing
        self.only_ref: Callable[[], Any] | None = self.receiver_refs[0] if alone else None
        # With each, whether it is async, and whether it is called in place in spite of a wrapper:
        # it is async or inline. Empty until a send needs that.
        self.calls: tuple[tuple[Callable[[], Any], bool, bool], ...] = ()
        self.newest: int = newest or max(map(order_of, found), default=0)
        # Whether no receiver is called, as the signal is muted in the sending context.
        self.muted: bool = muted
        # What the note of an error of the last receiver says, with the name of the signal.
        self.last_failed: tuple[str | None, str] | None = None
        # Whether other senders use it too, each with its own connection.
        self.shared: bool = shared
        self.any_version: int = any_version
        self.own_version: int = own_version

    def made_calls(self) -> tuple[tuple[Callable[[], Any], bool, bool], ...]:
        """Return `calls`, made now."""
        self.calls = tuple(
            (ref, it._receiver_ref.is_async, it._receiver_ref.is_async or it._options[HOW].inline)
            for ref, it in zip(self.receiver_refs, self.connections, strict=True)
        )
        return self.calls

    def _of_one(
        self, connection: Connection, any_version: int, own_version: int, shared: bool, newest: int
    ) -> None:
        """Be the snapshot of a single connection: who waits for a send makes one each time."""
        ref, how = connection._receiver_ref, connection._options[HOW]
        ref.fate = SENT
        only = ref.resolver()
        self.scopes = _NO_SCOPES
        self.connections = (connection,)
        self.outside = None
        self.inside = {}
        self.receiver_refs = (only,)
        self.sparing = sparing = _sparing([ref]) if ref.omitted else ()
        self.only_ref = None if sparing else only
        self.postpones = postpones = how.when is not None
        self.slow_in_send_async = postpones or bool(sparing)
        self.slow_in_send = postpones or ref.is_async
        self.calls = ()
        self.last_failed = None
        self.newest = newest or order_of(connection)
        self.muted = False
        self.shared = shared
        self.any_version = any_version
        self.own_version = own_version

    def within(self, blocks: tuple[Scope, ...]) -> Snapshot:
        """Return the part for a context that is inside just these of its `scopes`."""
        if not self.scopes:
            return self
        found = self.inside.get(blocks) if blocks else self.outside
        if found is None:
            left_out = self.scopes.difference(blocks)
            here = [it for it in self.connections if it._options[SCOPE] not in left_out]
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
