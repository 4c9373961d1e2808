"""Reads the source of imported modules: their syntax, and what they import."""

from __future__ import annotations

import ast
import inspect
import sys
from importlib.util import resolve_name
from typing import TYPE_CHECKING

from heliograph.inspector.static import attribute
from heliograph.inspector.syntax import syntax_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def parsed(module: ModuleType) -> ast.Module:
    """Return the syntax tree of a module, or an empty one if it has no source."""
    try:
        return syntax_of(inspect.getsource(module))
    except (OSError, TypeError, SyntaxError):
        return ast.Module(body=[], type_ignores=[])


def inside(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes below a node, without entering functions and classes."""
    # Not recursive: sums and chains of calls may be nested deeper than Python's stack.
    below = list(ast.iter_child_nodes(node))
    while below:
        child = below.pop()
        yield child
        if not isinstance(child, _SCOPES):
            below += ast.iter_child_nodes(child)


def imported_names(node: ast.AST, module: ModuleType) -> dict[str, object]:
    """Return the names that a statement imports, with their values."""
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
        return None  # It leaves its package: importing it fails, and says so.
    return sys.modules.get(name)
