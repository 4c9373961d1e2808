"""Connects again what had ended, on its own terms and where it stood in the order."""

from __future__ import annotations

from heliograph.core.connections.connection import age_of, connected
from heliograph.core.connections.options import WEAK
from heliograph.core.connections.receivers import recorded
from heliograph.core.connections.registry import _sender_died, fit
from heliograph.core.lock import under_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from heliograph.core.connections.connection import Connection
    from heliograph.core.connections.receivers import Record
    from heliograph.core.connections.registry import Registry
    from heliograph.core.declared.declaration import Declaration


def revive(registry: Registry, connection: Connection, receiver: Any) -> None:
    """Let a connection be one again, of that receiver; unless its sender has died, or it is one.

    Args:
        registry: That of its signal.
        connection: One that has ended.
        receiver: Its receiver, which nothing may have held since.

    Raises:
        ReceiverError: If it does not take what its signal was declared to send meanwhile.
    """
    record, how = connection._record, connection._terms
    if not record.serves(receiver, how):
        record = recorded(receiver, record.key, how, registry.home)
    made = False
    while made is False:  # None if it has to wait.
        declaration = registry.declaration
        if declaration is not None and record.key not in registry.receivers:
            fit(record, receiver, declaration)
        made = under_lock(_revive, declaration, registry, record, connection, receiver)


def _revive(
    declaration: Declaration | None,
    registry: Registry,
    record: Record,
    connection: Connection,
    receiver: Any,
) -> bool:
    if declaration is not registry.declaration and record.key not in registry.receivers:
        return False  # It was held against another one, or against none.
    record = registry.receivers.get(record.key, record)
    key, how = connection._key, connection._terms
    if connection() is None or registry.holds(connection) or registry._lasting(record, key):
        return True
    registry.receivers[record.key] = record
    if record is not connection._record:
        sender = connection.sender
        connection = connected(record, key, age_of(connection), how, sender, _sender_died)
    registry._link(connection, record, key, None)
    if not how[WEAK]:
        record.hold(receiver)
    return True
