"""Measures how fluent the page is with ten thousand emissions: `python -m` this module.

No test: a number depends on what else the machine does.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.inspector.browsing.chromium import browsing
from tests.inspector.browsing.servers import APPS, serving

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

# Longest time between two frames, in milliseconds, until the page is told to stop.
WATCH = """() => {
  window.worst = 0;
  let last = performance.now();
  const frame = (now) => {
    window.worst = Math.max(window.worst, now - last);
    last = now;
    if (window.worst >= 0) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}"""


FIRST = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


def worst_frame(page: Page, act: Any) -> float:
    """Return the longest frame, in milliseconds, while something is done."""
    page.evaluate(WATCH)
    act()
    worst = page.evaluate("() => window.worst")
    page.evaluate("() => { window.worst = -1 }")
    return float(worst)


def main(folder: Path) -> None:
    """Print the numbers."""
    with serving("werkzeug", f"{APPS}.shop:app", folder) as shop, browsing() as browser:
        shop.ask("/")
        page = browser.new_page()
        page.goto(shop.page)
        for _ in range(10):
            shop.ask("/lines?many=990")
            page.wait_for_timeout(500)
        page.locator(".request").nth(9).wait_for()
        page.locator(".request").first.click()
        page.get_by_role("tree").focus()
        page.keyboard.press("ArrowRight")
        scrolling = worst_frame(page, lambda: scroll(page))
        arriving = worst_frame(page, lambda: arrive(shop))
        page.reload()
        page.locator(".request").first.wait_for()
        first = page.evaluate(FIRST)
    print(f"first paint                          {first:4.0f} ms")  # noqa: T201 - it is for people.
    print(f"worst frame, scrolling               {scrolling:4.0f} ms")  # noqa: T201 - it is for people.
    print(f"worst frame, 1,000 sends per second  {arriving:4.0f} ms")  # noqa: T201 - it is for people.


def scroll(page: Page) -> None:
    """Scroll through the tree and back, by the wheel."""
    box = page.get_by_role("tree").bounding_box()
    if box is not None:
        page.mouse.move(box["x"] + 50, box["y"] + 50)
    for at in range(60):
        page.mouse.wheel(0, 900 if at < 30 else -900)
        page.wait_for_timeout(30)


def arrive(shop: Any) -> None:
    """Send 1,000 signals per second for ten seconds."""
    for _ in range(10):
        began = time.monotonic()
        for _ in range(10):
            shop.ask("/lines?many=100")
        time.sleep(max(0, 1 - (time.monotonic() - began)))


if __name__ == "__main__":
    from pathlib import Path
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as made:
        main(Path(made))
