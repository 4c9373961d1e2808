"""Finds the signals that modules hold, by namespace."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.machinery import PathFinder
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from heliograph import Namespace, Signal
from heliograph.inspector.looking import is_a
from heliograph.inspector.sources import imported, inside, parsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from importlib.machinery import ModuleSpec


@dataclass(frozen=True)
class Found:
    """Signals that belong together.

    Attributes:
        name: What their namespace is called, or None if they are in none.
        variable: Where the namespace can be imported from, or "".
        signals: The signals, in the order of the namespace.
    """

    name: str | None
    variable: str
    signals: tuple[Signal, ...]


def loaded(names: Iterable[str]) -> list[ModuleType]:
    """Return the modules of these names that are imported, and all below them, by name."""
    found = _at_or_below(names, sys.modules)
    # Some programs put other things there.
    return [sys.modules[name] for name in found if is_a(sys.modules[name], ModuleType)]


def never_loaded(names: Iterable[str], lazy: Iterable[str] | None = None) -> list[str]:
    """Return the modules of receivers of these names, and below them, that nothing has loaded yet.

    Their import is lazy (PEP 810), and nobody has used what it gives: so they have not run, and
    have connected nothing. A module is one of receivers if its source speaks of `connect`.
    Nothing is imported by looking.

    Args:
        names: Names of modules and packages.
        lazy: The lazy imports to look through; those that wait in this interpreter by default,
            which are none before Python 3.15.
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
        source = None if spec is None else spec.loader.get_source(name)  # type: ignore[union-attr]
    except (AttributeError, ImportError, SyntaxError, ValueError):
        # It has no source, or cannot be found: whoever uses it will learn why.
        return False
    return source is not None and "connect" in source


def _spec(name: str) -> ModuleSpec | None:
    """Find a module without importing those above it; the name may be that of an attribute."""
    parent = name.rpartition(".")[0]
    if not parent or parent in sys.modules:
        return find_spec(name)
    above = _spec(parent)
    return above and PathFinder.find_spec(name, above.submodule_search_locations or ())


def found_in(modules: Iterable[ModuleType]) -> list[Found]:
    """Return the namespaces of modules, then the signals that are in none of them.

    What a module imports is not its own. A nested namespace is a part of the outer one.
    """
    held = list(held_by(modules))
    namespaces = list(_outermost([it for it in (as_namespace(*pair) for pair in held) if it]))
    known = {signal for it in namespaces for signal in it.signals}
    # A dict, as the same signal may be there by two names.
    loose = {it: None for _, it in held if is_a(it, Signal) and it not in known}
    return [*namespaces, Found(None, "", tuple(loose))] if loose else namespaces


def held_by(modules: Iterable[ModuleType]) -> Iterator[tuple[str, Any]]:
    """Give the variables of modules and of their classes, by where they can be imported from."""
    for module in modules:
        for name, it in _own(module).items():
            path = f"{module.__name__}.{name}"
            yield path, it
            if is_a(it, type) and it.__module__ == module.__name__:
                yield from ((f"{path}.{inner}", value) for inner, value in vars(it).items())


def as_namespace(variable: str, value: object) -> Found | None:
    """Return the signals of a namespace, which may be one of Blinker's; None for all else."""
    # A namespace of Blinker's is a dict of signals, and other dicts of signals will do as well.
    if is_a(value, dict):
        signals = value and all(is_a(it, Signal) for it in value.values())
        return Found(variable, variable, tuple(value.values())) if signals else None
    if is_a(value, Namespace):
        return Found(value.name or variable, variable, tuple(value.signals()))
    return None


def _own(module: ModuleType) -> dict[str, Any]:
    foreign = {name for node in inside(parsed(module)) for name in imported(node, module)}
    return {name: it for name, it in vars(module).items() if name not in foreign}


def _outermost(namespaces: Sequence[Found]) -> Iterator[Found]:
    """Leave out those that are nested in another one, or are one of the others once more."""
    contents = [frozenset(it.signals) for it in namespaces]
    for number, (it, mine) in enumerate(zip(namespaces, contents, strict=True)):
        if mine and mine not in contents[:number] and not any(mine < other for other in contents):
            yield it
