"""Standing in for Blinker: as the module `blinker`, and in all that it has made already."""

from __future__ import annotations

import sys
from types import MethodType

import heliograph
from heliograph import ANY, ReceiverWarning
from heliograph.blinker import _utilities, base
from heliograph.blinker.reading import TABLES, everything, rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from heliograph.blinker.reading import Row

_META = ("receiver_connected", "receiver_disconnected")
_SENDING = ("send", "send_async", "receivers_for", "has_receivers_for", "connected_to", "muted")


def install() -> None:
    """Make Heliograph the module ``blinker``, for everything in this process.

    What is imported afterwards gets Heliograph under Blinker's name. What Blinker
    has made before becomes Heliograph's in place: its signals stay the very same
    objects, with all their connections, and the classes that others imported or
    derived make Heliograph signals from now on. `heliograph.signal` and Blinker's
    ``signal`` give the same signal for a name.

    Best called first of all. Calling it again does nothing. Other threads wait for a moment,
    so that they find one engine or the other; in an interpreter without a GIL they cannot, and
    it has to be called before they start.

    Raises:
        RuntimeError: If a signal of the same name is in the default namespaces of
            both Blinker and Heliograph; or if a Blinker before 1.8.1 has
            been imported already. Nothing has changed then.

    Warns:
        ReceiverWarning: For each receiver that cannot be taken over.
    """
    package = sys.modules["heliograph.blinker"]
    ours = {"blinker": package, "blinker.base": base, "blinker._utilities": _utilities}
    theirs = {name: sys.modules[name] for name in ours if name in sys.modules}
    if theirs.get("blinker") is package:
        return
    not_taken: list[Exception] = []
    if theirs:
        not_taken = _take_over(theirs, ours)
    sys.modules.update(ours)
    # Last of all, because a warning may be an error.
    for problem in not_taken:
        from warnings import warn

        warn(f"Not taken over from Blinker: {problem}", ReceiverWarning, stacklevel=2)


def _take_over(theirs: dict[str, ModuleType], ours: dict[str, ModuleType]) -> list[Exception]:
    # Before all others wait, as imports may wait for them: these need what Blinker has imported.
    import heliograph.blinker.inheriting  # noqa: F401 - as just told.
    from heliograph.blinker.alone import alone

    their_base = theirs["blinker.base"]
    _check_version(their_base)
    # What is sent meanwhile gets to its end by either; what is being changed does not.
    with alone(lambda it: it.f_globals is vars(their_base) and it.f_code.co_name not in _SENDING):
        not_taken = _adopt(their_base, ours["blinker"])
        for name, module in theirs.items():
            _rename(module, ours[name])
    # Their functions call ours from now on, and are still those of their module.
    base.Signal._pass_over("blinker")
    return not_taken


def _check_version(theirs: ModuleType) -> None:
    # Before 1.8.1 it kept hashes of strings, from which nobody can tell the senders.
    make_id = getattr(theirs, "make_id", hash)
    if make_id("sender") != "sender":
        msg = (
            "This Blinker, which has been imported already, is older than 1.8.1 and does not "
            "know what its signals are connected for. Call install() before Blinker is "
            "imported, use `heliograph run`, or upgrade Blinker."
        )
        raise RuntimeError(msg)


def _rename(theirs: ModuleType, ours: ModuleType) -> None:
    """Give the same names the same meaning, for those who imported Blinker as a module."""
    for name in vars(theirs).keys() & vars(ours).keys():
        if not name.startswith("__"):
            setattr(theirs, name, getattr(ours, name))


def _adopt(theirs: ModuleType, package: ModuleType) -> list[Exception]:
    from heliograph.blinker.inheriting import replace_classes

    _join_default_namespaces(theirs, package)
    known = everything()
    _make_proxies(type(theirs.ANY), known)
    signals = [it for it in known if issubclass(type(it), theirs.Signal)]
    meta = {id(vars(signal).get(name)) for signal in signals for name in _META}
    bases = [base.MetaSignal if id(signal) in meta else base.Signal for signal in signals]
    made, not_taken = _made_again(rows(signals, known), bases, theirs.Signal)
    # Before the classes, so that whoever sends meanwhile finds one engine or the other.
    for signal, registry in zip(signals, made, strict=True):
        vars(signal)["_registry"] = registry
    kinds = replace_classes(theirs)
    for signal, registry in zip(signals, made, strict=True):
        kind = base.MetaSignal if id(signal) in meta else kinds.get(type(signal), type(signal))
        _adopt_signal(signal, kind, registry)
    for it in known:
        if type(it) is theirs.Namespace:
            it.__class__ = base.Namespace
    return not_taken


def _make_proxies(symbols: Any, known: list[Any]) -> None:
    """Let their ANY stand for ours from now on, as a proxy does."""
    symbols._get_current_object = lambda symbol: type(ANY)(symbol.name)
    # Signals of ours may have met it before, as a sender like any other.
    base.Signal._forget_type(id(symbols))
    for it in known:
        if issubclass(type(it), heliograph.Signal):
            it._registry.override(on=it._registry.overridden)


def _join_default_namespaces(theirs: ModuleType, package: ModuleType) -> None:
    joined = theirs.default_namespace
    both = heliograph.default_namespace._names.signals.keys() & joined.keys()
    if both:
        names = ", ".join(map(repr, sorted(both, key=repr)))
        msg = (
            f"The default namespaces of Blinker and of Heliograph both have {names}, and nobody "
            "can tell which of the two signals is meant. Call install() before making signals."
        )
        raise RuntimeError(msg)
    base.Namespace._share(joined)
    for module in (base, package):
        vars(module)["default_namespace"] = joined
        vars(module)["signal"] = joined.signal


def _made_again(
    found: list[list[Row]], bases: list[type[base.Signal]], their_class: type
) -> tuple[list[Any], list[Exception]]:
    """Return the registries of signals with such connections, and what could not be connected."""
    not_taken: list[Exception] = []
    registries = []
    for connections, kind in zip(found, bases, strict=True):
        made = kind()
        for receiver, sender, weak in connections:
            try:
                made.connect(_with_our_method(receiver, their_class), sender, weak)
            except Exception as error:  # noqa: BLE001 - an unbound proxy may raise anything.
                not_taken.append(error)
        registries.append(made._registry)
    return registries, not_taken


def _with_our_method(receiver: Any, their_class: type) -> Any:
    # What is connected may be a signal's `send`, which is another method from now on.
    if type(receiver) is MethodType and issubclass(type(receiver.__self__), their_class):
        name = getattr(receiver, "__name__", "")
        if vars(their_class).get(name) is receiver.__func__:
            return MethodType(getattr(base.Signal, name), receiver.__self__)
    return receiver


def _adopt_signal(signal: Any, kind: type[base.Signal], registry: Any) -> None:
    theirs = dict(vars(signal))
    # First, so that whoever sends meanwhile finds one engine or the other.
    vars(signal)["_registry"] = registry
    signal.__class__ = kind
    if kind._brings_tables():
        for name in TABLES:
            getattr(signal, name).clear()
        # Sends look there first, and would find it in place of what the tables hold.
        del vars(signal)["_registry"]
        signal._registry = registry
    for name in (*TABLES, "is_muted"):
        vars(signal).pop(name, None)
    signal._mirror()
    signal._ask_again()
    if theirs.get("is_muted"):
        signal.is_muted = True
