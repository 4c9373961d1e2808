"""Lays out results in columns: as plain text for a terminal, as Markdown for a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

DASH = "–"
MANY = 100


@dataclass(frozen=True)
class Table:
    """*lines* under *head*, whose cells may run over several lines.

    The first columns, as many as *words*, stand to the left; numbers stand to the right.
    """

    title: str
    head: Sequence[str]
    lines: Sequence[Sequence[str]]
    words: int = 1

    def text(self) -> str:
        """Return the table for readers of a terminal, below its title."""
        heads = _heads(self.head)
        widths = [max(map(len, column)) for column in zip(*heads, *self.lines, strict=True)]
        ruler = ["-" * width for width in widths]
        laid_out = [_line(cells, widths, self.words) for cells in (*heads, ruler, *self.lines)]
        return "\n".join([self.title, "", *laid_out, ""])

    def markdown(self) -> str:
        """Return the table for a page, which has a heading of its own."""
        # A name that was broken at its dot is whole again.
        head = [cell.replace(".\n", ".").replace("\n", " ") for cell in self.head]
        ruler = [":---" if column < self.words else "---:" for column in range(len(head))]
        return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ruler, *self.lines))


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


def tenths(value: float) -> str:
    """Return a number with one digit after its point."""
    return f"{value:,.1f}"


def hundredths(value: float) -> str:
    """Return a number with two digits after its point."""
    return f"{value:,.2f}"


def factor(value: float | None) -> str:
    """Return how many times, with as many digits as it deserves."""
    if value is None:
        return DASH
    return f"{value:.2f}×" if value < MANY else f"{value:,.0f}×"
