"""Amends the HTML of Sphinx and its theme, where readers with a keyboard or a voice need it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

# A list in which no term has a definition is read out as a broken one.
_SIGNATURE = re.compile(r"<dl>\n((?:<dd>.*?</dd>\n)+)</dl>", re.DOTALL)


def amended(html: str) -> str:
    """Return a page that axe-core has nothing to say of."""
    # Whoever has no mouse cannot scroll what cannot have the focus.
    html = re.sub(r'(<div class="highlight"><pre)(?=>)', r'\1 tabindex="0"', html)
    html = html.replace(
        '<div class="table-wrapper', '<div tabindex="0" role="group" class="table-wrapper'
    )
    html = html.replace(
        '<aside class="sidebar-drawer"', '<aside aria-label="The site" class="sidebar-drawer"'
    )
    html = html.replace(
        '<aside class="toc-drawer', '<aside aria-label="This page" class="toc-drawer'
    )
    # A column without a name has no header.
    html = re.sub(r'<th class="head[^"]*">(?:<p>\s*</p>)?</th>', "<td></td>", html)
    html = html.replace('<div id="search-results">', '<h1>Search</h1><div id="search-results">')
    # Readers know what a class holds by this word.
    html = html.replace(">Variables<span", ">Attributes<span")
    return _SIGNATURE.sub(_lines, html)


def _lines(found: re.Match[str]) -> str:
    inside = found[1].replace("<dd>", "<div>").replace("</dd>", "</div>")
    return f'<div class="signature-lines">{inside}</div>'


def amend(app: Sphinx, error: Exception | None) -> None:
    """Amend all pages of a site that was built."""
    if error is None and app.builder.format == "html":
        for path in Path(app.outdir).rglob("*.html"):
            html = path.read_text(encoding="utf-8")
            path.write_text(amended(html), encoding="utf-8", newline="\n")
