"""The pages of the site: each has its place, and every link in them leads somewhere."""

from __future__ import annotations

import re
from os.path import normpath
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import heliograph
from scripts.site.built import problems
from scripts.site.commands import PAGE as COMMANDS
from scripts.site.commands import page as commands
from scripts.site.markdown import DOCS, ROOT, anchors, directed, is_outside, links, origin_of
from scripts.site.modules import public_modules

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES = sorted(DOCS.rglob("*.md"))
MODULES = DOCS / "reference" / "modules"
PACKAGE = Path(heliograph.__file__).parent

in_a_checkout = pytest.mark.skipif(
    not (ROOT / "CONTRIBUTING.md").is_file(), reason="wheels are tested without it: `make test`"
)


def dead(page: Path) -> Iterator[str]:
    """Yield the links of a page that lead nowhere."""
    origin = origin_of(page)
    for number, target in links(origin.read_text(encoding="utf-8")):
        if is_outside(target):
            continue
        path, _, anchor = target.partition("#")
        file = Path(normpath(origin.parent / path)) if path else origin
        if not file.exists():
            yield f"{number}: {target}: there is no such file"
        elif anchor and anchor not in anchors(file.read_text(encoding="utf-8")):
            yield f"{number}: {target}: there is no such heading"


@in_a_checkout
@pytest.mark.parametrize("page", PAGES, ids=lambda it: it.relative_to(DOCS).as_posix())
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    """To a file that is there, and to a heading in it."""
    assert list(dead(page)) == []


def listed(page: Path) -> Iterator[Path]:
    """Yield the pages that the tables of contents of a page list."""
    text = directed(page.read_text(encoding="utf-8"))
    for block in re.findall(r"^```\{toctree\}\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        entries = [it for it in block.splitlines() if it and not it.startswith(":")]
        for it in (re.sub(r".*<(.*)>", r"\1", entry) for entry in entries):
            if "*" in it:
                yield from sorted(Path(normpath(it)) for it in page.parent.glob(f"{it}.md"))
            else:
                yield Path(normpath(page.parent / f"{it}.md"))


def test_every_page_is_in_the_contents_once() -> None:
    """A reader finds it from the first page on, in one place."""
    found = [DOCS / "index.md"]
    for page in found:
        found += listed(page)
    missing = {it for it in found if not it.is_file()}

    assert missing == set()
    assert sorted(set(found)) == PAGES


def test_every_public_module_has_a_page_that_shows_its_docstrings() -> None:
    """And no page is about a module that is not public."""
    pages = {it.stem: it.read_text(encoding="utf-8") for it in MODULES.glob("heliograph*.md")}

    assert sorted(pages) == sorted(public_modules())
    assert [it for it, text in pages.items() if f".. automodule:: {it}\n" not in text] == []


def test_what_is_promised_to_stay_has_a_page() -> None:
    """docs/stability.md says which modules and packages are public."""
    text = DOCS.joinpath("stability.md").read_text(encoding="utf-8")
    rows = [it for it in text.splitlines() if re.search(r"\| public(,|\b.* \|)", it)]
    promised = {name for row in rows for name in re.findall(r"`(heliograph[\w.]*)`", row)}

    assert "heliograph.relay" in promised
    assert promised - set(public_modules()) == set()


def test_every_module_that_says_what_is_public_in_it_is_documented_or_not_public() -> None:
    """One with ``__all__`` is meant for others; docs/stability.md says which rooms are not."""
    inner = ("core", "cli", "postponing", "inspector.migration")
    found = set()
    for path in PACKAGE.rglob("*.py"):
        if re.search(r"^__all__ = ", path.read_text(encoding="utf-8"), re.MULTILINE):
            parts = path.relative_to(PACKAGE).with_suffix("").parts
            name = ".".join(it for it in parts if it != "__init__")
            if not name.startswith(inner):
                found.add(f"heliograph.{name}".rstrip("."))
    # They import what the pages are about.
    inside = {"heliograph.blinker.base", "heliograph.inspector.doctor.connections"}

    assert found - set(public_modules()) == inside


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    """`make pages` writes it, with each command and its ``--help``."""
    assert COMMANDS.read_text(encoding="utf-8") == commands()


def test_the_page_of_signals_is_what_is_declared() -> None:
    """`make pages` writes it, with each signal and its payload."""
    pytest.importorskip("msgspec", reason="one of the signals is of the relay")
    from scripts.site.signals import PAGE, page

    assert PAGE.read_text(encoding="utf-8") == page()


def test_a_built_site_with_a_dead_link_is_refused(tmp_path: Path) -> None:
    """So are a missing anchor, a missing picture, one without a text, and an id given twice."""
    (tmp_path / "index.html").write_text(
        '<h1 id="a">A</h1><p id="a"><a href="#b">b</a> <a href="other.html#c">c</a>'
        '<a href="gone.html">d</a> <img src="x.png"> <a href="https://example.org/">e</a>'
        '<a href="../0.2.0/index.html">f</a>',
        encoding="utf-8",
    )
    (tmp_path / "other.html").write_text('<p id="c">C</p>', encoding="utf-8")

    assert problems(tmp_path) == [
        "index.html: two elements have the id 'a'",
        "index.html: the picture 'x.png' has no text for those who cannot see it",
        "index.html: '#b' has no such anchor",
        "index.html: 'gone.html' is not there",
        "index.html: 'x.png' is not there",
    ]
