"""Blinker's tables of receivers and senders, as views of the connections."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, MutableMapping
from types import MethodType

from heliograph import ANY, Signal
from heliograph.blinker._utilities import make_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping
    from typing import Any, Self

    from heliograph import Connection

    class _Anyone:
        """Is true while anybody is connected, and knows who counts here."""

        def __init__(self, registry: Any) -> None:
            self.registry = registry

        def _receiver_refs(self) -> list[Any]: ...

        def _anyone(self, last: Connection | None) -> Connection | bool: ...

else:
    # The one in C, where there is one.
    _Anyone = Signal._anyone_class

ANY_ID = 0

_REMEMBERED = 16
"""How many receivers are kept that were taken out of the table and look dead.

One that allows no weak references looks dead, and may still be put back.
"""

# mypy takes a function that a class gets by assignment for a bound one.
in_its_words: Callable[[Any], str] = Signal.__repr__  # type: ignore[assignment]  # It is one.
"""The engine's ``__repr__`` for classes with ``_described``: short, and never failing."""


class Table:
    """Shows the result of a method as an attribute that is a dict in Blinker.

    A subclass may assign to the attribute, as in Blinker: then the instance has that value.
    """

    def __init__(self, method: Callable[[Any], Any]) -> None:
        self.method = method

    def __get__(self, signal: object, owner: type) -> Any:
        return self if signal is None else self.method(signal)


def sender_key(connection: Connection) -> Hashable:
    """Return Blinker's key of a connection's sender."""
    sender = connection.sender
    return ANY_ID if sender is ANY else make_id(sender)


def receiver_key(receiver_ref: Any, receiver: object) -> Hashable:
    """Return Blinker's key of a receiver, given the reference to it."""
    # If each access makes a new object, the id of this one says nothing.
    key: Hashable = receiver_ref.key
    looked_up = type(key) is tuple and type(receiver) is not MethodType
    return key if looked_up else make_id(receiver)


class Receivers(_Anyone, MutableMapping["Any", "Any"]):
    """``Signal.receivers``: the receivers, or weak references to them, by their Blinker id.

    A live view. But a signal to which the view is assigned gets back all the
    connections that it had when the view was made. A receiver that is taken out can
    be put back: its connections come back, for their senders and in their order.
    """

    def __init__(self, signal: Any) -> None:
        super().__init__(signal._registry)
        self._revive: Callable[[Any, Connection, object], None] = signal._revive
        self._taken: dict[Any, list[Connection]] = signal.__dict__.setdefault("_taken_out", {})

    def _records(self) -> list[Any]:
        here = self.registry.receivers.values()
        if self.registry.local_connections:
            here = self._receiver_refs()
        # Blinker counts a live receiver even after its sender has died.
        return [*here, *self._idle()]

    def _now(self) -> dict[Any, Any]:
        found = [(record, record()) for record in self._records()]
        return {
            receiver_key(record, receiver): receiver if record.strong_count else record
            for record, receiver in found
            if receiver is not None
        }

    def __getitem__(self, key: Any) -> Any:
        # A Blinker send that is under way during `install` looks the receivers up one by one.
        turned = key[::-1] if type(key) is tuple else key
        tables = (self.registry.receivers, self.registry.idle)
        found = (table.get(it) for table in tables for it in (key, turned))
        held = ((record, record()) for record in found if record is not None)
        alive = ((record, it) for record, it in held if it is not None)
        for record, receiver in (pair for pair in alive if receiver_key(*pair) == key):
            return receiver if record.strong_count else record
        raise KeyError(key)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def _anyone(self, last: Connection | None) -> Any:
        # Blinker goes on counting those whose sender died.
        return super()._anyone(last) or any(it() is not None for it in self._idle())

    def _idle(self) -> list[Any]:
        return list(self.registry.idle.values())

    def __setitem__(self, key: Any, value: Any) -> None:
        receiver = value() if issubclass(type(value), weakref.ref) else value
        taken = self._taken.pop(key, None)
        if taken is not None and receiver is not None:
            for connection in taken:
                self._revive(self.registry, connection, receiver)
        elif key not in self._now():
            msg = (
                "Only a receiver that was taken out of the table can be put back, as the table "
                "does not name senders. Connect other receivers to the signal."
            )
            raise TypeError(msg)

    def __delitem__(self, key: Any) -> None:
        held = self._now()[key]
        receiver = held() if issubclass(type(held), weakref.ref) else held
        self._take({key: self.registry.disconnect(receiver, ANY)})

    def clear(self) -> None:
        """Disconnect all receivers."""
        ended: dict[Any, list[Connection]] = {}
        for connection in self.registry.connections():
            key = receiver_key(connection._receiver_ref, connection.receiver)
            ended.setdefault(key, []).append(connection)
        self.registry.end(self.registry.connections())
        self.registry.idle.clear()
        self._take(ended)

    def popitem(self) -> tuple[Any, Any]:
        """Disconnect the receiver that was connected last, and return it with its key."""
        now = self._now()
        key, held = now.popitem()
        del self[key]
        return key, held

    def copy(self) -> dict[Any, Any]:
        """Return the receivers as they are now, as a dict."""
        return self._now()

    def __or__(self, other: Mapping[Any, Any]) -> dict[Any, Any]:
        return self._now() | dict(other)

    # In place it stays a view, as with subclasses of dict.
    def __ior__(self, other: Any) -> Self:  # type: ignore[misc]
        self.update(other)
        return self

    def __repr__(self) -> str:
        return in_its_words(self)

    def _described(self) -> str:
        return repr(self._now())

    def _take(self, ended: dict[Any, list[Connection]]) -> None:
        """Remember connections that may be put back, as long as their receivers live."""
        for key, connections in ended.items():
            self._taken.pop(key, None)
            if connections:
                self._taken[key] = connections
        gone = [key for key, them in self._taken.items() if them[0].receiver is None]
        for key in gone[:-_REMEMBERED]:
            del self._taken[key]


class Buckets(dict["Any", "set[Any]"]):
    """``Signal._by_sender`` or ``_by_receiver``: sets of ids by id, as they are now.

    As in Blinker, a bucket that was looked up stays when it is empty, until
    ``_cleanup_bookkeeping``.
    """

    def __repr__(self) -> str:
        return in_its_words(self)

    def _described(self) -> str:
        return super().__repr__()

    def __init__(
        self,
        pairs: Iterable[tuple[Hashable, Hashable]],
        seen: set[Hashable],
        made: Callable[[], Any],
    ) -> None:
        super().__init__((key, made()) for key in seen)
        self._made = made
        for key, value in pairs:
            self[key].add(value)
        seen.update(self)

    def __missing__(self, key: Any) -> set[Any]:
        self[key] = made = self._made()
        return made  # type: ignore[no-any-return]  # The set class is the user's choice.
