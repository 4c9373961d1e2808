"""Blinker's six names, with its signatures and its behaviour, over Heliograph's engine."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from functools import cached_property
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import heliograph
from heliograph import ANY
from heliograph.blinker._utilities import make_id, make_ref
from heliograph.blinker.tables import ANY_ID, Buckets, Receivers, sender_id

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping
    from typing import Self

    from heliograph import Connection

__all__ = [
    "ANY",
    "ANY_ID",
    "F",
    "NamedSignal",
    "Namespace",
    "Signal",
    "default_namespace",
    "signal",
]

F = TypeVar("F", bound=Callable[..., Any])


class _Replaceable:
    """A method that sends ask only if somebody has put another in its place."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self.method = method
        self.__doc__ = method.__doc__

    def __get__(self, signal: Signal | None, owner: type) -> Any:
        if signal is None:
            return self.method
        return signal.__dict__.get("_receivers_for") or MethodType(self.method, signal)

    def __set__(self, signal: Signal, replacement: Callable[..., Any]) -> None:
        signal.__dict__["_receivers_for"] = replacement
        signal._registry.override(on=True)

    def __delete__(self, signal: Signal) -> None:
        del signal.__dict__["_receivers_for"]
        signal._registry.override(on=signal._overrides)


class _RegistryInTables:
    """Keeps the connections of a signal in the tables that its subclass brings.

    Blinker's subclasses can make properties of its tables, to have other
    receivers in each thread or request. Ours then live in what these give.
    """

    def __get__(self, signal: Signal | None, owner: type) -> Any:
        if signal is None:
            return self
        tables = signal._weak_senders
        if "heliograph" not in tables:
            tables.setdefault("heliograph", signal._registry_class())
        return tables["heliograph"]

    def __set__(self, signal: Signal, registry: object) -> None:
        """Have nothing to keep: the tables may not be there yet."""


class Signal(heliograph.Signal):
    """A signal without a name, as Blinker makes them.

    Everything that `heliograph.Signal` can do is there too.

    Args:
        doc: Its docstring.
    """

    ANY = ANY
    set_class: type[set[Any]] = set
    """Blinker's seam for an order of receivers. They always have one here."""

    _overrides = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._note_overrides()

    @classmethod
    def _note_overrides(cls) -> None:
        cls._overrides = cls.receivers_for is not Signal.receivers_for
        if cls.receivers is not Signal.receivers:
            descriptor: Any = _RegistryInTables()
            cls._registry = descriptor

    def __new__(cls, *args: object, **kwargs: object) -> Self:
        """Make a signal to which nobody is connected."""
        made = super().__new__(cls, *args, **kwargs)
        if cls._overrides:
            made._registry.override(on=True)
        return made

    def __init__(self, doc: str | None = None) -> None:
        super().__init__(None, doc)

    receivers_for = _Replaceable(heliograph.Signal.receivers_for)

    @property
    def receivers(self) -> Any:
        """The receivers by id: true if there are any, which is all that is public of it."""
        return Receivers(self._registry)

    @receivers.setter
    def receivers(self, table: Mapping[Any, Any]) -> None:
        if isinstance(table, Receivers):
            self._registry = table.registry
            return
        self._registry = self._registry_class()
        for held in table.values():
            weak = isinstance(held, weakref.ref)
            receiver: Any = held() if weak else held
            self.connect(receiver, weak=weak)

    @property
    def is_muted(self) -> bool:
        """Whether what is sent is swallowed; may be set by hand."""
        return super().is_muted

    @is_muted.setter
    def is_muted(self, muted: bool) -> None:
        by_hand = self.__dict__.pop("_muted_by_hand", None)
        if by_hand is not None:
            by_hand.__exit__()
        if muted:
            self.__dict__["_muted_by_hand"] = by_hand = self.muted()
            by_hand.__enter__()

    def _connect_for_a_while(
        self, receiver: Callable[..., Any], sender: Any, how: Any
    ) -> list[Connection]:
        replaced = "connect" in self.__dict__ or type(self).connect is not Signal.connect
        if not replaced:
            return super()._connect_for_a_while(receiver, sender, how)
        before = set(self.connections)
        self.connect(receiver, sender=sender, weak=False)
        return [connection for connection in self.connections if connection not in before]

    @cached_property
    def receiver_connected(self) -> Signal:
        """Sent by this signal after `connect`, with ``receiver``, ``sender`` and ``weak``.

        A receiver that raises undoes the connection. One whose first parameter
        is called ``sender`` is given the other sender as ``connected_sender``.
        """
        return self._meta_signal("receiver_connected")

    @cached_property
    def receiver_disconnected(self) -> Signal:
        """Sent by this signal after `disconnect`, with ``receiver`` and ``sender``."""
        return self._meta_signal("receiver_disconnected")

    def _meta_signal(self, name: str) -> Signal:
        made: Signal = self.__dict__.setdefault(name, MetaSignal(f"Sent for {name}."))
        return made

    def _tell_connected(
        self, receiver: Callable[..., Any], sender: Any, connection: Connection, new: bool
    ) -> None:
        self._mirror()
        if "receiver_connected" not in self.__dict__:
            return
        try:
            payload = {"receiver": receiver, "sender": sender, "weak": connection.weak}
            self.receiver_connected.send(self, **payload)
        except BaseException:
            if new:
                self._registry.end([connection])
            raise

    def _tell_disconnected(
        self,
        receiver: Callable[..., Any],
        sender: Any,
        ended: list[Connection],  # noqa: ARG002 - Blinker tells of the call, not of what it ended.
    ) -> None:
        self._mirror()
        if "receiver_disconnected" in self.__dict__:
            self.receiver_disconnected.send(self, receiver=receiver, sender=sender)

    def _mirror(self) -> None:
        # `if signal.receivers` must be true of a table that a subclass brings, too.
        if type(self).receivers is not Signal.receivers:
            self.receivers.clear()
            self.receivers.update(Receivers(self._registry))

    @property
    def _by_sender(self) -> Buckets:
        pairs = ((sender_id(c), make_id(c.receiver)) for c in self.connections)
        return Buckets(pairs, self.__dict__.setdefault("_seen_senders", set()), self.set_class)

    @property
    def _by_receiver(self) -> Buckets:
        pairs = ((make_id(c.receiver), sender_id(c)) for c in self.connections)
        return Buckets(pairs, self.__dict__.setdefault("_seen_receivers", set()), self.set_class)

    @property
    def _weak_senders(self) -> dict[Any, Any]:
        senders = ((sender_id(c), c.sender) for c in self.connections)
        return {
            key: make_ref(sender)
            for key, sender in senders
            if sender is not ANY and hasattr(type(sender), "__weakref__")
        }

    def _disconnect(self, receiver_id: Hashable, sender_id_: Hashable) -> None:
        for connection in self.connections:
            here = sender_id_ in (ANY_ID, sender_id(connection))
            if here and make_id(connection.receiver) == receiver_id:
                self._registry.end([connection])

    def _cleanup_bookkeeping(self) -> None:
        self.__dict__.pop("_seen_senders", None)
        self.__dict__.pop("_seen_receivers", None)

    def _clear_state(self) -> None:
        Receivers(self._registry).clear()
        self._cleanup_bookkeeping()
        self._mirror()

    def __repr__(self) -> str:
        return object.__repr__(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.__dict__.get("__doc__"),)


