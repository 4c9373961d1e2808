"""Reads from Blinker's own tables which receivers are connected, and for which senders."""

from __future__ import annotations

import gc
import weakref

from heliograph import ANY
from heliograph.blinker.tables import ANY_ID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator
    from typing import Any

    # Receiver, sender, and whether the receiver is held weakly.
    Row = tuple[Any, Any, bool]

TABLES = ("receivers", "_by_receiver", "_by_sender", "_weak_senders")
_GONE = object()


class _Id(int):
    """A sender of which only a number is known: its id, or the int that it is."""


def everything() -> list[Any]:
    """Return all objects that the garbage collector knows, frozen ones too."""
    if not gc.get_freeze_count():
        return gc.get_objects()
    # Servers freeze what they load before they fork.
    gc.unfreeze()
    found = gc.get_objects()
    gc.freeze()
    return found


def rows(signals: Iterable[Any], known: list[Any]) -> list[list[Row]]:
    """Return the connections of each signal, in the order in which they were made.

    Args:
        signals: Signals of Blinker's.
        known: All objects, among which to find the senders.
    """
    read = [list(_rows(signal)) for signal in signals]
    numbers = {sender for found in read for _, sender, _ in found if isinstance(sender, _Id)}
    senders = _by_id(set(map(int, numbers)), known)
    return [
        [(receiver, _looked_up(sender, senders), weak) for receiver, sender, weak in found]
        for found in read
    ]


def _rows(signal: Any) -> Iterator[Row]:
    weak_senders = getattr(signal, "_weak_senders", {})
    # A subclass may make properties of the tables, with receivers of this thread only.
    for receiver_id, held in list(getattr(signal, "receivers", {}).items()):
        weak = isinstance(held, weakref.ref)
        receiver = held() if weak else held
        for sender_id in list(signal._by_receiver.get(receiver_id, ())):
            sender = _sender(sender_id, weak_senders)
            if receiver is not None and sender is not _GONE:
                yield receiver, sender, weak


def _sender(sender_id: Hashable, weak_senders: dict[Any, Any]) -> Any:
    if sender_id == ANY_ID:
        return ANY
    if sender_id in weak_senders:
        sender = weak_senders[sender_id]()
        return _GONE if sender is None else sender
    return _Id(sender_id) if type(sender_id) is int else sender_id


def _looked_up(sender: Any, senders: dict[int, Any]) -> Any:
    return senders.get(sender, int(sender)) if isinstance(sender, _Id) else sender


def _by_id(numbers: set[int], known: list[Any]) -> dict[int, Any]:
    """Find the objects of which Blinker knows only the ids: they allow no weak references."""
    found = {id(it): it for it in (None, *known) if id(it) in numbers}
    left = numbers - found.keys()
    if left:
        # The collector does not list objects that refer to nothing, but it lists their holders.
        for it in known:
            for part in gc.get_referents(it):
                if id(part) in left:
                    found[id(part)] = part
    return found
