"""Remembers which connections a program has ended, and by which line: for explanations."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from weakref import WeakKeyDictionary

from heliograph import Signal, add_instrument, remove_instrument
from heliograph.describe import calling_location, describe_sender, portable_location

if TYPE_CHECKING:
    from heliograph import Connection, Emission

_REMEMBERED = 16


@dataclass(frozen=True)
class DisconnectionInfo:
    """One connection that `Signal.disconnect` has ended.

    Attributes:
        name: The qualified name of the receiver, with its module.
        sender: The only sender that it was connected for, or ``ANY``.
        connected: The ``file:line`` that had connected it.
        disconnected: The ``file:line`` that ended it, or None if that is unknown.
    """

    name: str
    sender: str
    connected: str
    disconnected: str | None


class Disconnections:
    """An instrument that remembers the last sixteen connections of each signal that were ended.

    It holds neither signals nor receivers nor senders. A context manager, which watches while
    the block lasts.
    """

    def __init__(self) -> None:
        self._ended: WeakKeyDictionary[Signal, deque[DisconnectionInfo]] = WeakKeyDictionary()

    def start(self) -> None:
        """Watch from now on."""
        add_instrument(self)

    def stop(self) -> None:
        """Watch no more; what was seen is still known."""
        remove_instrument(self)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def of(self, signal: Signal) -> tuple[DisconnectionInfo, ...]:
        """Return what was disconnected from a signal, the oldest first."""
        return tuple(self._ended.get(signal, ()))

    def __call__(self, emission: Emission) -> None:
        """Do nothing with what is sent. The engine calls this."""

    def on_disconnect(self, signal: Signal, connection: Connection) -> None:
        """Remember a connection that has ended. The engine calls this."""
        place = calling_location()
        ended = self._ended.setdefault(signal, deque(maxlen=_REMEMBERED))
        ended.append(
            DisconnectionInfo(
                connection.name,
                describe_sender(connection.sender, value=True),
                portable_location(connection.location),
                None if place is None else portable_location(place),
            )
        )
