"""One module of the program as it is written: its tree, and what stands around each node."""

from __future__ import annotations

import ast
import inspect
import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from heliograph.inspector.expressions import SourceScope
from heliograph.inspector.syntax import syntax_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

Function = ast.FunctionDef | ast.AsyncFunctionDef
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class Spot:
    """An expression, and the scope that it is evaluated in."""

    node: ast.expr
    scope: SourceScope


@dataclass(eq=False)
class Source:
    """The source of one imported module.

    Attributes:
        module: The module.
        file: Its file, absolute.
        text: Its source, or "" if there is none.
    """

    module: ModuleType
    file: str
    text: str
    above: dict[ast.AST, ast.AST] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def of(cls, module: ModuleType) -> Source:
        """Read the source of a module; nothing of it runs."""
        try:
            text = inspect.getsource(module)
            syntax_of(text)
        except (OSError, TypeError, SyntaxError):
            text = ""
        return cls(module, os.path.realpath(module.__file__ or ""), text)

    @cached_property
    def spots(self) -> list[Spot]:
        """All expressions, in the order of the source."""
        return list(self._walk())

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return syntax_of(self.text)

    @cached_property
    def functions(self) -> dict[int, Function]:
        """The functions, by the line that the compiler says they begin at: a decorator's, maybe."""
        found = [it for it in ast.walk(self.tree) if isinstance(it, Function)]
        return {first_line(it): it for it in found}

    def location(self, node: ast.expr | ast.stmt) -> str:
        """Return the ``file:line`` of a node, with an absolute path."""
        return f"{self.file}:{node.lineno}"

    def function_of(self, node: ast.AST) -> Function | None:
        """Return the function whose call runs a node; decorators and defaults run outside of it."""
        while (outer := self.above.get(node)) is not None:
            if isinstance(outer, Function) and node in outer.body:
                return outer
            node = outer
        return None

    def lines_of(self, line: int) -> range:
        """Return the lines of the innermost statement that a line belongs to.

        Of a statement with a body these are the lines above the body.
        """
        found = range(line, line + 1)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.stmt):
                lines = _own_lines(node)
                # Of those that begin together, the innermost comes last.
                if line in lines and (lines.start >= found.start or len(found) == 1):
                    found = lines
        return found

    def _walk(self) -> Iterator[Spot]:
        # Not recursive: sums and chains of calls may be nested deeper than Python's stack.
        left: list[tuple[ast.AST, SourceScope]] = [(self.tree, SourceScope.of(self.module))]
        while left:
            node, scope = left.pop()
            if isinstance(node, ast.expr):
                yield Spot(node, scope)
            inner = scope.entered(node)
            outside = _evaluated_outside(node)
            for child in reversed(list(ast.iter_child_nodes(node))):
                self.above[child] = node
                left.append((child, scope if child in outside else inner))


def first_line(function: Function) -> int:
    """Return the first line of a function, its decorators included."""
    return min([function.lineno, *(it.lineno for it in function.decorator_list)])


def _own_lines(node: ast.stmt) -> range:
    last = node.end_lineno or node.lineno
    first = node.lineno
    if isinstance(node, _DEFINITIONS):
        first = min([first, *(it.lineno for it in node.decorator_list)])
    body = getattr(node, "body", None)
    if body:
        last = max(node.lineno, body[0].lineno - 1)
        if isinstance(body[0], _DEFINITIONS) and body[0].decorator_list:
            last = max(node.lineno, min(it.lineno for it in body[0].decorator_list) - 1)
    return range(first, last + 1)


def _evaluated_outside(node: ast.AST) -> list[ast.expr]:
    """Return what belongs to the definition of a function or a class, and runs outside of it."""
    if isinstance(node, _DEFINITIONS):
        return node.decorator_list
    return []
