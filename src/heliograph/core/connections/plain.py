"""Connects and disconnects what is plain on a short way, as the part in C does."""

# That is a function that is surely fit, for a signal that is not declared. All else goes the long
# way, through `Registry.connect` and `Registry.disconnect`; both ways change the tables by the same
# functions. Each of the two here is one function, as calls are a good part of what connecting
# costs.

from __future__ import annotations

from types import FunctionType

from heliograph.core.callables import is_plain
from heliograph.core.connections.connection import Connection, make_connection
from heliograph.core.connections.dead import OPEN
from heliograph.core.connections.group import Group
from heliograph.core.connections.options import HOW
from heliograph.core.connections.receivers import NOTHING, ReceiverRef, receiver_died
from heliograph.core.connections.registry import Registry, sender_died
from heliograph.core.connections.repeated import warn_of_copies
from heliograph.core.identity import ANY, sender_key
from heliograph.core.lock import change_under_lock, pending_changes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from heliograph.core.connections.options import Options
    from heliograph.core.connections.registry import Made

_add, _end = Registry._add, Registry._end


def connect(registry: Registry, receiver: Any, sender: Any, options: Options) -> Made | None:
    """Connect as `Registry.connect` does."""
    key = id(receiver)
    if registry.declaration is not None or key in registry.receivers or not is_plain(receiver):
        return registry.connect(receiver, sender, options)
    # As `make_receiver_ref` does.
    ref = ReceiverRef(receiver, receiver_died)
    ref.named = receiver.__module__ or "builtins", receiver.__qualname__
    ref.registry_ref = registry.self_ref
    ref.silence_seen = registry.silence_changes
    ref.key = key
    ref.sender_counts = ()
    ref.options = options
    ref.omitted = NOTHING
    ref.maker = ref.shared_snapshot = ref.strong_ref = None
    ref.fate = OPEN
    ref.failures = ref.strong_count = 0
    ref.is_async = False
    if not options[HOW].weak:
        ref.strong_ref, ref.strong_count = receiver, 1
        warn_of_copies(registry, receiver, sender, options)
    if sender is ANY:  # As `make_connection` does.
        connection = Connection(ANY)
        connection._key = connection._sender = ANY
        connection._receiver_ref, connection._options = ref, options
        connection._sort_key, connection._snapshot = 0, None
    else:
        connection = make_connection(ref, sender_key(sender), options, sender, sender_died)
    made: Any = change_under_lock(_add, registry, connection, receiver)
    # False if somebody has declared the signal in the meantime.
    return registry.connect(receiver, sender, options) if made is False else made


def disconnect(registry: Registry, receiver: Any, sender: Any) -> list[Connection]:
    """Disconnect as `Registry.disconnect` does."""
    ref = registry.receivers.get(id(receiver))
    if ref is None or type(receiver) is not FunctionType or registry.idle or pending_changes:
        return registry.disconnect(receiver, sender)
    counts, key = ref.sender_counts, None
    if sender is not ANY:
        key = sender_key(sender)
    elif isinstance(counts, tuple):  # A dict may change under whoever looks into it.
        key = counts[0] if counts else None
    if isinstance(counts, tuple) or counts.get(key) == 1:
        group: Any = registry.any if key is ANY else registry.senders.get(key)
        # None if a block has made it.
        connection = group.connections.get(ref) if type(group) is Group else group
        if (
            connection is not None
            and connection._receiver_ref is ref  # Another thread may have put another one there.
            and change_under_lock(_end, registry, connection, None)
        ):
            return [connection]
    return registry.disconnect(receiver, sender)
