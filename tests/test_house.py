"""Rules of the house that no linter has: whom the engine knows by name, and how large files are."""

from __future__ import annotations

import ast
import inspect
import io
import re
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import heliograph
from heliograph import (
    Connection,
    Declaration,
    Delivery,
    Emission,
    Namespace,
    Signal,
    Span,
    Stream,
)
from heliograph.core.connections.dead import DeadReceiver

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(heliograph.__file__).parent
CORE = PACKAGE / "core"
WINGS = {it.parent.name for it in PACKAGE.glob("*/__init__.py")} - {"core"}
OTHERS = {
    "blinker",
    "celery",
    "django",
    "fastapi",
    "flask",
    "jinja",
    "quart",
    "starlette",
    "werkzeug",
}


# What users hold: its private attributes are the engine's own.
HELD = (Connection, DeadReceiver, Declaration, Delivery, Emission, Namespace, Signal, Span, Stream)
# Documented by Python and Werkzeug, or without anything public in its place.
OF_OTHERS = {
    "_dispatch",  # The module in C, which is imported from its room.
    "_at_fork_reinit",
    "_get_current_object",
    "_get_running_loop",
    "_getframe",
    "_is_owned",
}


def names_in(tree: ast.Module) -> Iterator[str]:
    """Give all names in a module's code, and each text in it that is a word: no prose."""
    for node in ast.walk(tree):
        for field in ("id", "attr", "arg", "name", "asname", "module"):
            found = getattr(node, field, None)
            if isinstance(found, str):
                yield found
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value:
            yield node.value


def test_the_engine_knows_no_framework_and_no_wing_by_name() -> None:
    """What depends on one of them is asked through a plug; messages may name them."""
    known = [
        (path.name, name)
        for path in CORE.rglob("*.py")
        for name in names_in(ast.parse(path.read_text(encoding="utf-8")))
        if (WINGS | OTHERS) & set(re.split(r"[^a-z]+", name.lower()))
    ]

    assert known == []


def attributes(tree: ast.Module) -> list[ast.Attribute]:
    """Return the places where a module uses an attribute."""
    return [it for it in ast.walk(tree) if isinstance(it, ast.Attribute)]


def private(tree: ast.Module) -> set[str]:
    """Return the private names of others that a module uses: attributes, and what it imports."""
    used = {it.attr for it in attributes(tree) if ast.unparse(it.value) not in {"self", "cls"}}
    imports = [it for it in ast.walk(tree) if isinstance(it, ast.ImportFrom)]
    imported = {name.name for it in imports if it.module != "__future__" for name in it.names}
    return {it for it in used | imported if re.match("_[a-z]", it)}


def is_ours(kind: type) -> bool:
    """Tell whether a class is the engine's."""
    return kind.__module__.startswith("heliograph.core.")


def made_in(tree: ast.Module) -> set[str]:
    """Return all names that a module sets or defines, among them the attributes of its classes."""
    nodes = list(ast.walk(tree))
    stored = [it for it in nodes if isinstance(getattr(it, "ctx", None), ast.Store)]
    functions = [it for it in nodes if isinstance(it, (ast.FunctionDef, ast.AsyncFunctionDef))]
    named = {it.id for it in stored if isinstance(it, ast.Name)}
    return (
        {it.attr for it in stored if isinstance(it, ast.Attribute)}
        | named
        | {it.name for it in functions}
    )


def test_rooms_of_the_engine_share_private_names_of_what_users_hold_alone() -> None:
    """What is the engine's own hides from nobody: what others use of it is not private."""
    trees = {it: ast.parse(it.read_text(encoding="utf-8")) for it in CORE.rglob("*.py")}
    files = {Path(inspect.getfile(part)) for it in HELD for part in it.__mro__ if is_ours(part)}
    shared = OF_OTHERS.union(*(made_in(trees[it]) for it in files))
    found = [
        (str(path.relative_to(CORE)), name)
        for path, tree in trees.items()
        for name in sorted(private(tree) - made_in(tree) - shared)
    ]

    assert found == []


def test_the_hooks_of_blinkers_wing_are_those_that_its_page_names() -> None:
    """No other wing uses a private name of the engine: ruff sees to that."""
    signal = Signal()
    signal.connect(print)
    made = (signal, Namespace(), signal.connections[0])
    hooks = {name for it in made for name in dir(it) if re.match("_[a-z]", name)}
    trees = [ast.parse(it.read_text(encoding="utf-8")) for it in PACKAGE.glob("blinker/*.py")]
    nodes = [it for tree in trees for it in ast.walk(tree)]
    used = {it.attr for it in nodes if isinstance(it, ast.Attribute)}
    used |= {it.value for it in nodes if isinstance(it, ast.Constant) and it.value in hooks}
    used |= {
        it.name
        for kind in nodes
        if isinstance(kind, ast.ClassDef)
        for it in kind.body
        if isinstance(it, ast.FunctionDef)
    }
    page = Path(__file__).parents[1] / "docs" / "decisions" / "hooks-for-blinkers-contract.md"
    rows = re.findall(r"^\| (`.*?`) \|", page.read_text(encoding="utf-8"), re.MULTILINE)

    assert hooks & used == {it for row in rows for it in re.findall(r"\w+", row)}


def test_the_file_of_a_room_is_one_sentence() -> None:
    """What a room does is in its modules."""
    trees = {it: ast.parse(it.read_text(encoding="utf-8")) for it in CORE.rglob("__init__.py")}

    assert [it for it, tree in trees.items() if len(tree.body) != 1] == []
    assert [it for it, tree in trees.items() if ast.get_docstring(tree) is None] == []


MOST_LINES = {"file": 400, "class": 250, "function": 40}
"""What fits into one view of a reader. In a class or a function, only lines with code count."""

KINDS = {ast.ClassDef: "class", ast.FunctionDef: "function", ast.AsyncFunctionDef: "function"}
NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}


def lines_of_code(source: str) -> set[int]:
    """Return the numbers of the lines that hold more than comments and docstrings."""
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    texts = [it.value for it in ast.walk(ast.parse(source)) if isinstance(it, ast.Expr)]
    prose = {it.lineno: it.end_lineno or 0 for it in texts if isinstance(it, ast.Constant)}
    inside = {line for first, last in prose.items() for line in range(first, last + 1)}
    held = (range(it.start[0], it.end[0] + 1) for it in tokens if it.type not in NO_CODE)
    return {line for lines in held for line in lines} - inside


@pytest.mark.unmeasured
def test_files_classes_and_functions_are_of_a_size_to_read() -> None:
    """Whatever has grown above that has a second idea in it, which gets a place of its own."""
    found = []
    for path in PACKAGE.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        code = lines_of_code(source)
        parts = [("file", path.name, source.count("\n"))]
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                last = node.end_lineno or 0
                many = sum(node.lineno <= line <= last for line in code)
                parts.append((KINDS[type(node)], node.name, many))
        found += [(path.name, *part) for part in parts if part[2] > MOST_LINES[part[0]]]

    assert found == []
