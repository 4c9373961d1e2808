"""Reads Markdown pages as forges and the site do: links, headings, and what a page stands for."""

from __future__ import annotations

import re
from os.path import normpath
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

_LINK = re.compile(r"(?<!\\)\]\((?P<target>[^()\s]+)\)")
_FENCE = re.compile(r"^ *(`{3,}|~{3,}|:{3,}(?=\{code))")
_HEADING = re.compile(r"^#{1,6} +(.*?) *$")
_HIDDEN = re.compile(r"^<!-- (\{[\w-]+\}.*?)\s*-->$", re.MULTILINE | re.DOTALL)
_STANDS_FOR = re.compile(r"\A\[[^\]]+\]\(([^()\s]+)\)\s*\Z")


def origin_of(page: Path) -> Path:
    """Return the file that a page shows: another one if a link to it is all that the page has."""
    found = _STANDS_FOR.match(page.read_text(encoding="utf-8"))
    return page if found is None else Path(normpath(page.parent / found[1]))


def prose(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a page that are not in blocks of code, with their numbers."""
    fence = ""
    for number, line in enumerate(text.splitlines(), 1):
        mark = _FENCE.match(line)
        if not fence and mark:
            # Directives hold prose, and links in it.
            fence = "" if re.match(r" *[`:]{3,}\{(?!code|literalinclude)", line) else mark[1]
        elif fence and line.strip().startswith(fence):
            fence = ""
        elif not fence:
            yield number, line


def links(text: str) -> Iterator[tuple[int, str]]:
    """Yield what a page links to, with the numbers of the lines; pictures are among it."""
    for number, line in prose(text):
        shown = re.sub(r"`[^`]*`", "``", line)
        yield from ((number, it["target"]) for it in _LINK.finditer(shown))


def anchors(text: str) -> set[str]:
    """Return the anchors of a page: its headings, as forges write them, and names of its own."""
    found = dict[str, int]()
    named = set[str]()
    for _, line in prose(text):
        heading = _HEADING.match(line)
        if heading:
            slug = slug_of(heading[1])
            found[slug] = found.get(slug, -1) + 1
            named.add(f"{slug}-{found[slug]}" if found[slug] else slug)
        named.update(re.findall(r"^\(([\w-]+)\)=$", line))
        named.update(re.findall(r"\{#([\w-]+)\}", line))
    return named


def slug_of(heading: str) -> str:
    """Return the anchor of a heading."""
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")


def directed(text: str) -> str:
    """Return a page with its hidden directives: forges show a comment not at all.

    ``<!-- {toctree} … -->`` and ``<!-- {picture} tree -->`` are for the site alone.
    """
    return _HIDDEN.sub(r"```\1\n```", text)


def is_outside(target: str) -> bool:
    """Tell whether a link leads to another site."""
    return bool(re.match(r"[a-z][a-z+.-]*:", target))


def relinked(text: str, change: Callable[[str], str | None]) -> str:
    """Return a page with other links, or without those for which `change` returns None."""
    lines = text.splitlines(keepends=True)
    for number, line in prose(text):

        def other(found: re.Match[str]) -> str:
            target = change(found["target"])
            return found["words"] if target is None else f"[{found['words']}]({target})"

        lines[number - 1] = re.sub(
            r"(?<!!)\[(?P<words>(?:`[^`]*`|[^\[\]`])*)\]\((?P<target>[^()\s]+)\)",
            other,
            line + lines[number - 1][len(line) :],
        )
    return "".join(lines)
