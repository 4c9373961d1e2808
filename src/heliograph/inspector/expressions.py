"""Evaluates expressions in the source of imported modules, without running code."""

from __future__ import annotations

import ast
from collections import ChainMap
from dataclasses import dataclass, replace
from types import MethodType, ModuleType
from typing import TYPE_CHECKING, Any

import heliograph
from heliograph import Namespace
from heliograph.inspector.sources import imported_names, inside
from heliograph.inspector.static import attribute, is_a

if TYPE_CHECKING:
    from collections.abc import Iterator

    Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True)
class SourceScope:
    """A module, a class or a function, with the values of the names in it.

    Attributes:
        name: Its qualified name, with the module.
        module: The module.
        names: The value of each name, None if unknown; the innermost map comes first.
        owner: The object that holds the names bound here: the module; a class, or its node
            if the class is not found; None in a function.
    """

    name: str
    module: ModuleType
    names: ChainMap[str, Any]
    owner: object

    @classmethod
    def of(cls, module: ModuleType) -> SourceScope:
        """Return the outermost scope of a module."""
        return cls(module.__name__, module, ChainMap(vars(module)), module)

    def entered(self, node: ast.AST) -> SourceScope:
        """Return the scope of the nodes below a node: a new one, or this one."""
        match node:
            case ast.ClassDef(name=name):
                held = attribute(self.owner, name)
                owner = node if held is None else held
                return replace(self, name=self._path(name), owner=owner)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names = self.names.new_child(self._bound(node))
                return replace(self, name=self._path(name), names=names, owner=None)
            case ast.Lambda():
                return replace(self, names=self.names.new_child(self._bound(node)), owner=None)
            case _:
                return self

    def value(self, node: ast.AST) -> object:
        """Return the value of an expression, or None if it is unknown."""
        match node:
            case ast.Name(id=name):
                return self.names.get(name)
            case ast.Attribute(value=owner, attr=name):
                return attribute(self.value(owner), name)
            case ast.Subscript(value=owner, slice=ast.Constant(value=str(name))):
                return _item(self.value(owner), name)
            case ast.Call(
                func=ast.Attribute(value=outer, attr="namespace"),
                args=[ast.Constant(value=str(name))],
            ):
                return _nested(self.value(outer), name)
            case ast.Call(func=maker, args=[ast.Constant(value=str(name)), *_]):
                return _item(self.namespace_of(maker), name)
            case _:
                return None

    def _path(self, name: str) -> str:
        # As in `__qualname__`.
        return f"{self.name}.<locals>.{name}" if self.owner is None else f"{self.name}.{name}"

    def _bound(self, function: Function) -> dict[str, object]:
        """Return the names that a function binds: imported ones with values, others with None."""
        below = list(inside(function))
        bound: dict[str, object] = {name: None for it in below for name in _binds(it)}
        for it in below:
            bound |= imported_names(it, self.module)
        parameters = [*function.args.posonlyargs, *function.args.args]
        if parameters and is_a(self.owner, type):
            # `self` has the signals of its class.
            bound[parameters[0].arg] = self.owner
        ours = {name for it in below if isinstance(it, ast.Global) for name in it.names}
        return {name: it for name, it in bound.items() if name not in ours}

    def namespace_of(self, maker: ast.expr) -> object:
        """Return the namespace whose method `signal`, or whose function, is called."""
        made = self.value(maker)
        if made is heliograph.signal:
            return heliograph.default_namespace
        if is_a(made, MethodType):
            return made.__self__  # Blinker's function `signal` is a method of a namespace.
        match maker:
            case ast.Attribute(value=namespace, attr="signal"):
                return self.value(namespace)
            case _:
                return None


def _item(namespace: object, name: str) -> object:
    if (is_a(namespace, Namespace) or is_a(namespace, dict)) and name in namespace:
        return namespace[name]
    return None


def _nested(outer: object, name: str) -> Namespace | None:
    # Only if it exists, as asking for it would make it.
    if is_a(outer, Namespace) and any(it.startswith(f"{name}.") for it in outer):
        return outer.namespace(name)
    return None


def _binds(node: ast.AST) -> Iterator[str]:
    match node:
        case (
            ast.arg(arg=name)
            | ast.Name(id=name, ctx=ast.Store())
            | ast.FunctionDef(name=name)
            | ast.AsyncFunctionDef(name=name)
            | ast.ClassDef(name=name)
            | ast.ExceptHandler(name=str(name))
            | ast.MatchAs(name=str(name))
        ):
            yield name
