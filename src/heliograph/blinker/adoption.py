"""Standing in for Blinker: as the module `blinker`, and in the signals that it has made already."""

from __future__ import annotations

import gc
import sys
import weakref
from typing import TYPE_CHECKING, Any
from warnings import warn

from heliograph import ANY, ReceiverError, ReceiverWarning
from heliograph.blinker import _utilities, base

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator
    from types import ModuleType

# What Blinker keeps in an instance, which the engine takes over.
_META = ("receiver_connected", "receiver_disconnected")
_GONE = object()
_STATE = ("receivers", "_by_receiver", "_by_sender", "_weak_senders", "is_muted")


def install() -> None:
    """Make Heliograph the module ``blinker``, for everything in this process.

    What is imported afterwards gets Heliograph under Blinker's name. What Blinker
    has made before becomes Heliograph's in place: its signals stay the very same
    objects, with all their connections, and the classes that others imported or
    derived make Heliograph signals from now on.

    Best called first of all. Calling it again does nothing.

    Raises:
        RuntimeError: If a signal of the same name is in the default namespaces of
            both Blinker and `heliograph.blinker`. Nothing has changed then.
    """
    package = sys.modules["heliograph.blinker"]
    theirs = sys.modules.get("blinker")
    if theirs is package:
        return
    if theirs is not None:
        _adopt(sys.modules["blinker.base"], package)
    sys.modules["blinker"] = package
    sys.modules["blinker.base"] = base
    sys.modules["blinker._utilities"] = _utilities


def _adopt(theirs: ModuleType, package: ModuleType) -> None:
    _join_default_namespaces(theirs, package)
    # Their ANY stands for ours from now on, as a proxy does.
    type(theirs.ANY)._get_current_object = lambda symbol: type(ANY)(symbol.name)
    everything = gc.get_objects()
    signals = [it for it in everything if issubclass(type(it), theirs.Signal)]
    classes = _replace_classes(theirs)
    meta_class = _both(base.MetaSignal, theirs.Signal)
    meta = {id(vars(signal).get(name)) for signal in signals for name in _META}
    for signal in signals:
        kind = meta_class if id(signal) in meta else classes.get(type(signal), type(signal))
        _adopt_signal(signal, kind, everything)


def _join_default_namespaces(theirs: ModuleType, package: ModuleType) -> None:
    both = base.default_namespace.keys() & theirs.default_namespace.keys()
    if both:
        names = ", ".join(map(repr, sorted(both, key=repr)))
        msg = (
            f"Blinker's default namespace and heliograph.blinker's both have {names}, and nobody "
            "can tell which of the two signals is meant. Call install() before making signals."
        )
        raise RuntimeError(msg)
    theirs.default_namespace.update(base.default_namespace)
    for module in (base, package):
        vars(module)["default_namespace"] = theirs.default_namespace
        vars(module)["signal"] = theirs.default_namespace.signal


def _both(ours: type[base.Signal], theirs: type) -> type[base.Signal]:
    """Return a class that is ours, and theirs to `isinstance`."""
    names = {
        "__module__": ours.__module__,
        "__qualname__": ours.__qualname__,
        "__doc__": ours.__doc__,
    }
    return type(ours.__name__, (ours, theirs), names)


def _replace_classes(theirs: ModuleType) -> dict[type, type[base.Signal]]:
    """Let everybody who has got hold of their classes make our signals with them."""
    plain, named = _both(base.Signal, theirs.Signal), _both(base.NamedSignal, theirs.NamedSignal)
    replaced: dict[type, type[base.Signal]] = {theirs.Signal: plain, theirs.NamedSignal: named}

    def make(cls: type, *args: object, **kwargs: object) -> Any:
        return base.Signal.__new__(replaced.get(cls, cls), *args, **kwargs)

    def derive(cls: Any) -> None:
        if not issubclass(cls, base.Signal):
            cls.__bases__ = tuple(replaced.get(parent, parent) for parent in cls.__bases__)
            cls._note_overrides()

    for derived in _derived(theirs.Signal):
        if derived is not theirs.NamedSignal:
            derive(derived)
    theirs.Signal.__new__ = staticmethod(make)
    theirs.Signal.__init_subclass__ = classmethod(derive)
    theirs.Namespace.signal = base.Namespace.signal
    theirs.Namespace.signal_class = named
    return replaced


def _derived(cls: type[Any]) -> Iterator[type[Any]]:
    for derived in list(cls.__subclasses__()):
        yield derived
        yield from _derived(derived)


def _adopt_signal(signal: Any, kind: type[base.Signal], everything: list[Any]) -> None:
    theirs = dict(vars(signal))
    made = base.Signal()
    for receiver, sender, weak in _connections(theirs, everything):
        try:
            made.connect(receiver, sender, weak)
        except ReceiverError as error:
            warn(f"Not taken over from Blinker: {error}", ReceiverWarning, stacklevel=2)
    # One after the other, so that whoever sends meanwhile finds one engine or the other.
    signal._registry = made._registry
    signal.__class__ = kind
    for name in (*_STATE, "receivers_for"):
        vars(signal).pop(name, None)
    if "receivers_for" in theirs:
        signal.receivers_for = theirs["receivers_for"]
    signal._registry.override(on="receivers_for" in theirs or kind._overrides)
    signal.is_muted = theirs.get("is_muted", False)


def _connections(theirs: dict[str, Any], everything: list[Any]) -> Iterator[tuple[Any, Any, bool]]:
    """Give receiver, sender and whether the receiver is held weakly, from Blinker's tables."""
    for receiver_id, held in list(theirs.get("receivers", {}).items()):
        weak = isinstance(held, weakref.ref)
        receiver = held() if weak else held
        for sender_id in list(theirs["_by_receiver"].get(receiver_id, ())):
            sender = _sender(sender_id, theirs["_weak_senders"], everything)
            if receiver is not None and sender is not _GONE:
                yield receiver, sender, weak


def _sender(sender_id: Hashable, weak_senders: dict[Any, Any], everything: list[Any]) -> Any:
    if sender_id == base.ANY_ID:
        return ANY
    if sender_id in weak_senders:
        sender = weak_senders[sender_id]()
        return _GONE if sender is None else sender
    if type(sender_id) is not int:
        return sender_id
    # An integer that was given as the sender, or the id of something that cannot be referred
    # to weakly, of which Blinker keeps nothing else.
    return next((it for it in everything if id(it) == sender_id), sender_id)
