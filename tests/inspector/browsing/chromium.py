"""Starts Debian's chromium without a window."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.debian import needed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

# Without these it asks the network for things that no test needs.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def browsing() -> Iterator[Browser]:
    """Start the browser for the length of a block, or skip the test."""
    # As Debian, Ubuntu and the machines of CI call it.
    found = needed("chromium", "chromium", "chromium-browser", "google-chrome")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=[*FLAGS])
        try:
            yield browser
        finally:
            browser.close()
