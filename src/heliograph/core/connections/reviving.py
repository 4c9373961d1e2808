"""Brings back connections that have ended, with their options and their place in the order."""

from __future__ import annotations

from heliograph.core.connections.connection import make_connection
from heliograph.core.connections.receivers import make_receiver_ref
from heliograph.core.connections.registry import sender_died
from heliograph.core.lock import under_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from heliograph.core.connections.connection import Connection
    from heliograph.core.connections.receivers import ReceiverRef
    from heliograph.core.connections.registry import Registry
    from heliograph.core.declared.declaration import Declaration


def revive(registry: Registry, connection: Connection, receiver: Any) -> None:
    """Bring back a connection, unless its sender has died or another one has replaced it.

    Args:
        registry: That of its signal.
        connection: A connection that has ended.
        receiver: Its receiver, which the connection may not have kept alive.

    Raises:
        ReceiverError: If the signal was declared in the meantime, and the receiver cannot take
            the payload.
    """
    receiver_ref, options = connection._receiver_ref, connection._options
    here = receiver_ref.registry_ref is registry.self_ref  # It may have got other tables.
    if not (here and receiver_ref.accepts(receiver, options)):
        receiver_ref = make_receiver_ref(receiver, receiver_ref.key, options, registry)
    made = False
    while made is False:  # None if it has to wait.
        declaration = registry.declaration
        if declaration is not None and receiver_ref.key not in registry.receivers:
            declaration._fit(receiver_ref, receiver)
        made = under_lock(_revive, declaration, registry, receiver_ref, connection, receiver)


def _revive(
    declaration: Declaration | None,
    registry: Registry,
    receiver_ref: ReceiverRef,
    connection: Connection,
    receiver: Any,
) -> bool:
    if declaration is not registry.declaration and receiver_ref.key not in registry.receivers:
        return False  # It was checked against another declaration, or against none.
    receiver_ref = registry.receivers.get(receiver_ref.key, receiver_ref)
    key, options = connection._key, connection._options
    if connection() is None or registry.holds(connection) or registry.lasting(receiver_ref, key):
        return True
    if receiver_ref is not connection._receiver_ref:
        place = connection._sort_key
        connection = make_connection(receiver_ref, key, options, connection.sender, sender_died)
        connection._sort_key = place
    registry.link(connection, (receiver, registry.declaration))
    return True
