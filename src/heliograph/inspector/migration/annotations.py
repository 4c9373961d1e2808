"""What an annotation says, with names that another module can import."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heliograph.inspector.migration.things import Known

if TYPE_CHECKING:
    from heliograph.inspector.migration.modules import Scope
    from heliograph.inspector.migration.things import Things

BUILTINS = {name for name, it in vars(builtins).items() if isinstance(it, type)}
"""The classes that need no import."""

_FILLED = {"dict": "dict[Any, Any]", "tuple": "tuple[Any, ...]", "NoneType": "None"}
_FILLED |= {it: f"{it}[Any]" for it in ("frozenset", "list", "set")}


@dataclass(frozen=True)
class TypeText:
    """A type as it is written, and what has to be imported for it.

    Attributes:
        text: The annotation.
        imports: Modules and names.
    """

    text: str
    imports: frozenset[tuple[str, str]] = frozenset()


def of_class(module: str, name: str) -> TypeText | None:
    """Return the type of a class, or None if it cannot be imported by its name."""
    if module == "builtins":
        return TypeText(_FILLED.get(name, name)) if name in BUILTINS | _FILLED.keys() else None
    if not name.isidentifier() or module in {"", "__main__"}:
        return None
    return TypeText(name, frozenset({(module, name)}))


def of_known(made: Known) -> TypeText | None:
    """Return the type of a class that the source names, or None."""
    if made.scope is not None:
        module = made.scope.module.name
        return of_class(module, made.path.removeprefix(f"{module}."))
    module, _, name = made.path.rpartition(".")
    return of_class(module, name)


def annotated(node: ast.expr, scope: Scope, things: Things) -> TypeText | None:
    """Return what an annotation says, or None if it says nothing, or nothing that is understood."""
    reader = _Annotation(scope, things)
    try:
        text = reader.visit(node)
    except (LookupError, SyntaxError, RecursionError):
        return None
    return None if text == "object" else TypeText(text, frozenset(reader.imports))


class _Annotation(ast.NodeVisitor):
    """Writes an annotation again. What it does not understand is a LookupError."""

    def __init__(self, scope: Scope, things: Things) -> None:
        self._scope = scope
        self._things = things
        self.imports = set[tuple[str, str]]()

    def generic_visit(self, node: ast.AST) -> str:
        raise LookupError(node)

    def visit_Constant(self, node: ast.Constant) -> str:
        if isinstance(node.value, str):
            inner: str = self.visit(ast.parse(node.value, mode="eval").body)
            return inner
        if node.value is None or node.value is ...:
            return ast.unparse(node)
        raise LookupError(node)

    def visit_BinOp(self, node: ast.BinOp) -> str:
        return f"{self.visit(node.left)} | {self.visit(node.right)}"

    def visit_Subscript(self, node: ast.Subscript) -> str:
        return f"{self.visit(node.value)}[{self.visit(node.slice)}]"

    def visit_Tuple(self, node: ast.Tuple) -> str:
        return ", ".join(map(self.visit, node.elts))

    def visit_List(self, node: ast.List) -> str:
        return f"[{', '.join(map(self.visit, node.elts))}]"

    def visit_Attribute(self, node: ast.Attribute) -> str:
        return self._imported(node)

    def visit_Name(self, node: ast.Name) -> str:
        if node.id in BUILTINS and not any(self._scope.bindings(node.id)):
            return node.id
        return self._imported(node)

    def _imported(self, node: ast.expr) -> str:
        made = self._things.of(node, self._scope)
        found = of_known(made) if isinstance(made, Known) else None
        if found is None or found.text == "Any":
            raise LookupError(node)
        self.imports |= found.imports
        return found.text
