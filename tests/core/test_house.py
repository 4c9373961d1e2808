"""Rules of the house that no linter has: whom the engine knows by name."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import heliograph

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


def test_the_file_of_a_room_is_one_sentence() -> None:
    """What a room does is in its modules."""
    trees = {it: ast.parse(it.read_text(encoding="utf-8")) for it in CORE.rglob("__init__.py")}

    assert [it for it, tree in trees.items() if len(tree.body) != 1] == []
    assert [it for it, tree in trees.items() if ast.get_docstring(tree) is None] == []
