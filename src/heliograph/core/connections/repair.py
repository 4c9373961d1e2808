"""Repairs the tables of a signal after a change that was interrupted half-way."""

from __future__ import annotations

from heliograph.core.connections.group import Group
from heliograph.core.connections.options import HOW, SCOPE
from heliograph.core.connections.scopes import is_local
from heliograph.core.lock import keep_until_unlocked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import Any

    from heliograph.core.connections.connection import Connection
    from heliograph.core.connections.receivers import ReceiverRef


def recount(registry: Any, found: list[Connection]) -> list[Connection]:
    """Count again everything that a registry counts of its connections.

    It must run under the lock. If it is interrupted, it can be called again.

    Args:
        registry: That of the signal.
        found: All its connections.

    Returns:
        The strong connections that do not hold their receiver: they must end.
    """
    counts: dict[ReceiverRef, dict[Hashable, int]] = {}
    strong: dict[ReceiverRef, int] = {}
    for connection in found:
        receiver_ref, key = connection._receiver_ref, connection._key
        here = counts.setdefault(receiver_ref, {})
        here[key] = here.get(key, 0) + 1
        strong[receiver_ref] = strong.get(receiver_ref, 0) + (not connection._options[HOW].weak)
    for receiver_ref in {*registry.receivers.values(), *counts}:
        receiver_ref.sender_counts = counts.get(receiver_ref, ())
        receiver_ref.strong_count = strong.get(receiver_ref, 0)
        if not receiver_ref.strong_count:
            keep_until_unlocked(receiver_ref.release())
        elif receiver_ref.strong_ref is None:
            receiver_ref.strong_ref = receiver_ref.living()
        if not receiver_ref.sender_counts:
            receiver_ref.shared_snapshot = None
    registry.local_connections = sum(is_local(it._options[SCOPE]) for it in found)
    registry.receivers = {receiver_ref.key: receiver_ref for receiver_ref in counts}
    for key in registry.receivers:
        registry.idle.pop(key, None)
    registry.senders = {
        key: group
        for key, group in registry.senders.items()
        if not isinstance(group, Group) or group.connections
    }
    return [it for it in found if not it._options[HOW].weak and it._receiver_ref.strong_ref is None]
