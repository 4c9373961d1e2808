"""Blinker's six names, with its signatures and its behaviour, over Heliograph's engine."""

from __future__ import annotations

from functools import cached_property, wraps
from types import FunctionType, MethodType

import heliograph
from heliograph import ANY
from heliograph.blinker._utilities import Symbol, make_ref
from heliograph.blinker._utilities import make_id as make_id  # noqa: PLC0414 - others import it.
from heliograph.blinker.overriding import Overridable
from heliograph.blinker.tables import (
    ANY_ID,
    Buckets,
    Receivers,
    Table,
    in_its_words,
    receiver_key,
    sender_key,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Any

    from heliograph import Connection
    from heliograph.blinker.annotating import F
    from heliograph.blinker.annotating import (
        _PNamespaceSignal as _PNamespaceSignal,  # noqa: PLC0414 - others import it from here.
    )

__all__ = [
    "ANY",
    "ANY_ID",
    "F",
    "NamedSignal",
    "Namespace",
    "Signal",
    "Symbol",
    "default_namespace",
    "signal",
]

_META = {"receiver_connected", "receiver_disconnected"}

# The flag of a code object, as the inspect module documents it.
_VARKEYWORDS = 0x08


class Signal(Overridable):
    """A signal without a name, as Blinker makes them.

    Everything that `heliograph.Signal` can do is there too.

    Args:
        doc: Its docstring.
    """

    ANY = ANY
    set_class: type[set[Any]] = set
    """Blinker uses it to order receivers. Here they are always ordered."""
    _keeps_registry = False  # It may be joined with another signal.

    def __init__(self, doc: str | None = None) -> None:
        super().__init__(None, doc)

    @cached_property
    def receiver_connected(self) -> Signal:
        """Sent by this signal after `connect`, with ``receiver``, ``sender`` and ``weak``.

        If a receiver raises, the connection is undone. A receiver whose first
        parameter is called ``sender`` gets the other sender as ``connected_sender``.
        """
        return self._meta_signal("receiver_connected")

    @cached_property
    def receiver_disconnected(self) -> Signal:
        """Sent by this signal after `disconnect`, with ``receiver`` and ``sender``."""
        return self._meta_signal("receiver_disconnected")

    def _meta_signal(self, name: str) -> Signal:
        made: Signal = self.__dict__.setdefault(name, MetaSignal(f"Sent for {name}."))
        return made

    def _several_failed(self, errors: list[Exception]) -> Exception:
        # The first, as on Blinker: programs have `except` clauses and error handlers for it.
        return errors[0]

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
        ended: list[Connection],  # noqa: ARG002 - Blinker's payload names the call, not the connections.
    ) -> None:
        self._mirror()
        if "receiver_disconnected" in self.__dict__:
            self.receiver_disconnected.send(self, receiver=receiver, sender=sender)

    @Table
    def _by_sender(self) -> Buckets:
        pairs = (
            (sender_key(c), receiver_key(c._receiver_ref, c.receiver)) for c in self.connections
        )
        return Buckets(pairs, self.__dict__.setdefault("_seen_senders", set()), self.set_class)

    @Table
    def _by_receiver(self) -> Buckets:
        pairs = (
            (receiver_key(c._receiver_ref, c.receiver), sender_key(c)) for c in self.connections
        )
        return Buckets(pairs, self.__dict__.setdefault("_seen_receivers", set()), self.set_class)

    @Table
    def _weak_senders(self) -> dict[Any, Any]:
        senders = ((sender_key(c), c.sender) for c in self.connections)
        return {
            key: make_ref(sender)
            for key, sender in senders
            if sender is not ANY and hasattr(type(sender), "__weakref__")
        }

    def _disconnect(self, receiver_id: Hashable, sender_id: Hashable) -> None:
        for connection in self.connections:
            here = sender_id in (ANY_ID, sender_key(connection))
            if here and receiver_key(connection._receiver_ref, connection.receiver) == receiver_id:
                self._registry.end([connection])

    def _cleanup_bookkeeping(self) -> None:
        self.__dict__.pop("_seen_senders", None)
        self.__dict__.pop("_seen_receivers", None)

    def _clear_state(self) -> None:
        Receivers(self).clear()
        self._cleanup_bookkeeping()
        self._mirror()

    def _described(self) -> str:
        return object.__repr__(self)


class MetaSignal(Signal):
    """A signal about connections; its receivers may call their first parameter ``sender``."""

    @classmethod
    def _new_registry(cls) -> Any:
        registry = super()._new_registry()
        registry.names_sender = True
        return registry

    def _overriding_steps(self, sender: Any, snapshot: Any) -> list[Any]:
        return [
            (c, _fitted(receiver)) for c, receiver in super()._overriding_steps(sender, snapshot)
        ]


