"""Where signals and namespaces can be imported from: as themselves they come out of a pickle."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    # The name of a module, that of a variable in it, and that of a signal in that namespace.
    Path = tuple[str, ...]


def path_of(it: Any) -> Path | None:
    """Return where a signal or a namespace can be imported from, or None.

    It is a variable of a module, or a signal of a namespace that is one.
    """
    known: Path | None = vars(it).get("_path")
    if known is None or _there(*known) is not it:
        known = _found(it)
        vars(it)["_path"] = known
    return known


def imported(module: str, variable: str, *names: str) -> Any:
    """Return what can be imported from there; a namespace makes a signal that it has not yet."""
    found = getattr(import_module(module), variable)
    for name in names:
        found = found._names.signal(name, None)
    return found


def _there(module: str, variable: str, *names: str) -> object:
    found = getattr(sys.modules.get(module), "__dict__", {}).get(variable)
    for name in names:  # It may be something else by now.
        found = getattr(getattr(found, "_names", None), "signals", {}).get(name)
    return found


def _found(it: Any) -> Path | None:
    name, found, kinds = getattr(it, "name", None), None, _Kinds()
    for module, variables in _modules():
        # What goes over all variables runs in C, as there are tens of thousands of them.
        if id(it) in map(id, variables.values()):
            return module, next(key for key, value in variables.items() if value is it)
        if found is None and any(map(kinds.__getitem__, map(type, variables.values()))):
            spaces = {key: value for key, value in variables.items() if kinds[type(value)]}
            found = _in_one_of(spaces, it, name, module)
    return found


def _in_one_of(spaces: dict[str, Any], it: object, name: object, module: str) -> Path | None:
    for variable, space in spaces.items():
        if isinstance(name, str) and space._names.signals.get(name) is it:
            return module, variable, name
    return None


class _Kinds(dict[type, bool]):
    """Whether the instances of a class are namespaces, found out once for each."""

    def __missing__(self, kind: type) -> bool:
        return self.setdefault(kind, any("_names_class" in vars(it) for it in kind.__mro__))


def _modules() -> Iterator[tuple[str, dict[str, Any]]]:
    """Give copies of the variables of all modules, by their names, and the program itself last."""
    for name in sorted(sys.modules, key="__main__".__eq__):
        module = sys.modules.get(name)
        # Some programs put other things there.
        if issubclass(type(module), ModuleType):
            yield name, vars(module).copy()
