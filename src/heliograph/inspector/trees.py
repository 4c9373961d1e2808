"""Draws trees of styled text within a width, for terminals, pipes and notebooks alike."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from html import escape
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    # One line as it is drawn: texts with the names of their styles.
    Drawn = list["Piece"]

STYLES = {
    "": "",
    "title": "font-weight: bold",
    "good": "color: #1a7f37; font-weight: bold",
    "bad": "color: #cf222e; font-weight: bold",
    "warn": "color: #9a6700; font-weight: bold",
    "signal": "color: #0969da",
    "quiet": "opacity: 0.65",
}
"""What pieces may look like, as CSS."""

# Room for words beside guides, however deep the tree is.
_LEAST_ROOM = 16
_HANGING = "  "
# A terminal obeys some of these; names and messages are the program's, or its visitors'.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_ASCII = str.maketrans(
    {"├": "+", "└": "`", "│": "|", "─": "-", "×": "x", "µ": "u", "…": "...", "→": "->"}
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a line in one style.

    Attributes:
        text: The text.
        style: One of `STYLES`.
        whole: Whether it stands on one line, if it fits on any: a number with its unit.
        gap: The space before it, unless it begins a line.
    """

    text: str
    style: str = ""
    whole: bool = False
    gap: str = "  "


@dataclass(frozen=True, slots=True)
class Branch:
    """A part of a tree.

    Attributes:
        lines: Its own lines.
        below: The branches below it.
    """

    lines: tuple[tuple[Piece, ...], ...]
    below: tuple[Branch, ...] = ()


def as_text(
    branches: Iterable[Branch], width: int | None = None, *, ascii_only: bool = False
) -> str:
    """Return trees as text without styles, each with an empty line after it.

    Args:
        branches: The trees.
        width: The most columns of a line; None for any number.
        ascii_only: Whether to draw with the letters of ASCII.
    """
    drawn = (_plain(it, width, ascii_only=ascii_only) for it in branches)
    return "".join(f"{text}\n\n" for text in drawn)


def _plain(branch: Branch, width: int | None, *, ascii_only: bool) -> str:
    lines = draw(branch, width, ascii_only=ascii_only)
    return "\n".join("".join(it.text for it in line) for line in lines)


def as_html(branches: Iterable[Branch]) -> str:
    """Return trees as a fragment of HTML."""
    texts = ("\n".join(map(_html, draw(it))) for it in branches)
    return '<pre style="line-height: 1.25">' + "\n\n".join(texts) + "</pre>"


def _html(line: Drawn) -> str:
    return "".join(
        f'<span style="{STYLES[it.style]}">{escape(it.text)}</span>'
        if it.style
        else escape(it.text)
        for it in line
    )


def draw(branch: Branch, width: int | None = None, *, ascii_only: bool = False) -> Iterator[Drawn]:
    """Yield the lines of a tree; a long line goes on in the next ones, beside the guides."""
    for line in _drawn(branch, "", "", width):
        yield [_in_ascii(it) for it in line] if ascii_only else line


def _in_ascii(piece: Piece) -> Piece:
    return Piece(piece.text.translate(_ASCII), piece.style)


def _drawn(branch: Branch, first: str, others: str, width: int | None) -> Iterator[Drawn]:
    """Yield the lines of a branch.

    Args:
        branch: The branch.
        first: The guides before its first line.
        others: The guides before all further lines.
        width: The most columns of a line.
    """
    guides = first
    for line in branch.lines:
        for drawn in _broken(line, guides, others, width):
            yield _joined(drawn)
            guides = others
    last = len(branch.below) - 1
    for at, it in enumerate(branch.below):
        corner, side = ("└── ", "    ") if at == last else ("├── ", "│   ")
        yield from _drawn(it, others + corner, others + side, width)


def _joined(line: Drawn) -> Drawn:
    """Return a line with neighbours of one style as one piece."""
    styles = groupby(line, key=attrgetter("style"))
    return [Piece("".join(it.text for it in same), style) for style, same in styles]


def _broken(line: Sequence[Piece], first: str, others: str, width: int | None) -> Iterator[Drawn]:
    """Yield a line in as many lines as it needs."""
    guides, empty = first, int(bool(first))
    drawn, left = _begun(guides, width)
    for word in _words(line):
        text = word.gap + word.text if len(drawn) > empty else word.text
        while columns(text) > left:
            if len(drawn) == empty:  # It is longer than a line.
                cut = _most_within(text, left)
                drawn.append(Piece(text[:cut], word.style))
                text = text[cut:]
            else:
                text = text.lstrip(" ")
            yield drawn
            guides, empty = others + _HANGING, 1
            drawn, left = _begun(guides, width)
        drawn.append(Piece(text, word.style))
        left -= columns(text)
    yield drawn


def _most_within(text: str, room: float) -> int:
    """Return how many letters of a text fit into some columns; at least one."""
    fitting = (at for at in range(len(text), 1, -1) if columns(text[:at]) <= room)
    return next(fitting, 1)


def _begun(guides: str, width: int | None) -> tuple[Drawn, float]:
    """Return a line with its guides, and the columns that are left in it."""
    drawn = [Piece(guides, "quiet")] if guides else []
    room = float("inf") if width is None else max(width - columns(guides), _LEAST_ROOM)
    return drawn, room


def _words(line: Sequence[Piece]) -> Iterator[Piece]:
    """Yield what may stand on different lines."""
    for piece in filter(attrgetter("text"), line):
        text = _CONTROLS.sub(lambda it: f"\\x{ord(it[0]):02x}", piece.text)
        words = [text] if piece.whole else text.split(" ")
        for at, word in enumerate(words):
            yield Piece(word, piece.style, gap=" " if at else piece.gap)


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(it) in "WF" for it in text)
    return len(text) + wide - sum(unicodedata.combining(it) != 0 for it in text)
