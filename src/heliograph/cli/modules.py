"""Imports the modules of a target, and finds its namespaces."""

from __future__ import annotations

import shlex
import sys
from contextlib import redirect_stdout
from difflib import get_close_matches
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING

import click

from heliograph.cli.loading import blame, prepare, tell_of_lazy
from heliograph.inspector import as_namespace, found_in, loaded, read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from heliograph.inspector import Catalogue, SignalGroup

_HOW = "Write MODULE or MODULE:NAMESPACE, with the module as in an import statement."


def catalogue_of(target: str, further: Sequence[str]) -> Catalogue:
    """Return the catalogue of the signals of a target.

    Args:
        target: A module, or a module and a namespace in it.
        further: Modules to import as well; ``shop.*`` for all modules of a package.

    Raises:
        click.ClickException: If the target does not exist, or if importing it fails.
    """
    name, colon, variable = target.partition(":")
    prepare()
    sys.path.insert(0, str(Path.cwd()))
    # The output of modules is not part of the page.
    with redirect_stdout(sys.stderr):
        module = _imported(name)
        for it in further:
            _import_further(it)
    found = [_namespace(module, variable)] if colon else _signals_below(name)
    packages = {it.partition(".")[0] for it in (name, *further)}
    catalogue = read(target, found, loaded(packages))
    tell_of_lazy(packages)
    return catalogue


def _import_further(name: str) -> None:
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
        msg = f"{name!r} is not the name of a module. {_HOW}"
        raise click.ClickException(msg)
    try:
        return import_module(name)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the module may raise anything.
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            msg = f"There is no module {name!r}: it cannot be found from {Path.cwd()}. {_HOW}"
            raise click.ClickException(msg) from None
        blame(name, error, f"python -c {shlex.quote(f'import {name}')}")


def _namespace(module: ModuleType, variable: str) -> SignalGroup:
    try:
        value = attrgetter(variable)(module)
    except AttributeError:
        names = [name for name, it in vars(module).items() if as_namespace(name, it)]
        close = get_close_matches(variable, names, 1)
        there = f"Its namespaces are {', '.join(names)}." if names else "It has no namespace."
        hint = f"Did you mean {close[0]!r}?" if close else there
        msg = f"Module {module.__name__!r} has no {variable!r}. {hint}"
        raise click.ClickException(msg) from None
    found = as_namespace(f"{module.__name__}.{variable}", value)
    if found is None:
        msg = (
            f"{variable!r} in module {module.__name__!r} is not a namespace with signals: "
            f"it is a {type(value).__qualname__}."
        )
        raise click.ClickException(msg)
    return found


def _signals_below(name: str) -> list[SignalGroup]:
    found = found_in(loaded([name]))
    if not found:
        msg = (
            f"Module {name!r} makes no signals. Name the module that makes them, or a namespace "
            "that this one imports, MODULE:NAMESPACE; --import 'PACKAGE.*' imports a whole package."
        )
        raise click.ClickException(msg)
    return found
