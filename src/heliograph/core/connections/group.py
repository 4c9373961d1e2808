"""The connections of one sender, once there are several."""

from __future__ import annotations

from operator import attrgetter

from heliograph.core.connections.connection import Connection
from heliograph.core.connections.tables import shrunk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from heliograph.core.connections.receivers import ReceiverRef
    from heliograph.core.sending.snapshot import Snapshot

in_order: attrgetter[Any] = attrgetter("_sort_key")


class Group:
    """The connections for one sender once there are several, and those for `ANY`."""

    __slots__ = ("_snapshot", "_version", "connections")

    def __init__(self, *connections: Connection) -> None:
        # A receiver has at most one lasting connection for a sender, kept under its reference;
        # temporary ones are kept under themselves.
        self.connections: dict[ReceiverRef | Connection, Connection] = {}
        self._snapshot: Snapshot | None = None
        self._version: int = 0
        for connection in connections:
            self.add(connection)

    def add(self, connection: Connection) -> None:
        """Take in a connection."""
        lasting = connection._options.scope is None
        self.connections[connection._receiver_ref if lasting else connection] = connection
        # The version comes after the change and makes snapshots old that are being made of it;
        # the snapshot goes because it may be the last to refer to what has ended.
        self._version += 1
        self._snapshot = None

    def remove(self, connection: Connection) -> bool:
        """Leave out a connection; tells whether it was in."""
        lasting = connection._options.scope is None
        place = connection._receiver_ref if lasting else connection
        if self.connections.get(place) is not connection:
            return False
        del self.connections[place]
        self.connections = shrunk(self.connections) if self.connections else {}
        self._version += 1
        self._snapshot = None
        return True


def listed(group: Group | Connection) -> list[Connection]:
    """Return the connections of a group, copied in one step that no change can disturb."""
    return [group] if isinstance(group, Connection) else list(group.connections.values())
