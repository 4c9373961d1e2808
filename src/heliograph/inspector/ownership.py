"""Tells what a program makes itself from what it uses: by where the modules are installed."""

from __future__ import annotations

import gc
import os
import re
import sys
from dataclasses import replace
from functools import cache
from sysconfig import get_path
from typing import TYPE_CHECKING, Any

from heliograph import Namespace, Signal, default_namespace
from heliograph.describe import variables
from heliograph.inspector.finding import SignalGroup, found_in, loaded
from heliograph.inspector.static import is_a, of_kinds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from types import ModuleType

_OURS = "heliograph"
# Debian installs packages into a folder that `sysconfig` does not name.
_PACKAGES = re.compile(r"[/\\](site|dist)-packages[/\\]")
_PLACES = ("purelib", "platlib", "stdlib", "platstdlib")


def own_modules(packages: Iterable[str] = ()) -> list[ModuleType]:
    """Return the imported modules that belong to the program, sorted by name.

    Those are the modules that are not installed, as the standard library and packages are.

    Args:
        packages: Names of modules and packages that count as well, wherever they are.
    """
    named = {it.__name__ for it in loaded(packages)}
    # Some programs put other objects there.
    everything = loaded(tuple(sys.modules))
    return [it for it in everything if it.__name__ in named or _is_own(it)]


def whole_program(own: Iterable[ModuleType]) -> list[SignalGroup]:
    """Return every signal that an imported module holds, the program's own ones first.

    The signals of the function ``signal``, Heliograph's or Blinker's, come after those; then
    those of the packages that the program uses. Heliograph's own life-cycle signals are left
    out while nobody has connected to any of them.

    Args:
        own: The modules of the program.
    """
    mine = list(own)
    usual = dict.fromkeys(default_namespace.values())
    groups = found_in(mine)
    known = {it for group in groups if group.name is not None for it in group.signals}
    groups = [_without(it, usual) if it.name is None else it for it in groups]
    by_name = tuple(it for it in usual if it not in known)
    groups.append(SignalGroup("default", "heliograph.default_namespace", by_name))
    known.update(*(it.signals for it in groups))
    return [it for it in groups if it.signals] + list(_of_packages(mine, known))


def held_by_objects(groups: Iterable[SignalGroup]) -> tuple[Signal, ...]:
    """Return the living signals that no module holds: those of objects, or of running functions.

    They are found among all objects that Python's collector knows, which takes a tenth of a
    second in a large program.

    Args:
        groups: What is known already.
    """
    known = {it for group in groups for it in group.signals}
    known.update(it for _, it in variables(lambda _, value: is_a(value, Signal)))
    living = living_signals()
    # What a signal sends of its own connections, and what patterns keep for later signals.
    known.update(it for signal in living for it in vars(signal).values() if is_a(it, Signal))
    found = [it for it in living if it not in known and not _is_template(it)]
    return tuple(sorted(found, key=lambda it: str(it.name or "")))


def living_signals() -> list[Signal]:
    """Return all signals of the process, whoever holds them."""
    found: list[Any] = of_kinds(gc.get_objects(), lambda it: issubclass(it, Signal))
    return found


def _is_template(signal: Signal) -> bool:
    return bool(set(str(signal.name)) & set("*?["))


def _without(group: SignalGroup, others: Collection[Signal]) -> SignalGroup:
    return replace(group, signals=tuple(it for it in group.signals if it not in others))


def _of_packages(own: Iterable[ModuleType], known: set[Signal]) -> Iterator[SignalGroup]:
    names = {it.__name__ for it in own}
    used = [it for it in loaded(tuple(sys.modules)) if it.__name__ not in names and _has_any(it)]
    for group in found_in(used):
        left = tuple(it for it in group.signals if it not in known)
        if left and (not _is_ours(group) or any(it.receivers for it in left)):
            yield SignalGroup(group.name, group.variable, left, own=False)


def _is_ours(group: SignalGroup) -> bool:
    return group.variable.partition(".")[0] == _OURS


def _has_any(module: ModuleType) -> bool:
    """Tell whether it is worth to read the source of a module."""
    for value in vars(module).values():
        if is_a(value, Signal) or is_a(value, Namespace):
            return True
        if is_a(value, dict) and value and is_a(next(iter(value.values()), None), Signal):
            return True
    return False


def _is_own(module: ModuleType) -> bool:
    file = module.__dict__.get("__file__")
    if not isinstance(file, str) or module.__name__.partition(".")[0] == _OURS:
        return False
    return not _is_installed(file)


# A program is asked again and again, and `sysconfig` works out its paths each time.
@cache
def _is_installed(file: str) -> bool:
    path = os.path.realpath(file)
    return path.startswith(_places()) or _PACKAGES.search(path) is not None


@cache
def _places() -> tuple[str, ...]:
    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - as `sys.path` has it.
    places = [*map(get_path, _PLACES), ours]
    return tuple(os.path.realpath(it) + os.sep for it in places)
