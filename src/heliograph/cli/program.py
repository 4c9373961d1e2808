"""A program that has been loaded: its modules, and the signals that the user named in it."""

from __future__ import annotations

import shlex
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

import click

from heliograph import Signal
from heliograph.cli.frameworks import kind_of
from heliograph.cli.loading import blame, load_settings, prepare
from heliograph.cli.searching import Search
from heliograph.inspector import (
    SignalGroup,
    UnloadedInfo,
    as_namespace,
    found_in,
    held_by_objects,
    never_loaded,
    own_modules,
    read,
    unloaded,
    whole_program,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from heliograph.inspector import Catalogue

_HOW = "Write MODULE, FILE, MODULE:NAME or MODULE:FACTORY(ARGUMENTS)."


@dataclass(frozen=True)
class Program:
    """A program that has been loaded.

    Attributes:
        name: What the user calls it.
        packages: Names of packages that are its own, wherever they are installed.
        value: What the user named: an application or a part of the program. It is kept here, as
            connections end with their sender.
        chosen: The only signals that are meant, or None if all are.
    """

    name: str
    packages: tuple[str, ...]
    value: object
    chosen: SignalGroup | None = None

    def modules(self) -> list[ModuleType]:
        """Return the modules that are its own."""
        return own_modules(self.packages)

    def groups(self) -> list[SignalGroup]:
        """Return its signals, and those of the packages that it uses."""
        if self.chosen is not None:
            return [self.chosen]
        groups = whole_program(self.modules())
        loose = held_by_objects(groups)
        return groups + ([SignalGroup(None, "held by objects", loose)] if loose else [])

    def catalogue(self, groups: list[SignalGroup] | None = None) -> Catalogue:
        """Describe its signals, and those of the packages that it uses."""
        own = self.modules()
        found = self.groups() if groups is None else groups
        names = [it.__name__ for it in own]
        lazy = [UnloadedInfo(it, frozenset(), makes=True) for it in never_loaded(names)]
        seen = {it.name for it in lazy}
        lacking = unloaded(it for it in own if "." not in it.__name__)
        return read(self.name, found, own, lazy + [it for it in lacking if it.name not in seen])


def load_program(name: str, further: Sequence[str]) -> Program:
    """Load a program, with Heliograph in Blinker's place from its first import on.

    What it prints meanwhile goes to the error output.

    Args:
        name: A module or a file; then a name in it, or the call of a factory.
        further: Modules to import as well; ``shop.*`` for all modules of a package.

    Raises:
        click.ClickException: If it does not exist, or if loading it fails.
    """
    prepare()
    load_settings()
    sys.path.append(str(Path.cwd()))
    with redirect_stdout(sys.stderr):
        search = Search(name, "program", _HOW)
        value = search.obvious() if search.expression is None else _named(search)
        import_further(further)
    named = (search.module.__name__, *further)
    packages = tuple({it.partition(".")[0]: None for it in named})
    return Program(name, packages, value, _chosen(search, value))


def import_further(names: Sequence[str]) -> None:
    """Import modules; ``shop.*`` stands for all modules of a package.

    Raises:
        click.ClickException: If one does not exist, or if importing it fails.
    """
    for name in names:
        module = _imported(name.removesuffix(".*"))
        if name.endswith(".*"):
            if not hasattr(module, "__path__"):
                msg = f"{name!r} has nothing to import: {module.__name__!r} is not a package."
                raise click.ClickException(msg)
            _import_below(module)


def _import_below(module: ModuleType) -> None:
    for it in iter_modules(getattr(module, "__path__", ()), f"{module.__name__}."):
        # It is a program, and importing it would run it.
        if not it.name.endswith(".__main__"):
            _import_below(_imported(it.name))


def _imported(name: str) -> ModuleType:
    if name.endswith(".py") and Path(name).is_file():
        module = ".".join(Path(name).with_suffix("").parts)
        msg = f"{name!r} is a file. Write it as a module: {module!r}."
        raise click.ClickException(msg)
    if not all(map(str.isidentifier, name.split("."))):
        msg = f"{name!r} is not the name of a module. Write it as in an import statement."
        raise click.ClickException(msg)
    try:
        return import_module(name)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the module may raise anything.
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            msg = f"There is no module {name!r}: it cannot be found from {Path.cwd()}."
            raise click.ClickException(msg) from None
        blame(name, error, f"python -c {shlex.quote(f'import {name}')}")


def _named(search: Search) -> Any:
    expression, values = str(search.expression), vars(search.module)
    if expression.isidentifier() and expression not in values:
        close = get_close_matches(expression, values, 1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        search.refuse(f"module {search.module.__name__!r} has no {expression!r}.{hint}")
    return search.named(expression)


def _chosen(search: Search, value: object) -> SignalGroup | None:
    """Return the signals that are meant by a value; None if that is an application."""
    if search.expression is None or kind_of(value) is not None:
        return None
    if isinstance(value, Signal):
        groups = found_in([search.module, *own_modules()])
        nowhere = SignalGroup(None, "", ())
        group = next((it for it in groups if value in it.signals), nowhere)
        return SignalGroup(group.name, group.variable, (value,))
    found = as_namespace(f"{search.module.__name__}.{search.expression}", value)
    if found is None:
        search.refuse(
            f"{search.expression!r} is a {type(value).__qualname__}: neither an application, nor "
            "a namespace, nor a signal."
        )
    return found
