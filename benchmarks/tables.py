"""Lays out results as plain text in columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

DASH = "–"
MANY = 100


def table(title: str, head: Sequence[str], lines: Sequence[Sequence[str]], words: int = 1) -> str:
    """Return *lines* under *head*, whose cells may run over several lines.

    The first columns, as many as *words*, stand to the left; numbers stand to the right.
    """
    heads = _heads(head)
    widths = [max(map(len, column)) for column in zip(*heads, *lines, strict=True)]
    ruler = ["-" * width for width in widths]
    laid_out = [_line(cells, widths, words) for cells in (*heads, ruler, *lines)]
    return "\n".join([title, "", *laid_out, ""])


def _heads(head: Sequence[str]) -> list[tuple[str, ...]]:
    cells = [cell.split("\n") for cell in head]
    height = max(map(len, cells))
    return list(zip(*([""] * (height - len(cell)) + cell for cell in cells), strict=True))


def _line(cells: Sequence[str], widths: Sequence[int], words: int) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells[:words], widths, strict=False)]
    padded += [cell.rjust(width) for cell, width in zip(cells[words:], widths[words:], strict=True)]
    return "  ".join(padded)


def number(value: float | None) -> str:
    """Return a whole number with its thousands set apart."""
    return DASH if value is None else f"{value:,.0f}"


def factor(value: float | None) -> str:
    """Return how many times, with as many digits as it deserves."""
    if value is None:
        return DASH
    return f"{value:.2f}×" if value < MANY else f"{value:,.0f}×"