class MetaSignal(Signal):
    """Tells receivers of connections, whatever their first parameter is called."""

    def receivers_for(self, sender: Any) -> Iterator[Callable[..., Any]]:
        """Give the receivers, made to fit."""
        return map(_fitted, heliograph.Signal.receivers_for(self, sender))


def _fitted(receiver: Callable[..., Any]) -> Callable[..., Any]:
    # The payload has a key `sender`, and that is what everybody calls the first parameter.
    bound = isinstance(receiver, MethodType)
    function = receiver.__func__ if isinstance(receiver, MethodType) else receiver
    if not isinstance(function, FunctionType):
        return receiver
    code = function.__code__
    taken = code.co_varnames[code.co_posonlyargcount : code.co_argcount][: 1 + bound]

    def fitting(signal: Signal, **payload: Any) -> Any:
        clean = {f"connected_{key}" if key in taken else key: payload[key] for key in payload}
        return receiver(signal, **clean)

    return fitting if "sender" in taken else receiver


class NamedSignal(Signal):
    """A signal with a name.

    Args:
        name: Usually a string; any hashable will do, as in Blinker.
        doc: Its docstring.
    """

    def __init__(self, name: str, doc: str | None = None) -> None:
        super().__init__(doc)
        self.name = name

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}; {self.name!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.name, self.__dict__.get("__doc__"))


class Namespace(dict[str, NamedSignal]):
    """A dict of signals by name."""

    signal_class: type[NamedSignal] = NamedSignal
    """What `signal` makes."""

    def signal(self, name: str, doc: str | None = None) -> NamedSignal:
        """Return the signal of that name, which is made if there is none yet.

        Args:
            name: Any hashable.
            doc: The signal's docstring. The first one that is given stays.
        """
        found = self.get(name)
        if found is None:
            # One step, so that two threads cannot each get a signal of their own.
            found = self.setdefault(name, self.signal_class(name))
        if doc and "__doc__" not in found.__dict__:
            found.__doc__ = doc
        return found

    def __setitem__(self, name: str, signal: NamedSignal) -> None:
        _check_signal(name, signal)
        super().__setitem__(name, signal)

    def setdefault(self, name: str, signal: NamedSignal) -> NamedSignal:
        """Return the signal of that name, which is *signal* if there is none yet."""
        _check_signal(name, signal)
        return super().setdefault(name, signal)


def _check_signal(name: object, signal: object) -> None:
    if not isinstance(signal, heliograph.Signal):
        msg = (
            f"{signal!r} cannot be in a namespace as {name!r}: it is not a signal. "
            "Use namespace.signal(name) to make one."
        )
        raise TypeError(msg)


class _PNamespaceSignal(Protocol):
    def __call__(self, name: str, doc: str | None = None) -> NamedSignal: ...


default_namespace: Namespace = Namespace()
"""Where `signal` keeps its signals."""

signal: _PNamespaceSignal = default_namespace.signal
"""`Namespace.signal` of the default namespace."""
