"""Reading the source of a program, which may go on meanwhile."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from heliograph.inspector.syntax import syntax_of

if TYPE_CHECKING:
    import pytest


def test_another_thread_may_make_a_tree_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """CPython 3.11 fails then, as it counts the depth of all trees together."""
    failures = [SystemError("AST constructor recursion depth mismatch (before=159, after=215)")]
    parse = ast.parse

    def disturbed(text: str) -> Any:
        if failures:
            raise failures.pop()
        return parse(text)

    monkeypatch.setattr(ast, "parse", disturbed)

    assert ast.unparse(syntax_of("a = 1")) == "a = 1"
