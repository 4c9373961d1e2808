"""What type a payload's value has, as far as the source tells."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from heliograph.inspector.migration.annotations import BUILTINS, annotated, of_class, of_known
from heliograph.inspector.migration.modules import Annotated, Imported, Parameter, Scope
from heliograph.inspector.migration.things import Instance, Known

if TYPE_CHECKING:
    from heliograph.inspector.migration.annotations import TypeText
    from heliograph.inspector.migration.modules import Binding
    from heliograph.inspector.migration.things import Things

_FORMS: dict[type[ast.expr], str] = {
    ast.Compare: "bool",
    ast.JoinedStr: "str",
    ast.List: "list",
    ast.ListComp: "list",
    ast.Dict: "dict",
    ast.DictComp: "dict",
    ast.Set: "set",
    ast.SetComp: "set",
    ast.Tuple: "tuple",
}
_OF_FUNCTIONS = {"len": "int", "repr": "str", "sorted": "list", "isinstance": "bool"}
# Its objects stand for the application.
_PROXIES = {
    "flask.current_app": ("flask", "Flask"),
    "flask.globals.current_app": ("flask", "Flask"),
    "quart.current_app": ("quart", "Quart"),
    "quart.globals.current_app": ("quart", "Quart"),
}
# A local variable leads to a parameter or to a call, seldom further.
_DEEPEST = 4


class Types:
    """Finds the types of expressions, without importing anything.

    Args:
        things: What other expressions stand for.
    """

    def __init__(self, things: Things) -> None:
        self._things = things

    def of(self, node: ast.expr, scope: Scope, deep: int = 0) -> TypeText | None:
        """Return the type of an expression's value, or None if the source does not tell.

        Args:
            node: The expression.
            scope: Where it is evaluated.
            deep: How many variables led here.
        """
        match node:
            case ast.Constant(value=value):
                return of_class("builtins", type(value).__name__)
            case ast.Name(id=name) if deep < _DEEPEST:
                found = {self._bound(owner, it, node, deep) for owner, it in scope.bindings(name)}
                # Of a variable that is bound several times, it is not known when to which.
                return found.pop() if len(found) == 1 else None
            case ast.Call(func=called):
                return self._call(called, scope)
            case _:
                return _of_form(node)

    def _bound(self, scope: Scope, it: Binding, node: ast.Name, deep: int) -> TypeText | None:
        match it:
            case Parameter(annotation=ast.expr() as annotation) | Annotated(annotation=annotation):
                # That of a parameter is evaluated outside of the function.
                around = scope.outer if isinstance(it, Parameter) else None
                return annotated(annotation, around or scope, self._things)
            case Parameter(of_class=Scope() as owner, is_class=is_class):
                mine = of_known(Known(owner.path, owner))
                return of_class("builtins", "type") if is_class else mine
            case ast.expr():
                return self.of(it, scope, deep + 1)
            case ast.ClassDef():
                return of_class("builtins", "type")
            case Imported():
                return self._elsewhere(node, scope)
            case _:
                return None

    def _elsewhere(self, node: ast.expr, scope: Scope) -> TypeText | None:
        """Return the type of an imported object: of a class of the program, or an application."""
        made = self._things.of(node, scope)
        if isinstance(made, Instance):
            return of_known(Known(made.scope.path, made.scope))
        found = _PROXIES.get(made.path) if isinstance(made, Known) else None
        return of_class(*found) if found else None

    def _call(self, called: ast.expr, scope: Scope) -> TypeText | None:
        match called:
            case ast.Attribute(value=proxy, attr="_get_current_object"):
                return self._elsewhere(proxy, scope)
            case ast.Name(id=name) if not any(scope.bindings(name)):
                kind = name if name in BUILTINS else _OF_FUNCTIONS.get(name, "")
                return of_class("builtins", kind)
        made = self._things.of(called, scope)
        return of_known(made) if isinstance(made, Known) and _is_class(made) else None


def _of_form(node: ast.expr) -> TypeText | None:
    """Return the type that an expression has by its form alone."""
    match node:
        case ast.UnaryOp(op=ast.Not()):
            return of_class("builtins", "bool")
        case ast.Attribute(attr="__class__"):
            return of_class("builtins", "type")
        case _:
            return of_class("builtins", _FORMS.get(type(node), ""))


def _is_class(made: Known) -> bool:
    """Tell whether something is a class: of another package, by its name alone."""
    if made.scope is not None:
        return made.scope.is_class
    name = made.path.rpartition(".")[2]
    return name[:1].isupper() and not name.isupper()
