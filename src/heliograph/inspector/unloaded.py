"""Finds the modules of a program that would connect receivers, and were not imported."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from heliograph.inspector.syntax import syntax_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

_ENGINES = frozenset(("blinker", "heliograph"))
_CONNECTING = ("connect", "connect_via")
# They are programs, and importing them would run them.
_PROGRAMS = ("__main__", "setup", "conftest")


@dataclass(frozen=True)
class UnloadedInfo:
    """A module that was not imported.

    Attributes:
        name: Its name.
        connects: The last names of the objects, and the texts, on which it calls ``connect``:
            ``"order_paid"`` for ``signals.order_paid.connect``.
        makes: Whether it imports a library of signals, and so may make signals itself.
    """

    name: str
    connects: frozenset[str]
    makes: bool


def unloaded(packages: Iterable[ModuleType]) -> list[UnloadedInfo]:
    """Return the modules below packages that call ``connect`` and are not imported.

    This imports nothing.

    Args:
        packages: Imported packages; a module that is no package has nothing below it.
    """
    below = (it for package in packages for it in _below(package) if it[0] not in sys.modules)
    found = (_read(name, path) for name, path in below)
    return [it for it in found if it is not None]


def _below(package: ModuleType) -> Iterator[tuple[str, Path]]:
    for folder in getattr(package, "__path__", ()):
        yield from _modules(package.__name__, Path(folder))


def _modules(package: str, folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.glob("*.py")):
        if path.stem == "__init__":
            yield package, path
        elif path.stem not in _PROGRAMS:
            yield f"{package}.{path.stem}", path
    for path in sorted(folder.glob("*/__init__.py")):
        yield from _modules(f"{package}.{path.parent.name}", path.parent)


def _read(name: str, path: Path) -> UnloadedInfo | None:
    try:
        source = path.read_text(encoding="utf-8")
        tree = syntax_of(source) if "connect" in source else ast.Module([], [])
    except (OSError, SyntaxError, ValueError):
        return None  # Importing it will say why.
    nodes = list(ast.walk(tree))
    connects = frozenset(
        named
        for node in nodes
        if isinstance(node, ast.Attribute) and node.attr in _CONNECTING
        for named in _named(node.value)
    )
    # A module is no signal: `sqlite3.connect` connects something else.
    connects -= {it.asname or it.name for node in nodes for it in _modules_of(node)}
    makes = any(_imports_engine(node) for node in nodes)
    # What can be started is a program of its own, and connects for itself.
    starts = any(_starts(node) for node in tree.body)
    return UnloadedInfo(name, connects, makes) if connects and not starts else None


def _modules_of(node: ast.AST) -> list[ast.alias]:
    return node.names if isinstance(node, ast.Import) else []


def _starts(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"


def _imports_engine(node: ast.AST) -> bool:
    match node:
        case ast.ImportFrom(module=str(name), level=0):
            names = [name]
        case ast.Import(names=aliases):
            names = [it.name for it in aliases]
        case _:
            return False
    return not _ENGINES.isdisjoint(it.partition(".")[0] for it in names)


def _named(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            yield name
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            yield name
        case ast.Call(args=[ast.Constant(value=str(name)), *_]):
            yield name
