"""Blinker's tables of receivers and senders, as views of what is connected."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, MutableMapping
from types import MethodType

from heliograph import ANY
from heliograph.blinker._utilities import make_id

TYPE_CHECKING = False  # What type checkers believe, without importing typing.
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable
    from typing import Any, NoReturn

    from heliograph import Connection

ANY_ID = 0


class Table:
    """Makes a method the attribute of a signal that Blinker has as a dict.

    A subclass may assign to it, as Blinker's may: then the instance has what it wants.
    """

    def __init__(self, method: Callable[[Any], Any]) -> None:
        self.method = method

    def __get__(self, signal: object, owner: type) -> Any:
        return self if signal is None else self.method(signal)


def sender_key(connection: Connection) -> Hashable:
    """Return the key that Blinker keeps a connection's sender under."""
    sender = connection.sender
    return ANY_ID if sender is ANY else make_id(sender)


def receiver_key(record: Any, receiver: object) -> Hashable:
    """Return the key that Blinker keeps a receiver under, given its record."""
    # Where each look at it makes another object, that one's id says nothing.
    key: Hashable = record.key
    looked_up = type(key) is tuple and type(receiver) is not MethodType
    return key if looked_up else make_id(receiver)


class Receivers(MutableMapping["Any", "Any"]):
    """``Signal.receivers``: the receivers, or weak references to them, by their Blinker id.

    A live view, except that a signal to which it is assigned gets back all the
    connections that the view was taken of.
    """

    def __init__(self, registry: Any) -> None:
        self.registry = registry

    def _records(self) -> list[Any]:
        # Blinker goes on counting a receiver whose sender died, as long as it lives itself.
        return [*self.registry.receivers.values(), *self.registry.idle.values()]

    def _now(self) -> dict[Any, Any]:
        found = [(record, record()) for record in self._records()]
        return {
            receiver_key(record, receiver): receiver if record.strong else record
            for record, receiver in found
            if receiver is not None
        }

    def __getitem__(self, key: Any) -> Any:
        return self._now()[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def __bool__(self) -> bool:
        # The one question that is asked often, so it does not build the whole table.
        return any(record() is not None for record in self._records())

    def __setitem__(self, key: Any, value: object) -> NoReturn:
        msg = "Receivers cannot be set one by one: connect them to the signal."
        raise TypeError(msg)

    def __delitem__(self, key: Any) -> None:
        held = self._now()[key]
        self.registry.disconnect(held() if isinstance(held, weakref.ref) else held, ANY)

    def clear(self) -> None:
        """Disconnect everybody."""
        self.registry.end(self.registry.connections())
        self.registry.idle.clear()

    def copy(self) -> dict[Any, Any]:
        """Return the receivers as they are now, as a dict."""
        return self._now()

    def __repr__(self) -> str:
        return repr(self._now())


class Buckets(dict["Any", "set[Any]"]):
    """``Signal._by_sender`` or ``_by_receiver``: sets of ids by id, as they are now.

    As in Blinker, a bucket that somebody has seen stays when it is empty, until
    ``_cleanup_bookkeeping``; others leave nothing behind.
    """

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
        return made  # type: ignore[no-any-return]  # Whatever set class is wanted.
