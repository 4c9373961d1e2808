"""Looks up the receivers of a send: finds or makes the snapshot for its sender."""

from __future__ import annotations

from heliograph.core.connections.connection import Connection, make_connection, order_of
from heliograph.core.connections.group import listed
from heliograph.core.connections.options import SCOPE
from heliograph.core.connections.scopes import (
    INNERMOST,
    counted_here,
    entered,
    is_local,
    is_muted,
    under_way,
    unmuted,
)
from heliograph.core.identity import (
    ANY,
    KEY_FUNCTIONS,
    is_held_by_value,
    sender_key,
    unwrapped,
)
from heliograph.core.lock import pending_changes
from heliograph.core.sending.snapshot import Snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from heliograph.core.connections.group import Group
    from heliograph.core.connections.registry import Registry

# Reading takes no lock: a snapshot carries the versions that were read before the connections
# were copied, and so shows when it is out of date.

_MUTED = Snapshot([], 0, 0, muted=True)
"""The snapshot of a muted signal."""


def find(registry: Registry, sender: Any) -> tuple[int, Any, Snapshot]:
    """Return the version that was read first, the real sender, and the snapshot for it here.

    An outdated snapshot is made again. If the registry has another version later, receivers
    may have been disconnected in between.
    """
    version = registry.version
    key = KEY_FUNCTIONS.get(id(type(sender)))
    if key is None:  # The sender is a proxy, or the first of its type.
        sender = unwrapped(sender)
        key = sender_key
    senders, any_group = registry.senders, registry.any
    group = senders.get(key(sender), any_group) if senders else any_group
    if pending_changes and any(connection() is None for connection in listed(group)):
        group = any_group  # The group of a dead sender that had the same address.
    snapshot = group._snapshot
    if snapshot is None and type(group) is Connection:
        receiver_ref = group._receiver_ref
        if group._options is receiver_ref.options:
            snapshot = receiver_ref.shared_snapshot
    if (
        snapshot is None
        or snapshot.any_version != any_group._version
        or snapshot.own_version != group._version
    ):
        snapshot = _made(registry, group)
    if snapshot.scopes or registry.local_mutes:
        snapshot = _in_context(registry, snapshot)
    return version, sender, snapshot


def _made(registry: Registry, group: Group | Connection) -> Snapshot:
    """Return a new snapshot, or one that several senders share."""
    # The versions are read first: if a change comes while the connections are copied, the
    # snapshot is outdated from the start.
    any_group = registry.any
    any_version, own_version = any_group._version, group._version
    if isinstance(group, Connection):
        shared = _shared_snapshot(registry, group, any_version)
        if shared is not None:
            return shared
    found = listed(any_group)
    if group is not any_group:
        found += listed(group)
    group._snapshot = snapshot = Snapshot(found, any_version, own_version)
    return snapshot


def _in_context(registry: Registry, snapshot: Snapshot) -> Snapshot:
    """Return the part of a snapshot that counts in the current context."""
    if under_way(INNERMOST.get()) is None:  # The usual case: other contexts are inside the blocks.
        return snapshot.outside or snapshot.within(())
    if snapshot.scopes:
        snapshot = snapshot.within(tuple(it for it in entered() if it in snapshot.scopes))
    mutes = registry.local_mutes
    if not any(it in mutes for it in entered()):
        return snapshot
    if is_muted(mutes):
        return _MUTED
    return Snapshot(
        list(unmuted(mutes, snapshot.connections)),
        snapshot.any_version,
        snapshot.own_version,
        counted=True,
        newest=snapshot.newest,
    )


def _shared_snapshot(
    registry: Registry, connection: Connection, any_version: int
) -> Snapshot | None:
    """Return the snapshot that all senders share whose only receiver is the same one."""
    # A snapshot for each would take twice the memory of the connections.
    receiver_ref = connection._receiver_ref
    if registry.any.connections or connection._options is not receiver_ref.options:
        return None
    # If a sender is held strongly, a snapshot must not make it live longer.
    if is_local(connection._options[SCOPE]) or connection() is ANY:
        return None
    snapshot = receiver_ref.shared_snapshot
    if snapshot is None or snapshot.any_version != any_version:
        receiver_ref.shared_snapshot = snapshot = Snapshot(
            [connection], any_version, connection._version, shared=True
        )
    return snapshot


