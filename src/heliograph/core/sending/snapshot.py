"""What a send to one sender works on: the immutable list of whom to call."""

from __future__ import annotations

from heliograph.core.connections.connection import age_of
from heliograph.core.connections.dead import SENT
from heliograph.core.connections.group import in_order
from heliograph.core.connections.options import INLINE, SCOPE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from heliograph.core.connections.connection import Connection
    from heliograph.core.connections.receivers import Record


class Plan:
    """The receivers to call for one sender, in order: immutable, good until a stamp differs."""

    __slots__ = (
        "any_stamp",
        "careful",
        "connections",
        "newest",
        "one",
        "own_stamp",
        "plain",
        "refs",
        "scoped",
        "shared",
        "turns",
    )

    def __init__(
        self,
        found: list[Connection],
        any_stamp: int,
        own_stamp: int,
        *,
        shared: bool = False,
    ) -> None:
        found.sort(key=in_order)
        for connection in found:
            connection._record.fate = SENT
        self.scoped: bool = any(connection._terms[SCOPE] is not None for connection in found)
        # If some are temporary, which one of a receiver's counts depends on who sends.
        self.connections: tuple[Connection, ...] = tuple(found if self.scoped else one_each(found))
        self.refs: tuple[Callable[[], Any], ...] = tuple(
            connection._record.resolver() for connection in self.connections
        )
        self.one: Callable[[], Any] | None = self.refs[0] if len(self.refs) == 1 else None
        # Whether its connections are not all called, or not with the whole payload.
        self.careful: bool = self.scoped or any(c._record.left_out for c in self.connections)
        self.plain: bool = not self.careful and not any(
            c._record.is_async for c in self.connections
        )
        # What is async, or connected inline, is called in place whatever the caller wraps.
        self.turns: tuple[tuple[Callable[[], Any], bool], ...] = tuple(
            (ref, connection._record.is_async or connection._terms[INLINE])
            for ref, connection in zip(self.refs, self.connections, strict=True)
        )
        self.newest: int = max(map(age_of, found), default=0)
        # Whether it is used for other senders too, each with a connection of its own.
        self.shared: bool = shared
        self.any_stamp: int = any_stamp
        self.own_stamp: int = own_stamp


def one_each(connections: Iterable[Connection]) -> list[Connection]:
    """Return the first connection of each receiver."""
    first: dict[Record, Connection] = {}
    for connection in connections:
        first.setdefault(connection._record, connection)
    return list(first.values())
