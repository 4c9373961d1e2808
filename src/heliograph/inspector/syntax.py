"""Makes the syntax tree of a source while the program goes on."""

from __future__ import annotations

import ast


def syntax_of(text: str) -> ast.Module:
    """Return the syntax tree of a text.

    Raises:
        SyntaxError: If it is no Python.
    """
    try:
        return ast.parse(text)
    except SystemError:
        # CPython 3.11 counts the depth of all trees together, and says that it is wrong if another
        # thread has made one meanwhile.
        return ast.parse(text)