def find_to_send(registry: Registry, sender: Any) -> tuple[int, Any, Snapshot]:
    """Return what `find` does, and keep the snapshot if the next sends can use it."""
    version, kind, snapshot = registry.last_awaited
    if (
        version is registry.version
        and type(sender) is kind
        and not (registry.senders and id(sender) in registry.senders)
    ):
        return version, sender, snapshot
    version, sender, snapshot = find(registry, sender)
    keep(registry, version, sender, snapshot)
    return version, sender, snapshot


def keep(registry: Registry, version: int, sender: Any, snapshot: Snapshot) -> None:
    """Let the next sends use a snapshot without a look-up, if it counts in every context."""
    if registry.needs_slow_path or registry.local_mutes:
        return
    if snapshot is registry.any._snapshot:
        # Another object of the type may be a proxy, and stand for a third, if nobody has said how
        # objects of it are found.
        is_unknown = KEY_FUNCTIONS.get(id(type(sender))) is None
        if registry.runs_in_c or is_unknown or (registry.senders and is_held_by_value(sender)):
            return
        kept = version, type(sender), snapshot
        if not snapshot.slow_in_send:
            registry.last_snapshot = kept
        if not snapshot.slow_in_send_async:
            registry.last_awaited = kept
        return
    if snapshot.slow_in_send:
        return
    group: Any = registry.senders.get(id(sender))
    if group is None:
        return
    own: Any = group
    shared: Snapshot | None = None
    if type(group) is Connection:
        shared = group._receiver_ref.shared_snapshot
    else:  # One of its connections is as good as any.
        own = next(iter(listed(group)), None)
    # It is a weak reference to the sender; and the snapshot is not a part of one, for a context.
    if own is not None and own() is sender and (snapshot is group._snapshot or snapshot is shared):
        registry.last_own = (version, own, snapshot)


def own_connections(registry: Registry, snapshot: Snapshot, sender: Any) -> tuple[Connection, ...]:
    """Return the connections of a snapshot; of a shared one, the connection of this sender."""
    if not snapshot.shared:
        return snapshot.connections
    [other] = snapshot.connections
    key = sender_key(sender)
    found = registry.senders.get(key)
    if not isinstance(found, Connection) or found._receiver_ref is not other._receiver_ref:
        # It has ended in the meantime; a similar one still names the receiver.
        found = make_connection(other._receiver_ref, key, other._options, sender, None)
        found._sort_key = other._sort_key
    return (found,)


def counted(registry: Registry, snapshot: Snapshot) -> list[Connection]:
    """Return the connections of a snapshot whose receivers are not muted here, in order."""
    return list(unmuted(registry.mutes, snapshot.connections))


def audience(registry: Registry, sender: Any) -> Iterable[Connection]:
    """Return all connections that count for a sender now; a receiver may have several."""
    own = registry.senders.get(sender_key(sender)) or registry.any
    found = [connection for connection in listed(own) if connection() is not None]
    found = found if own is registry.any else listed(registry.any) + found
    return unmuted(registry.mutes, counted_here(found))


def is_plainly_connected(registry: Registry, connection: Connection) -> bool:
    """Tell whether a connection is there for all senders, counts everywhere, and nobody is muted.

    False may be too careful: `still_connected` knows in every case.
    """
    # Temporary connections have other places there.
    lasting = registry.any.connections.get(connection._receiver_ref)
    return lasting is connection and not registry.mutes


def still_connected(registry: Registry, sender: Any, newest: int) -> set[object]:
    """Return the receivers that a send would call now, if connected before a snapshot was made.

    The connection itself may have ended: a receiver that was disconnected from this sender
    may still be connected for all senders.

    Args:
        registry: The registry of the signal.
        sender: The sender.
        newest: The `Snapshot.newest` of the snapshot.
    """
    if is_muted(registry.mutes):
        return set()
    return {c._receiver_ref for c in audience(registry, sender) if order_of(c) <= newest}


def due(
    registry: Registry,
    sender: Any,
    connections: Sequence[Connection],
    refs: Sequence[Callable[[], Any]],
    newest: int,
    version: int,
) -> Iterator[Any]:
    """Yield the receivers of these connections, without those that have gone in the meantime."""
    still = None
    for position, ref in enumerate(refs):
        if registry.version is not version:
            version = registry.version
            still = still_connected(registry, sender, newest)
        if still is None or connections[position]._receiver_ref in still:
            receiver = ref()
            if receiver is not None:
                yield receiver
