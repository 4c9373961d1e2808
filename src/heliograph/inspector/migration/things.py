"""What expressions in a program's source stand for: classes, namespaces, signals."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heliograph.inspector.migration.modules import Annotated, Imported, Parameter, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable

    from heliograph.inspector.migration.modules import Binding, Definition, Sources

_NAMESPACES = {
    *("blinker.Namespace", "blinker.base.Namespace", "flask.signals.Namespace"),
    *("quart.signals.Namespace", "heliograph.blinker.Namespace", "heliograph.Namespace"),
}
_BY_NAME = {
    *("blinker.signal", "blinker.base.signal", "heliograph.blinker.signal", "heliograph.signal"),
}
_BLINKER = {
    *("blinker.Signal", "blinker.base.Signal", "heliograph.blinker.Signal"),
    *("blinker.NamedSignal", "blinker.base.NamedSignal", "heliograph.blinker.NamedSignal"),
    "heliograph.Signal",
}
_DJANGO = {"django.dispatch.Signal", "django.dispatch.dispatcher.Signal"}
_DEFAULTS = {
    *("blinker.default_namespace", "blinker.base.default_namespace"),
    *("heliograph.blinker.default_namespace", "heliograph.default_namespace"),
}
# A chain of names is short, but an expression may be nested deeper than Python's stack.
_DEEPEST = 60


@dataclass(frozen=True)
class Known:
    """Something that can be imported by its name.

    Attributes:
        path: Its dotted name.
        scope: Its scope, if it is a module or a class of the program.
    """

    path: str
    scope: Scope | None = None


@dataclass(frozen=True)
class Instance:
    """An object of a class of the program."""

    scope: Scope


@dataclass(frozen=True)
class Group:
    """A namespace.

    Attributes:
        path: The dotted name of its variable; "" for Blinker's default one.
        place: The ``file:line`` that makes it.
    """

    path: str
    place: str = ""


@dataclass(frozen=True)
class Made:
    """A signal.

    Attributes:
        group: Its namespace; None for one of Django's, or one without a name.
        name: Its name in the namespace, or the dotted name of its variable.
        django: Whether it is Django's.
    """

    group: Group | None
    name: str
    django: bool = False


Thing = Known | Instance | Group | Made | None


class Things:
    """Finds out what expressions stand for, without importing anything.

    Args:
        sources: The program.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._deep = 0
        self._cut = False
        self._kept: dict[tuple[int, str], Thing] = {}

    def of(self, node: ast.expr, scope: Scope, variable: str = "") -> Thing:
        """Return what an expression stands for, or None.

        Args:
            node: The expression.
            scope: Where it is evaluated.
            variable: The dotted name of the variable that it is assigned to, if there is one.
        """
        if self._deep > _DEEPEST:
            self._cut = True
            return None
        self._deep += 1
        try:
            return self._of(node, scope, variable)
        finally:
            self._deep -= 1

    def _of(self, node: ast.expr, scope: Scope, variable: str) -> Thing:
        match node:
            case ast.Name(id=name):
                return self._named(scope, name)
            case ast.Attribute(value=value, attr=name):
                return self._attribute(self.of(value, scope), name)
            case ast.Subscript(value=value, slice=ast.Constant(value=str(name))):
                owner = self.of(value, scope)
                return Made(owner, name) if isinstance(owner, Group) else None
            case ast.Call():
                return self._call(node, scope, variable)
            case _:
                return None

    def is_maker(self, node: ast.expr, scope: Scope) -> bool:
        """Tell whether a function makes signals by name: it is a namespace's, or Blinker's own."""
        made = self.of(node, scope)
        if isinstance(made, Known) and made.path in _BY_NAME:
            return True
        match node:
            case ast.Attribute(value=value, attr="signal"):
                return isinstance(self.of(value, scope), Group)
            case _:
                return False

    def _named(self, scope: Scope, name: str) -> Thing:
        key = id(scope), name
        if key in self._kept:
            return self._kept[key]
        self._cut = False
        # Before it is known, so that a circle of names ends.
        self._kept[key] = None
        made = self._kept[key] = self._first(scope.bindings(name), name)
        if self._cut:
            del self._kept[key]  # It may be found from a place that is nearer.
        return made

    def _first(self, found: Iterable[tuple[Scope, Binding]], name: str) -> Thing:
        # Several, as in `try: … except ImportError: …`: the first that is understood counts.
        made = (self._bound(scope, it, name) for scope, it in found)
        return next((it for it in made if it is not None), None)

    def _bound(self, scope: Scope, binding: Binding, name: str) -> Thing:
        match binding:
            case (ast.expr() as value) | Annotated(value=ast.expr() as value):
                return self.of(value, scope, f"{scope.path}.{name}")
            case Imported(module=module, name=inner):
                return self._imported(module, inner)
            case Parameter(of_class=Scope() as owner, is_class=is_class):
                return Known(owner.path, owner) if is_class else Instance(owner)
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                return self._defined(scope, binding)
            case _:
                return None

    @staticmethod
    def _defined(scope: Scope, node: Definition) -> Known:
        inner = scope.inner(node)
        return Known(inner.path, inner if inner.is_class else None)

    def _imported(self, module: str, name: str | None) -> Thing:
        made = self._module(module) or Known(module)
        return made if name is None else self._attribute(made, name)

    def _module(self, name: str) -> Known | None:
        found = self._sources.modules.get(name)
        return None if found is None else Known(name, found.scope)

    def _attribute(self, owner: Thing, name: str) -> Thing:
        match owner:
            case Known(path=path, scope=None):
                # The module may be read without the package around it, or have none.
                return self._module(f"{path}.{name}") or _default_or_known(f"{path}.{name}")
            case (
                Known(path=path, scope=Scope() as scope) | Instance(scope=Scope(path=path) as scope)
            ):
                return self._held(scope, path, name)
            case _:
                return None

    def _held(self, scope: Scope, path: str, name: str) -> Thing:
        found = self._named(scope, name) if name in scope.names else None
        if found is not None:
            return found
        if scope.is_class:
            inherited = (self._attribute(it, name) for it in self.bases(scope))
            return next((it for it in inherited if it is not None), None)
        inner = self._module(f"{path}.{name}")
        if inner is not None:
            return inner
        stars = (it for it in scope.names.get("*", ()) if isinstance(it, Imported))
        starred = (self._imported(it.module, name) for it in stars)
        return next((it for it in starred if it is not None), None)

    def bases(self, scope: Scope) -> list[Thing]:
        """Return the classes that a class is made of."""
        if not isinstance(scope.node, ast.ClassDef) or scope.outer is None:
            return []
        return [self.of(it, scope.outer) for it in scope.node.bases]

    def _call(self, node: ast.Call, scope: Scope, variable: str) -> Thing:
        match node:
            case ast.Call(
                func=ast.Attribute(value=value, attr="signal"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                owner = self.of(value, scope)
                if isinstance(owner, Group):
                    return Made(owner, name)
        called = self.of(node.func, scope)
        return self._made(called, node, scope, variable) if isinstance(called, Known) else None

    def _made(self, called: Known, node: ast.Call, scope: Scope, variable: str) -> Thing:
        match node.args:
            case [ast.Constant(value=str(name)), *_] if called.path in _BY_NAME:
                return Made(Group(""), name)
        kinds = self._kinds(called)
        place = scope.module.place(node)
        if kinds & _NAMESPACES:
            return Group(variable or place, place)
        if kinds & (_BLINKER | _DJANGO):
            return Made(None, variable or place, bool(kinds & _DJANGO))
        return Instance(called.scope) if called.scope and called.scope.is_class else None

    def _kinds(self, kind: Known) -> set[str]:
        """Return the dotted names of a class and of all that it is made of."""
        found, left = {kind.path}, [kind]
        while left:
            scope = left.pop().scope
            for it in self.bases(scope) if scope else ():
                if isinstance(it, Known) and it.path not in found:
                    found.add(it.path)
                    left.append(it)
        return found


def _default_or_known(path: str) -> Thing:
    return Group("") if path in _DEFAULTS else Known(path)
