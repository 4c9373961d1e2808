"""Finds the signals that modules hold, and groups them by namespace."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.machinery import PathFinder
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from heliograph import Namespace, Signal
from heliograph.inspector.sources import imported_names, inside, parsed
from heliograph.inspector.static import is_a

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from importlib.machinery import ModuleSpec


@dataclass(frozen=True)
class SignalGroup:
    """Signals that belong together.

    Attributes:
        name: The name of their namespace, or None without a namespace.
        variable: Where the namespace can be imported from, or "".
        signals: The signals, in the order of the namespace.
        own: Whether the program makes them, and no package that it uses.
    """

    name: str | None
    variable: str
    signals: tuple[Signal, ...]
    own: bool = True


def loaded(names: Iterable[str]) -> list[ModuleType]:
    """Return the imported modules of these names, and those below them, sorted by name."""
    found = _at_or_below(names, sys.modules)
    # Some programs put other objects there.
    return [sys.modules[name] for name in found if is_a(sys.modules[name], ModuleType)]


def never_loaded(names: Iterable[str], lazy: Iterable[str] | None = None) -> list[str]:
    """Return the modules of receivers, at or below these names, that nothing has loaded yet.

    They were imported lazily (PEP 810) and nothing has used them: they have not run, so they have
    connected nothing. A module counts as one of receivers if its source contains `connect`.
    This imports nothing.

    Args:
        names: Names of modules and packages.
        lazy: The names of lazy imports; by default, those of this interpreter, which has none
            before Python 3.15.
    """
    waiting: Iterable[str] = getattr(sys, "lazy_modules", ()) if lazy is None else lazy
    found = [it for it in _at_or_below(names, set(waiting)) if it not in sys.modules]
    return [name for name in found if _connects(name)]


def _at_or_below(names: Iterable[str], modules: Iterable[str]) -> list[str]:
    wanted = tuple(names)
    below = tuple(f"{name}." for name in wanted)
    return [it for it in sorted(modules) if it in wanted or it.startswith(below)]


def _connects(name: str) -> bool:
    try:
        spec = _spec(name)
        source = None if spec is None else spec.loader.get_source(name)  # type: ignore[union-attr]  # Caught below.
    except (AttributeError, ImportError, SyntaxError, ValueError):
        # It has no source, or cannot be found: importing it will say why.
        return False
    return source is not None and "connect" in source


def _spec(name: str) -> ModuleSpec | None:
    """Find a module without importing its parents. The name may belong to an attribute."""
    parent = name.rpartition(".")[0]
    if not parent or parent in sys.modules:
        return find_spec(name)
    above = _spec(parent)
    return above and PathFinder.find_spec(name, above.submodule_search_locations or ())


def found_in(modules: Iterable[ModuleType]) -> list[SignalGroup]:
    """Return the namespaces of modules, then the signals that belong to none.

    Names that a module imports do not count as its own. A nested namespace is part of the
    outer one.
    """
    held = list(held_by(modules))
    namespaces = list(_outermost([it for it in (as_namespace(*pair) for pair in held) if it]))
    known = {signal for it in namespaces for signal in it.signals}
    # A dict, as two variables may hold the same signal.
    loose = {it: None for _, it in held if is_a(it, Signal) and it not in known}
    return [*namespaces, SignalGroup(None, "", tuple(loose))] if loose else namespaces


def held_by(modules: Iterable[ModuleType]) -> Iterator[tuple[str, Any]]:
    """Yield the variables of modules and of their classes, with the path to import them from."""
    for module in modules:
        for name, it in _own(module).items():
            path = f"{module.__name__}.{name}"
            yield path, it
            if is_a(it, type) and it.__module__ == module.__name__:
                yield from ((f"{path}.{inner}", value) for inner, value in vars(it).items())


def as_namespace(variable: str, value: object) -> SignalGroup | None:
    """Return the signals of a namespace, Blinker's included, or None if it is not a namespace."""
    # A namespace of Blinker's is a dict of signals, and any other dict of signals is as good.
    if is_a(value, dict):
        signals = value and all(is_a(it, Signal) for it in value.values())
        return SignalGroup(variable, variable, tuple(value.values())) if signals else None
    if is_a(value, Namespace):
        return SignalGroup(value.name or variable, variable, tuple(value.signals()))
    return None


def _own(module: ModuleType) -> dict[str, Any]:
    foreign = {name for node in inside(parsed(module)) for name in imported_names(node, module)}
    return {name: it for name, it in vars(module).items() if name not in foreign}


def _outermost(namespaces: Sequence[SignalGroup]) -> Iterator[SignalGroup]:
    """Leave out namespaces that are nested in another one, or that are there twice."""
    contents = [frozenset(it.signals) for it in namespaces]
    for number, (it, mine) in enumerate(zip(namespaces, contents, strict=True)):
        if mine and mine not in contents[:number] and not any(mine < other for other in contents):
            yield it
