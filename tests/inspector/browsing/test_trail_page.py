"""The page of a trail in a real browser, with hostile entries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("sqlalchemy")

from tests.inspector.browsing.servers import comes_to
from tests.lifecycle.served import free_port, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    OpenPage = Callable[..., Page]

PROGRAM = """
import sys
from wsgiref.simple_server import make_server
from heliograph import Signal
from heliograph.audit import Trail

HOSTILE = "<img src=x onerror=alert(1)>"
paid = Signal("order.paid")
with Trail(f"sqlite:///{sys.argv[2]}/trail.db", service=HOSTILE) as trail:
    trail.record(paid, actor="user", target=("order", "n"), outcome=lambda _, it: it["outcome"])
    for n in range(60):
        paid.send("shop", n=n, user=HOSTILE, note="</style><script>alert(1)</script>",
                  outcome="denied" if n % 7 == 0 else "success")
    page = trail.wsgi(token="open")
    make_server("127.0.0.1", int(sys.argv[1]), page).serve_forever()
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a trail."""
    port = free_port()
    folder = tmp_path_factory.mktemp("trail")
    command = [sys.executable, "-c", PROGRAM, str(port), str(folder)]
    with (folder / "out").open("wb") as out:
        server = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        wait_for(port, server, folder)
        yield f"http://127.0.0.1:{port}/?token=open"
    finally:
        server.terminate()
        server.wait(60)


@pytest.mark.parametrize("dark", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_the_trail_is_readable_and_says_nothing_in_the_console(
    width: int, dark: str, address: str, open_page: OpenPage, console: list[str], tmp_path: Path
) -> None:
    """On a phone and in the dark, with enough contrast, and whatever was recorded."""
    page = open_page(address, width=width, color_scheme=dark)
    page.screenshot(path=tmp_path / f"trail-{width}-{dark}.png")
    contrast: Any = page.evaluate((Path(__file__).parent / "contrast.js").read_text())

    assert page.title() == "The trail"
    assert page.locator("tbody tr").count() == 50
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert (contrast, console) == ([], [])


def test_the_trail_is_searched_by_the_keyboard(
    address: str, open_page: OpenPage, console: list[str]
) -> None:
    """The form has labels, and sends itself; an entry is one link away, and so is the way back."""
    page = open_page(address)
    page.get_by_label("target").focus()
    page.keyboard.type("order:7")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="8").click()
    page.get_by_role("heading", name="Entry 8").wait_for()
    assert "<img src=x onerror=alert(1)>" in page.inner_text("main")
    page.get_by_role("link", name="All entries").click()
    page.get_by_role("link", name="Older entries").click()

    comes_to(page.locator("tbody tr").count, 10)
    assert console == []
