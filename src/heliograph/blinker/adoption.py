"""Stands in for Blinker: as the module `blinker`, and in the objects that Blinker has made."""

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

    Later imports of ``blinker`` get Heliograph. Signals that Blinker has made become
    Heliograph signals in place: they stay the same objects, with all their connections.
    Blinker's classes that a program has imported or derived from make Heliograph signals
    from now on. `heliograph.signal` and Blinker's ``signal`` return the same signal for a
    name.

    Call it before anything else. Calling it again does nothing. All other threads wait
    for a moment, so that each finds either engine complete; in an interpreter without a
    GIL they cannot, so call it before starting threads.

    Raises:
        RuntimeError: If the default namespaces of both Blinker and Heliograph have a
            signal of the same name, or if a Blinker before 1.8.1 was imported already.
            Nothing has changed then.

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
    # At the end, because a filter may turn the warning into an error.
    for problem in not_taken:
        from warnings import warn

        warn(f"Not taken over from Blinker: {problem}", ReceiverWarning, stacklevel=2)


def _take_over(theirs: dict[str, ModuleType], ours: dict[str, ModuleType]) -> list[Exception]:
    # Imported before the other threads are made to wait, as an import may wait for one of them.
    import heliograph.blinker.inheriting  # noqa: F401 - it reads Blinker's classes when it is imported.
    from heliograph.blinker.alone import alone

    their_base = theirs["blinker.base"]
    _check_version(their_base)
    # A send that is under way can end in either engine; a change that is under way cannot.
    with alone(lambda it: it.f_globals is vars(their_base) and it.f_code.co_name not in _SENDING):
        not_taken = _adopt(their_base, ours["blinker"])
        for name, module in theirs.items():
            _rename(module, ours[name])
    # Blinker's functions forward to ours from now on: their frames are not the user's code.
    base.Signal._pass_over("blinker")
    return not_taken


def _check_version(theirs: ModuleType) -> None:
    # Before 1.8.1 Blinker kept hashes of strings, which do not tell the senders.
    make_id = getattr(theirs, "make_id", hash)
    if make_id("sender") != "sender":
        msg = (
            "The Blinker that is imported already is older than 1.8.1 and does not know the "
            "senders of its connections. Call install() before Blinker is imported, use "
            "`heliograph run`, or upgrade Blinker."
        )
        raise RuntimeError(msg)


def _rename(theirs: ModuleType, ours: ModuleType) -> None:
    """Give the names in a module of Blinker's the objects of our module."""
    for name in vars(theirs).keys() & vars(ours).keys():
        if not name.startswith("__"):
            setattr(theirs, name, getattr(ours, name))


# 1. Share the default namespace, and let Blinker's `ANY` stand for ours.
# 2. Read Blinker's tables, and make the same connections to new signals of ours.
# 3. Give each signal of Blinker's the registry of its new signal.
# 4. Let Blinker's classes make our signals.
# 5. Give each signal our class, which empties Blinker's tables.
# The registry comes before the class (3 before 5), so that a send of another thread in between
# finds one engine or the other complete.
def _adopt(theirs: ModuleType, package: ModuleType) -> list[Exception]:
    from heliograph.blinker.inheriting import replace_classes

    _join_default_namespaces(theirs, package)
    known = everything()
    _make_proxies(type(theirs.ANY), known)
    signals = [it for it in known if issubclass(type(it), theirs.Signal)]
    meta = {id(vars(signal).get(name)) for signal in signals for name in _META}
    bases = [base.MetaSignal if id(signal) in meta else base.Signal for signal in signals]
    made, not_taken = _made_again(rows(signals, known), bases, theirs.Signal)
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
    """Let their `ANY` stand for ours from now on, as a proxy does."""
    symbols._get_current_object = lambda symbol: type(ANY)(symbol.name)
    # Our signals may have met it before, as a sender like any other.
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
            f"The default namespaces of Blinker and of Heliograph both have {names}, and it is "
            "unclear which of the two signals is meant. Call install() before making signals."
        )
        raise RuntimeError(msg)
    base.Namespace._share(joined)
    for module in (base, package):
        vars(module)["default_namespace"] = joined
        vars(module)["signal"] = joined.signal


def _made_again(
    found: list[list[Row]], bases: list[type[base.Signal]], their_class: type
) -> tuple[list[Any], list[Exception]]:
    """Return the registries of signals with these connections, and the errors of the others."""
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
    # A receiver may be the `send` of a signal, which is another method from now on.
    if type(receiver) is MethodType and issubclass(type(receiver.__self__), their_class):
        name = getattr(receiver, "__name__", "")
        if vars(their_class).get(name) is receiver.__func__:
            return MethodType(getattr(base.Signal, name), receiver.__self__)
    return receiver


def _adopt_signal(signal: Any, kind: type[base.Signal], registry: Any) -> None:
    theirs = dict(vars(signal))
    # Again, as the signal may have changed since; and before the class, as in `_adopt`.
    vars(signal)["_registry"] = registry
    signal.__class__ = kind
    if kind._brings_tables():
        for name in TABLES:
            getattr(signal, name).clear()
        # Sends look in `vars` first, and would find it instead of the registry in the tables.
        del vars(signal)["_registry"]
        signal._registry = registry
    for name in (*TABLES, "is_muted"):
        vars(signal).pop(name, None)
    signal._mirror()
    signal._ask_again()
    if theirs.get("is_muted"):
        signal.is_muted = True
