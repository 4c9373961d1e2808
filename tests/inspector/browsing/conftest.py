"""A browser for each module of tests, and pages in it that say nothing in their console."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from tests.inspector.browsing.chromium import browsing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

PACKAGES = ("brotli_asgi", "flask_compress", "flask_debugtoolbar", "granian", "playwright")
LACKS = any(find_spec(it) is None for it in PACKAGES)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out what could not be imported: `pip install --group inspection`."""
    return True if LACKS and collection_path.stem.startswith("test_") else None


# Not for the session: while it is open, this thread has a loop, and others could not run one.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a browser."""
    with browsing() as found:
        yield found


@pytest.fixture
def console() -> list[str]:
    """Give the list of what pages have said in their console, and of their errors."""
    return []


@pytest.fixture
def open_page(browser: Browser, console: list[str]) -> Iterator[Callable[..., Page]]:
    """Give what opens an address in a page of its own, as wide and dark as wanted."""
    contexts = []

    def open_page(address: str, *, width: int = 1280, height: int = 800, **options: Any) -> Page:
        size = {"width": width, "height": height}
        context = browser.new_context(viewport=size, **options)  # type: ignore[arg-type]  # It is such a dict.
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda it: console.append(it.text))
        page.on("pageerror", lambda it: console.append(str(it)))
        page.on("dialog", lambda it: console.append(f"dialog: {it.message}"))
        page.goto(address)
        return page

    yield open_page
    for it in contexts:
        it.close()
