"""What the project says of itself outside of its code: promises, versions, what is public."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import heliograph

ROOT = Path(__file__).parents[1]
PACKAGE = Path(heliograph.__file__).parent
STABILITY = (ROOT / "docs" / "stability.md").read_text(encoding="utf-8")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

in_a_checkout = pytest.mark.skipif(
    not (ROOT / ".github").is_dir(), reason="wheels are tested without it: `make test`"
)


def named_tests(path: Path) -> set[str]:
    """Return the names of the tests in a file."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {it.name for it in tree.body if isinstance(it, kinds)}


@in_a_checkout
def test_a_promise_of_security_has_its_test() -> None:
    """Each row of the table names one that is there."""
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    table = page.partition("## What is promised, and tested")[2].partition("\n## ")[0]
    rows = [it for it in table.splitlines() if it.startswith("| ")][1:]
    named = [re.search(r"\| `([\w/]+\.py)::(\w+)` \|$", row) for row in rows]

    assert rows
    assert [row for row, it in zip(rows, named, strict=True) if it is None] == []
    assert [it[2] for it in named if it and it[2] not in named_tests(ROOT / it[1])] == []


def test_every_module_is_public_or_is_not() -> None:
    """docs/stability.md says it of each, so that nobody builds on one by accident."""
    files = {it.stem for it in PACKAGE.glob("*.py")} - {"__init__", "__main__"}
    wings = {it.parent.name for it in PACKAGE.glob("*/__init__.py")}
    table = STABILITY.partition("## What is public")[2].partition("\n## ")[0]

    assert set(re.findall(r"`heliograph\.(\w+)`", table)) == files | wings


@in_a_checkout
def test_ci_and_wheels_have_the_pythons_that_the_classifiers_name() -> None:
    """What is said to work is tested, and has a wheel."""
    found = (re.search(r":: (3\.\d+)$", it) for it in PROJECT["project"]["classifiers"])
    named = [it[1] for it in found if it]
    ci = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    matrix = re.findall(r"3\.\d+", ci.partition("python: [")[2].partition("]")[0])
    wheels = PROJECT["tool"]["cibuildwheel"]["build"]

    assert (matrix, wheels) == (named, [f"cp{it.replace('.', '')}-*" for it in named])