def _fitted(receiver: Callable[..., Any] | None) -> Callable[..., Any] | None:
    # The payload has a key `sender`, which is also the usual name of the first parameter.
    it: Any = receiver
    first = int(type(it) is MethodType)
    function: Any = it.__func__ if first else it
    if receiver is None or type(function) is not FunctionType:
        return receiver
    code = function.__code__
    if first >= code.co_argcount or code.co_varnames[first] != "sender":
        return receiver
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    wanted = "connected_sender" in names or code.co_flags & _VARKEYWORDS

    @wraps(receiver)
    def fitting(signal: Signal, *, sender: Any, **payload: Any) -> Any:
        if wanted:
            payload["connected_sender"] = sender
        return receiver(signal, **payload)

    return fitting


class NamedSignal(Signal):
    """A signal with a name.

    Args:
        name: Usually a string; any hashable will do, as in Blinker.
        doc: Its docstring.
    """

    def __init__(self, name: str, doc: str | None = None) -> None:
        super().__init__(doc)
        # A str, where the engine's signals may have None.
        self.name: str = name  # pyright: ignore[reportIncompatibleVariableOverride]

    def _described(self) -> str:
        return f"{super()._described()[:-1]}; {self.name!r}>"


class _SignalsOnly(dict[str, NamedSignal]):
    """A dict that accepts only signals as values."""

    # A dict's methods come before those of Heliograph's namespaces, which only read like one.
    vars().update({it: getattr(dict, it) for it in vars(heliograph.Namespace) if it in vars(dict)})
    # Copied and pickled like a dict.
    __copy__ = __deepcopy__ = None
    __reduce_ex__: Any = dict.__reduce_ex__

    # Shown like a dict, but shortened.
    def __repr__(self) -> str:
        return in_its_words(self)

    def _described(self) -> str:
        return dict.__repr__(self)

    def __setitem__(self, name: str, signal: NamedSignal) -> None:
        _check_signal(name, signal)
        # Not `super()`: once this has Blinker's class among its bases, a dict comes late.
        dict.__setitem__(self, name, signal)

    def setdefault(self, name: str, signal: NamedSignal) -> NamedSignal:
        """Return the signal of that name; add *signal* if there is none yet."""
        _check_signal(name, signal)
        return dict.setdefault(self, name, signal)


# A dict's methods come first, as they accept more than those of a namespace.
class Namespace(_SignalsOnly, heliograph.Namespace):  # type: ignore[misc]
    """A dict of signals by name, which can also declare signals, as `heliograph.Namespace`."""

    # A copy shares nothing with the original.
    _not_copied = heliograph.Namespace._not_copied | {"_shared", "_templates", "_nested"}

    @property
    def _names(self) -> Any:  # type: ignore[override]  # It is never assigned.
        """The table of names: over this dict, or the one that the default namespaces share."""
        state = vars(self)
        if "_shared" in state:
            return state["_shared"]
        # Made at each access, as the two would otherwise refer to each other.
        names = self._names_class(self, state.get("_templates"), NamedSignal)
        names.templates = state.setdefault("_templates", names.templates)
        return names

    def signal(self, name: str, doc: str | None = None) -> NamedSignal:
        """Return the signal of that name; make it if it does not exist yet.

        Args:
            name: Any hashable.
            doc: The signal's docstring. If several calls give one, the first stays.
        """
        found: NamedSignal = self._names.signal(name, doc)
        return found

    def _share(self) -> None:
        """Become the default namespace of Heliograph, too."""
        vars(self)["_shared"] = names = heliograph.default_namespace._names
        names.join(self, NamedSignal)
        for it in tuple(self.values()):
            # A signal with meta-signals keeps its class, which decides their payload.
            if type(it) is heliograph.Signal and not vars(it).keys() & _META:
                it.__class__ = NamedSignal
                it.__dict__.pop("receivers", None)  # It has another kind of them now.
                it._registry.strict = False


def _check_signal(name: object, signal: object) -> None:
    if not isinstance(signal, heliograph.Signal):
        msg = (
            f"{signal!r} cannot be in a namespace as {name!r}: it is not a signal. "
            "Use namespace.signal(name) to make one."
        )
        raise TypeError(msg)


default_namespace: Namespace = Namespace()
"""The namespace of `signal`, and of `heliograph.signal` too."""

default_namespace._share()

signal: _PNamespaceSignal = default_namespace.signal
"""`Namespace.signal` of the default namespace."""


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        # Only annotations use these, and importing `typing` takes longer than all the rest.
        if name not in {"F", "_PNamespaceSignal"}:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        from heliograph.blinker import annotating

        return getattr(annotating, name)
