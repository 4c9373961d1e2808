"""Reads the source of modules that are imported: its syntax, its imports, and its place."""

from __future__ import annotations

import ast
import functools
import inspect
import sys
import sysconfig
from importlib.util import resolve_name
from pathlib import Path
from typing import TYPE_CHECKING

from heliograph.inspector.looking import attribute

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def parsed(module: ModuleType) -> ast.Module:
    """Return the syntax tree of a module, an empty one where there is no source."""
    try:
        return ast.parse(inspect.getsource(module))
    except (OSError, TypeError, SyntaxError):
        return ast.Module(body=[], type_ignores=[])


def inside(node: ast.AST) -> Iterator[ast.AST]:
    """Give what is below a node, without entering the functions and classes that are there."""
    # A stack of our own: sums and chains of calls may be deeper than Python's.
    below = list(ast.iter_child_nodes(node))
    while below:
        child = below.pop()
        yield child
        if not isinstance(child, _SCOPES):
            below += ast.iter_child_nodes(child)


def imported(node: ast.AST, module: ModuleType) -> dict[str, object]:
    """Return the names that a statement imports, with what they stand for."""
    match node:
        case ast.Import(names=names):
            return dict(_module(it) for it in names)
        case ast.ImportFrom(names=[ast.alias(name="*")]):
            return dict(getattr(_source(node, module), "__dict__", {}))
        case ast.ImportFrom(names=names):
            source = _source(node, module)
            return {it.asname or it.name: attribute(source, it.name) for it in names}
        case _:
            return {}


def portable(where: str) -> str:
    """Return a ``file:line`` as it is on every machine: from here, or as Python imports it."""
    filename, _, line = where.rpartition(":")
    path = Path(filename)
    # Where Python installs comes first: an environment may be inside of the folder of its user.
    roots = [*_installed(), Path.cwd(), *map(Path, sys.path)]
    root = next((it for it in roots if path.is_relative_to(it)), None)
    return f"{path.relative_to(root).as_posix() if root else filename}:{line}"


def _module(alias: ast.alias) -> tuple[str, ModuleType | None]:
    # `import shop.web` binds `shop`, and `import shop.web as web` the inner one.
    if alias.asname:
        return alias.asname, sys.modules.get(alias.name)
    name = alias.name.partition(".")[0]
    return name, sys.modules.get(name)


def _source(node: ast.ImportFrom, module: ModuleType) -> ModuleType | None:
    try:
        name = resolve_name("." * node.level + (node.module or ""), module.__package__)
    except ImportError:
        return None  # It leaves its package; whoever runs it will be told.
    return sys.modules.get(name)


@functools.cache
def _installed() -> tuple[Path, ...]:
    # Libraries before Python's own, as their folder usually is inside of that.
    names = ("purelib", "platlib", "stdlib", "platstdlib")
    return tuple(Path(sysconfig.get_path(it)) for it in names)
