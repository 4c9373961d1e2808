"""Reads a built site in a browser: wide, narrow, in the dark, by the keyboard, and by axe-core.

``python -m scripts.site.reading FOLDER [PATTERN]`` prints what is wrong for somebody, and fails if
there is anything.
"""

from __future__ import annotations

import shutil
import sys
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

_WIDE, _NARROW = 1440, 360
_VIEWS: tuple[tuple[Literal["light", "dark"], int], ...] = (("light", _WIDE), ("dark", _NARROW))
# Without these it asks the network for things that no page needs.
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def problems(site: Path, pattern: str = "**/*.html") -> Iterator[str]:
    """Yield what is wrong with the pages of a site, one sentence each."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    with _served(site) as where, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        page = browser.new_page()
        failed: list[str] = []
        page.on("pageerror", lambda it: failed.append(f"a script fails: {it}"))
        page.on("requestfailed", lambda it: failed.extend(_missing(it.url, it.failure)))
        page.on("request", lambda it: failed.extend(_elsewhere(it.url)))
        for path in sorted(site.glob(pattern)):
            failed.clear()
            found = [*_read(page, where + path.relative_to(site).as_posix()), *failed]
            yield from (f"{path.relative_to(site)}: {it}" for it in dict.fromkeys(found))
        yield from (f"search: {it}" for it in _search(page, where))
        yield from (f"keyboard: {it}" for it in _keyboard(page, where))
        browser.close()


@contextmanager
def _served(site: Path) -> Iterator[str]:
    """Serve the site for the length of a block: a file may not read another one."""
    handler = partial(_Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _elsewhere(url: str) -> list[str]:
    ours = ("http://127.0.0.1:", "data:")
    return [] if url.startswith(ours) else [f"it asks another host for {url}"]


def _missing(url: str, why: str | None) -> list[str]:
    # What is still under way when the next page is asked for is no failure.
    return [] if "ERR_ABORTED" in (why or "") else [f"{url} cannot be loaded: {why}"]


def _read(page: Page, url: str) -> Iterator[str]:
    # Each scheme and each width once: what depends on both would be the style's own fault.
    for scheme, width in _VIEWS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(url)
        yield from (f"{scheme}, {width} pixels: {it}" for it in _seen(page))


def _seen(page: Page) -> Iterator[str]:
    more = page.evaluate(_OVERFLOW)
    if more > 0:
        yield f"the page is {more} pixels wider than the window"
    found: dict[str, Any] = Axe().run(page).response
    for it in found["violations"]:
        where = ", ".join(str(node["target"]) for node in it["nodes"][:3])
        yield f"{it['id']} ({len(it['nodes'])}): {it['help']}: {where}"


def _search(page: Page, where: str) -> Iterator[str]:
    page.goto(f"{where}search.html?q=weakly")
    page.wait_for_selector("ul.search li", timeout=20_000)
    if not page.locator("ul.search li a").count():
        yield "it finds nothing"


def _keyboard(page: Page, where: str) -> Iterator[str]:
    page.set_viewport_size({"width": _WIDE, "height": 900})
    page.goto(f"{where}index.html")
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.textContent.trim()")
    if "content" not in first.lower():
        yield f"the first Tab leads to {first!r}, and not past the navigation"
    page.keyboard.press("Enter")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            return  # Behind the last link.
        style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        if style == "none":
            name = page.evaluate("document.activeElement.outerHTML.slice(0, 120)")
            yield f"no outline shows the focus of {name}"
            return


def main(folder: str, *pattern: str) -> int:
    """Print what is wrong with the site in a folder; return the exit status."""
    found = []
    for problem in problems(Path(folder).resolve(), *pattern):
        print(problem, flush=True)
        found.append(problem)
    print(f"{len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
