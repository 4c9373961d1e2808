"""Finds connections in the tables of a signal, without the lock."""

from __future__ import annotations

from types import FunctionType

from heliograph.core.connections.connection import Connection
from heliograph.core.connections.group import Group, in_order, listed
from heliograph.core.connections.options import HOW, SCOPE, changes_nothing
from heliograph.core.connections.state import SendState
from heliograph.core.identity import ANY, sender_key
from heliograph.core.lock import pending_changes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import Any

    from heliograph.core.connections.options import How
    from heliograph.core.connections.receivers import ReceiverRef


class Findable(SendState):
    """The tables of a signal, as those read them who change nothing."""

    __slots__ = ()

    if TYPE_CHECKING:
        senders: dict[Hashable, Group | Connection]
        receivers: dict[Hashable, ReceiverRef]

    def holds(self, connection: Connection) -> bool:
        """Tell whether a connection has not ended yet."""
        return connection in self._of(connection._receiver_ref, connection._key)

    def lasting(self, receiver_ref: ReceiverRef, key: Hashable) -> Connection | None:
        """Return the connection of a receiver for a sender that no block has made."""
        group = self.any if key is ANY else self.senders.get(key)
        if type(group) is Group:
            return group.connections.get(receiver_ref)
        if type(group) is Connection and group._receiver_ref is receiver_ref:
            return group if group._options[SCOPE] is None else None
        return None

    def found_again(self, receiver: Any, sender: Any, how: How) -> Connection | None:
        """Return the connection that connecting again would leave as it is, if that is sure."""
        receiver_ref = self.receivers.get(id(receiver))
        # Otherwise it may be that of a dead sender with the same address.
        if receiver_ref is None or pending_changes or type(receiver) is not FunctionType:
            return None
        found = self.lasting(receiver_ref, ANY if sender is ANY else sender_key(sender))
        if found is None or found() is None or receiver_ref() is not receiver:
            return None
        return found if changes_nothing(how, found._options[HOW]) else None

    def _all(self) -> list[Connection]:
        found = listed(self.any)
        for group in list(self.senders.values()):
            found += listed(group)
        found.sort(key=in_order)
        return found

    def _of(self, receiver_ref: ReceiverRef, key: Hashable) -> list[Connection]:
        """Return the connections of a receiver for one sender, also those of blocks."""
        lasting, counts = self.lasting(receiver_ref, key), receiver_ref.sender_counts
        if type(counts) is not dict:
            if lasting is not None:
                return [lasting]
            # A key may have a class in it, whose class would compare it whatever its hash is.
            counts = dict.fromkeys(counts, 1)
        if counts.get(key, 0) == (lasting is not None):
            return [] if lasting is None else [lasting]
        group = self.any if key is ANY else self.senders.get(key)
        found = [] if group is None else listed(group)  # None while it is being ended.
        return [connection for connection in found if connection._receiver_ref is receiver_ref]
