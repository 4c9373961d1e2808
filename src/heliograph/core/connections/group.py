"""The connections of one sender that has several."""

from __future__ import annotations

from operator import attrgetter

from heliograph.core.connections.connection import Connection
from heliograph.core.connections.options import SCOPE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from heliograph.core.connections.receivers import ReceiverRef
    from heliograph.core.sending.snapshot import Snapshot

in_order: attrgetter[Any] = attrgetter("_sort_key")


class Group:
    """The connections for one sender that has several, or those for `ANY`."""

    __slots__ = ("_snapshot", "_version", "connections")

    def __init__(self, *connections: Connection) -> None:
        # By the reference to the receiver, which has at most one lasting connection for a sender;
        # temporary connections by themselves.
        self.connections: dict[ReceiverRef | Connection, Connection] = {}
        self._snapshot: Snapshot | None = None
        self._version: int = 0
        for connection in connections:
            self.add(connection)

    def add(self, connection: Connection) -> None:
        """Add a connection."""
        lasting = connection._options[SCOPE] is None
        self.connections[connection._receiver_ref if lasting else connection] = connection
        # The version changes last, so that a snapshot that is being made now is out of date. The
        # snapshot goes because it may hold the last reference to a connection that has ended.
        self._version += 1
        self._snapshot = None


def listed(group: Group | Connection) -> list[Connection]:
    """Return the connections of a group, copied in one step that no other thread can disturb."""
    return [group] if isinstance(group, Connection) else list(group.connections.values())
