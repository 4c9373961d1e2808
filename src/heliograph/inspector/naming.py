"""What signals, receivers and places are called, found out once and kept without keeping them."""

from __future__ import annotations

from functools import lru_cache
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any
from weakref import ref

from heliograph import Namespace
from heliograph.describe import (
    label_of,
    location_of,
    name_of,
    portable_location,
    variables,
)
from heliograph.inspector.static import is_a

if TYPE_CHECKING:
    from collections.abc import Callable

    from heliograph import Connection, Signal

_MOST = 4096

portable: Callable[[str], str] = lru_cache(_MOST)(portable_location)
"""`portable_location`, which compares with many folders, once for each place."""


class SignalNames:
    """What a signal is called, and its namespace, which is found at the first look.

    It looks through all imported modules, which no send has to wait for.
    """

    __slots__ = ("_found", "_name", "_ref")

    def __init__(self, signal: Signal[...]) -> None:
        self._name = signal.name
        self._ref = ref(signal)
        self._found: tuple[str, str | None] | None = None

    def is_of(self, signal: Signal[...]) -> bool:
        """Tell whether these are the names of a signal."""
        return self._ref() is signal

    def found(self) -> tuple[str, str | None]:
        """Return the label and the name of the namespace."""
        if self._found is None:
            signal = self._ref()
            if signal is None:
                return self._name if type(self._name) is str else "a signal without a name", None
            self._found = label_of(signal), namespace_of(signal)
        return self._found


def namespace_of(signal: Signal[...]) -> str | None:
    """Return the name of the namespace that has a signal, if a module has that namespace.

    A nested namespace is told by its own name, not by that of the outermost one.
    """
    having = (it for _, it in variables(lambda _, value: is_a(value, Namespace)))
    names = [it.name for it in having if signal in it.values()]
    return max(filter(None, names), key=len, default=None)


class ReceiverFacts:
    """What is known of a receiver.

    Attributes:
        name: Its name, with its module.
        location: The ``file:line`` that defines it, or None.
    """

    __slots__ = ("_takes_extra", "location", "name")

    def __init__(self, receiver: Any) -> None:
        location = location_of(receiver)
        self.name: str = name_of(receiver)
        self.location: str | None = None if location is None else portable(location)
        self._takes_extra: bool | None = None

    def takes_extra(self, connection: Connection) -> bool:
        """Tell whether it takes arguments that it does not name; reading a signature is slow."""
        if self._takes_extra is None:
            self._takes_extra = connection.takes_extra
        return self._takes_extra


class Names:
    """What a recorder has found out so far. It keeps none of the program's objects alive.

    By the ids of objects that are held weakly: a `WeakKeyDictionary` takes three times as long.
    """

    def __init__(self) -> None:
        self._signals: dict[int, SignalNames] = {}
        self._receivers: dict[int, tuple[ref[FunctionType], ReceiverFacts]] = {}

    def of_signal(self, signal: Signal[...]) -> SignalNames:
        """Return what a signal is called."""
        found = self._signals.get(id(signal))
        if found is None or not found.is_of(signal):
            if len(self._signals) >= _MOST:
                self._signals.clear()
            found = self._signals[id(signal)] = SignalNames(signal)
        return found

    def of_receiver(self, receiver: Any) -> ReceiverFacts:
        """Return what is known of a receiver."""
        # A bound method is made for each look at it, and its function stays.
        lasting = receiver.__func__ if type(receiver) is MethodType else receiver
        if type(lasting) is not FunctionType:  # It may be anything.
            return ReceiverFacts(receiver)
        found = self._receivers.get(id(lasting))
        if found is None or found[0]() is not lasting:
            if len(self._receivers) >= _MOST:
                self._receivers.clear()
            found = self._receivers[id(lasting)] = ref(lasting), ReceiverFacts(receiver)
        return found[1]
