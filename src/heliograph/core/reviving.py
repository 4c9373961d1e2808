"""Connects again what had ended, on its own terms and where it stood in the order."""

from __future__ import annotations

from heliograph.core.connection import age_of, connected
from heliograph.core.record import recorded
from heliograph.core.registry import _sender_died
from heliograph.core.terms import WEAK
from heliograph.core.writer import exclusively

TYPE_CHECKING = False  # What type checkers believe, without importing typing.
if TYPE_CHECKING:
    from typing import Any

    from heliograph.core.connection import Connection
    from heliograph.core.record import Record
    from heliograph.core.registry import Registry


def revive(registry: Registry, connection: Connection, receiver: Any) -> None:
    """Let a connection be one again, of that receiver; unless its sender has died, or it is one.

    Args:
        registry: That of its signal.
        connection: One that has ended.
        receiver: Its receiver, which nothing may have held since.
    """
    record, how = connection._record, connection._terms
    if not record.serves(receiver, how):
        record = recorded(receiver, record.key, how, registry.home)
    exclusively(_revive, registry, record, connection, receiver)


def _revive(registry: Registry, record: Record, connection: Connection, receiver: Any) -> None:
    record = registry.receivers.get(record.key, record)
    key, how = connection._key, connection._terms
    if connection() is None or registry.holds(connection) or registry._lasting(record, key):
        return
    registry.receivers[record.key] = record
    if record is not connection._record:
        sender = connection.sender
        connection = connected(record, key, age_of(connection), how, sender, _sender_died)
    registry._link(connection, record, key, None)
    if not how[WEAK]:
        record.hold(receiver)
