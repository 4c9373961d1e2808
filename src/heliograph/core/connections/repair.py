"""Puts the tables of a signal right after a change that was interrupted in the middle."""

from __future__ import annotations

from heliograph.core.connections.group import Group
from heliograph.core.connections.options import WEAK
from heliograph.core.lock import keep_until_unlocked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import Any

    from heliograph.core.connections.connection import Connection
    from heliograph.core.connections.receivers import Record


def recount(registry: Any, found: list[Connection]) -> list[Connection]:
    """Make everything that is counted agree with *found*, the connections that there are.

    It must run under the lock, and may be interrupted and begun again.

    Returns:
        Those of them that were to hold their receiver, and do not: they must end.
    """
    links: dict[Record, dict[Hashable, int]] = {}
    strong: dict[Record, int] = {}
    for connection in found:
        record, key = connection._record, connection._key
        here = links.setdefault(record, {})
        here[key] = here.get(key, 0) + 1
        strong[record] = strong.get(record, 0) + (not connection._terms[WEAK])
    for record in {*registry.receivers.values(), *links}:
        record.links = links.get(record, {})
        record.strong = strong.get(record, 0)
        if not record.strong:
            keep_until_unlocked(record.let_go())
        elif record.anchor is None:
            record.anchor = record.living()
        if not record.links:
            record.shared_snapshot = None
    registry.receivers = {record.key: record for record in links}
    for key in registry.receivers:
        registry.idle.pop(key, None)
    registry.senders = {
        key: group
        for key, group in registry.senders.items()
        if not isinstance(group, Group) or group.connections
    }
    return [it for it in found if not it._terms[WEAK] and it._record.anchor is None]
