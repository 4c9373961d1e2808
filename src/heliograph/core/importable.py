"""Finds where signals and namespaces can be imported from, so that a pickle gives them back."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    # A module, a variable in it, and the name of a signal if the variable is a namespace.
    Path = tuple[str, ...]


# What the program itself is called, also in the processes that `multiprocessing` starts.
_PROGRAM = ("__main__", "__mp_main__")


def path_of(it: Any) -> Path | None:
    """Return where a signal or a namespace can be imported from, or None.

    That is a variable of a module, or a signal of a namespace that is such a variable.
    """
    known: Path | None = vars(it).get("_path")
    if known is None or _there(*known) is not it:
        known = _found(it)
        vars(it)["_path"] = known
    return known


def imported(module: str, variable: str, *names: str) -> Any:
    """Import it from there; a namespace makes the signal if it does not exist yet."""
    found = getattr(import_module(module), variable)
    for name in names:
        found = found._names.signal(name, None)
    return found


def _there(module: str, variable: str, *names: str) -> object:
    found = getattr(sys.modules.get(module), "__dict__", {}).get(variable)
    for name in names:  # The variable may be something else by now.
        found = getattr(getattr(found, "_names", None), "signals", {}).get(name)
    return found


def _found(it: Any) -> Path | None:
    name, found, kinds = getattr(it, "name", None), None, _Kinds()
    for module, variables in _modules():
        # There are tens of thousands of variables: the loops over all of them run in C.
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
    """Whether instances of a class are namespaces, found out once per class."""

    def __missing__(self, kind: type) -> bool:
        return self.setdefault(kind, any("_names_class" in vars(it) for it in kind.__mro__))


def _modules() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each module's name and a copy of its variables, the main program last."""
    for name in sorted(sys.modules, key=_PROGRAM.__contains__):
        module = sys.modules.get(name)
        # Some programs put objects there that are not modules.
        if issubclass(type(module), ModuleType):
            yield name, vars(module).copy()
