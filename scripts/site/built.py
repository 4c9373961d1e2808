"""Checks a site that was built: every link, anchor and picture in it leads somewhere.

``python -m scripts.site.built FOLDER`` prints what does not, and fails if there is anything.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from os.path import normpath
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """A page: what it links to, what can be linked to in it, and what is wrong with it.

    Attributes:
        links: The targets of links, pictures, styles and scripts.
        ids: The anchors.
        problems: What is wrong with the page itself.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.problems: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take down what a tag links to and what it is called."""
        given = dict(attrs)
        name = given.get("id")
        if name in self.ids:
            self.problems.append(f"two elements have the id {name!r}")
        self.ids |= {name} if name else set()
        target = given.get("href" if tag in {"a", "link"} else "src")
        if target:
            self.links.append(target)
        if tag == "img" and not given.get("alt"):
            self.problems.append(
                f"the picture {given.get('src')!r} has no text for those who cannot see it"
            )


def problems(site: Path) -> list[str]:
    """Return what is wrong with the pages of a site, one sentence each."""
    pages = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        wrong = page.problems + [it for link in page.links for it in _dead(site, path, link, pages)]
        found += [f"{path.relative_to(site)}: {it}" for it in dict.fromkeys(wrong)]
    return found


def _dead(site: Path, path: Path, link: str, pages: dict[Path, Page]) -> list[str]:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return []
    target = Path(normpath(path.parent / unquote(parts.path))) if parts.path else path
    if not target.is_relative_to(site):
        return []  # Another version, which is beside this one where they are published.
    if not target.is_file():
        return [f"{link!r} is not there"]
    anchor = unquote(parts.fragment)
    if anchor and target in pages and anchor not in pages[target].ids:
        return [f"{link!r} has no such anchor"]
    return []


def main(folder: str) -> int:
    """Print what is wrong with the site in a folder; return the exit status."""
    site = Path(folder).resolve()
    found = problems(site)
    many = sum(1 for _ in site.rglob("*.html"))
    print(*found, f"{many} pages, {len(found)} problems", sep="\n")
    return 1 if found or not many else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
