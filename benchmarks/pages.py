"""Puts what was measured into the documentation, between the marks that its pages have for it.

A mark is `<!-- measured: KEY -->`; what stands between it and the next `<!-- end -->` is replaced.
Figures of another Python than the pages' own go where the key has " on 3.13" behind it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[1]
PAGES = tuple(
    ROOT / "docs" / it for it in ("performance.md", "performance-appendix.md", "testing.md")
)
PLOTS = ROOT / "docs" / "plots"
PYTHON = (3, 11)

MARKED = re.compile(r"(<!-- measured: (?P<key>.+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def are_of_this_python() -> bool:
    """Tell whether the pages speak of the Python that runs."""
    return sys.version_info[:2] == PYTHON


def fill(page: str, measured: Mapping[str, str]) -> str:
    """Return *page* with the texts in their places; places without a text stay as they are."""
    behind = "" if are_of_this_python() else " on {}.{}".format(*sys.version_info[:2])
    texts = {key + behind: text for key, text in measured.items()}

    def filled(mark: re.Match[str]) -> str:
        if mark["key"] not in texts:
            return mark[0]
        return f"{mark[1]}{texts[mark['key']]}\n{mark[3]}"

    return MARKED.sub(filled, page)


def write(measured: Mapping[str, str]) -> None:
    """Fill all pages."""
    for page in PAGES:
        page.write_text(fill(page.read_text(), measured))
