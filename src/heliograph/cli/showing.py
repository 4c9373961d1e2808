"""Prints trees, with the colours that a terminal has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from heliograph.inspector import draw

if TYPE_CHECKING:
    from rich.console import Console

    from heliograph.inspector import Branch

_STYLES = {
    "": "",
    "title": "bold",
    "good": "bold green",
    "bad": "bold red",
    "warn": "yellow",
    "signal": "cyan",
    "quiet": "dim",
}


def print_tree(tree: Branch, console: Console) -> None:
    """Print a tree, with an empty line after it."""
    width = console.width if console.is_terminal else None
    for line in draw(tree, width, ascii_only=console.options.ascii_only):
        text = Text.assemble(*((it.text, _STYLES[it.style]) for it in line))
        console.print(text, no_wrap=True, overflow="ignore", crop=False)
    console.print()
