"""A program's modules as they are written: names, what binds them, and none of it imported."""

from __future__ import annotations

import ast
import re
import tokenize
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from heliograph.describe import portable_location
from heliograph.inspector.syntax import syntax_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_TELLING = re.compile("signal|send", re.IGNORECASE)


@dataclass(frozen=True)
class Imported:
    """What an import binds a name to.

    Attributes:
        module: The module.
        name: The name in it; None if it is the module that is bound.
    """

    module: str
    name: str | None


@dataclass(frozen=True)
class Parameter:
    """A parameter of a function.

    Attributes:
        annotation: Its annotation, or None.
        of_class: The class of its object, if it is the first one of a method.
        is_class: Whether it is that class itself, as in a class method.
    """

    annotation: ast.expr | None
    of_class: Scope | None = None
    is_class: bool = False


@dataclass(frozen=True)
class Annotated:
    """A variable with an annotation.

    Attributes:
        annotation: The annotation.
        value: What is assigned, or None.
    """

    annotation: ast.expr
    value: ast.expr | None


Binding = ast.expr | Definition | Annotated | Imported | Parameter | None
"""What a name is bound to; None if that is not known."""


@dataclass(eq=False)
class Scope:
    """A module, a class or a function, as it is written.

    Attributes:
        module: Its module.
        node: Its node.
        outer: The scope around it, or None.
        path: Its dotted name, with the module.
    """

    module: Module
    node: ast.Module | Definition
    outer: Scope | None
    path: str
    _inner: dict[ast.AST, Scope] = field(default_factory=dict, init=False, repr=False)

    @property
    def is_class(self) -> bool:
        """Whether it is a class."""
        return isinstance(self.node, ast.ClassDef)

    @cached_property
    def names(self) -> dict[str, list[Binding]]:
        """What each name of it is bound to, in the order of the source."""
        found: dict[str, list[Binding]] = {}
        if isinstance(self.node, Function):
            found = {name: [it] for name, it in self._parameters(self.node)}
        # What a statement binds to a value comes before the name in it, which says no more.
        told = set[int]()
        for node in statements(self.node):
            if id(node) not in told:
                for name, it in _bound_by(node, self.module):
                    found.setdefault(name, []).append(it)
            told |= {id(it) for it in _targets(node)}
        return found

    def inner(self, node: Definition) -> Scope:
        """Return the scope of a class or a function in it."""
        if node not in self._inner:
            self._inner[node] = Scope(self.module, node, self, f"{self.path}.{node.name}")
        return self._inner[node]

    def bindings(self, name: str) -> Iterator[tuple[Scope, Binding]]:
        """Yield what a name may be bound to where it is used, with the scope that binds it."""
        scope: Scope | None = self
        while scope is not None:
            # Functions do not see the names of the class around them.
            if (scope is self or not scope.is_class) and name in scope.names:
                yield from ((scope, it) for it in scope.names[name])
                return
            scope = scope.outer

    def _parameters(self, node: Function) -> Iterator[tuple[str, Parameter]]:
        args = node.args
        listed = [*args.posonlyargs, *args.args, *args.kwonlyargs]
        owner = self.outer if self.outer is not None and self.outer.is_class else None
        decorators = {it.id for it in node.decorator_list if isinstance(it, ast.Name)}
        for number, it in enumerate(listed):
            mine = owner if number == 0 and "staticmethod" not in decorators else None
            yield it.arg, Parameter(it.annotation, mine, "classmethod" in decorators)
        yield from ((it.arg, Parameter(None)) for it in (args.vararg, args.kwarg) if it)


@dataclass(eq=False)
class Module:
    """One file of a program.

    Attributes:
        name: The name to import it by.
        file: The file.
        text: Its source.
    """

    name: str
    file: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree, an empty one if it is no Python."""
        with warnings.catch_warnings():
            # What Python thinks of an escape in it is said when it is run.
            warnings.simplefilter("ignore")
            try:
                return syntax_of(self.text)
            except (SyntaxError, ValueError, RecursionError):
                return ast.Module(body=[], type_ignores=[])

    @cached_property
    def scope(self) -> Scope:
        """Its outermost scope."""
        return Scope(self, self.tree, None, self.name)

    @property
    def package(self) -> str:
        """The package that its relative imports begin at."""
        return self.name if self.file.name == "__init__.py" else self.name.rpartition(".")[0]

    @property
    def tells(self) -> bool:
        """Whether it may make or send a signal: most modules of a program do neither."""
        return _TELLING.search(self.text) is not None

    def place(self, node: ast.expr | ast.stmt) -> str:
        """Return the ``file:line`` of a node, as other machines have it, too."""
        return shown_place(f"{self.file}:{node.lineno}")


class Sources:
    """The modules of a program, by name.

    Args:
        files: Files of Python.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        self.modules: dict[str, Module] = {}
        self.unread: list[Path] = []
        for file in files:
            try:
                # As Python reads it: with a mark of its encoding, if there is one.
                with tokenize.open(file) as opened:
                    text = opened.read()
            except (OSError, SyntaxError, ValueError):
                self.unread.append(file)
                continue
            module = Module(_name_of(file), file.resolve(), text)
            self.modules.setdefault(module.name, module)


def shown_place(place: str) -> str:
    """Return a ``file:line`` as other machines have it, too: in packages, without their folder."""
    return portable_location(place).rpartition("/site-packages/")[2]


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a scope in the order of the source; of inner ones, only the definition."""
    # Not recursive: sums and chains of calls may be nested deeper than Python's stack.
    left = list(reversed(list(ast.iter_child_nodes(node))))
    while left:
        it = left.pop()
        yield it
        if not isinstance(it, (*_DEFINITIONS, ast.Lambda)):
            left += reversed(list(ast.iter_child_nodes(it)))


def _name_of(file: Path) -> str:
    """Return the name to import a file by: it begins where there is no package any more."""
    file = file.resolve()
    parts = [] if file.name == "__init__.py" else [file.stem]
    folder = file.parent
    while (folder / "__init__.py").is_file():
        parts.append(folder.name)
        folder = folder.parent
    return ".".join(reversed(parts))


def _targets(node: ast.AST) -> list[ast.Name]:
    """Return the names that a statement binds to one value, as it is written."""
    match node:
        case ast.Assign(targets=targets):
            return [it for it in targets if isinstance(it, ast.Name)]
        case ast.AnnAssign(target=ast.Name() as target):
            return [target]
        case _:
            return []


def _bound_by(node: ast.AST, module: Module) -> Iterator[tuple[str, Binding]]:
    match node:
        case ast.Assign(value=value):
            yield from ((it.id, value) for it in _targets(node))
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
            yield name, Annotated(annotation, value)
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            yield name, node
        case ast.Import(names=names):
            yield from map(_of_import, names)
        case ast.ImportFrom(names=names):
            source = _source_of(node, module)
            yield from ((it.asname or it.name, Imported(source, it.name)) for it in names)
        case ast.Name(id=name, ctx=ast.Store()) | ast.ExceptHandler(name=str(name)):
            yield name, None


def _of_import(alias: ast.alias) -> tuple[str, Imported]:
    # `import shop.web` binds `shop`, and `import shop.web as web` the inner one.
    if alias.asname:
        return alias.asname, Imported(alias.name, None)
    top = alias.name.partition(".")[0]
    return top, Imported(top, None)


def _source_of(node: ast.ImportFrom, module: Module) -> str:
    if not node.level:
        return node.module or ""
    package = module.package.split(".")
    above = package[: len(package) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])
