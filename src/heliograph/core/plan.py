"""What a send to one sender does: the snapshot that it works on, and where it is kept."""

from __future__ import annotations

from operator import attrgetter

from heliograph.core.connection import Connection, age_of
from heliograph.core.dying import SENT
from heliograph.core.shrinking import shrunk
from heliograph.core.terms import INLINE, SCOPE

TYPE_CHECKING = False  # What type checkers believe, without importing typing.
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from heliograph.core.record import Record

in_order: attrgetter[Any] = attrgetter("_order")


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


class Group:
    """The connections for one sender once there are several, and those for `ANY`."""

    __slots__ = ("_plan", "_stamp", "connections")

    def __init__(self, *connections: Connection) -> None:
        # A receiver has at most one lasting connection for a sender, kept under its record;
        # temporary ones are kept under themselves.
        self.connections: dict[Record | Connection, Connection] = {}
        self._plan: Plan | None = None
        self._stamp: int = 0
        for connection in connections:
            self.add(connection)

    def add(self, connection: Connection) -> None:
        """Take in a connection."""
        lasting = connection._terms[SCOPE] is None
        self.connections[connection._record if lasting else connection] = connection
        # The stamp comes after the change and makes plans old that are being made of it;
        # the plan goes because it may be the last to refer to what has ended.
        self._stamp += 1
        self._plan = None

    def remove(self, connection: Connection) -> bool:
        """Leave out a connection; tells whether it was in."""
        lasting = connection._terms[SCOPE] is None
        place = connection._record if lasting else connection
        if self.connections.get(place) is not connection:
            return False
        del self.connections[place]
        self.connections = shrunk(self.connections)
        self._stamp += 1
        self._plan = None
        return True


def listed(group: Group | Connection) -> list[Connection]:
    """Return the connections of a group, copied in one step that no change can disturb."""
    return [group] if isinstance(group, Connection) else list(group.connections.values())
