"""Servers with the page open in a browser: several workers, reloads, the end, and many tabs."""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.inspector.browsing.servers import APPS, awaited, serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.inspector.browsing.servers import Server

    OpenPage = Callable[..., Page]

SHOP = f"{APPS}.shop:app"
TOKEN = "open sesame"  # noqa: S105 - it opens nothing but a test.
HERE = Path(__file__).parent / "apps"


# Opens one request after the other by the keyboard; how many rows each has, and its worker.
EACH = """async () => {
  const found = [];
  const list = document.querySelector("#request");
  for (let at = 0; at < 100; at += 1) {
    list.dispatchEvent(new KeyboardEvent("keydown", { key: at ? "ArrowDown" : "Home" }));
    await new Promise(requestAnimationFrame);
    const rows = document.querySelectorAll("[role=treeitem]").length;
    found.push([rows, document.querySelector(".head .sub").textContent]);
  }
  return found;
}"""


def shown(page: Page) -> int:
    """Return how many requests the page has."""
    first = page.locator(".request").first
    return int(first.get_attribute("aria-setsize") or 0) if first.count() else 0


def met(server: Server, many: int) -> set[str]:
    """Ask until each worker has answered once: it begins to be seen with its first request."""
    found: set[str] = set()

    def everybody() -> bool:
        found.update(re.findall(r"shop (\d+)", server.ask("/")[1]))
        return len(found) == many

    awaited(everybody)
    return found


def test_four_workers_are_one_picture(
    tmp_path: Path, open_page: OpenPage, console: list[str]
) -> None:
    """Of a hundred requests to four workers the page shows each, and each opens."""
    with serving("gunicorn", SHOP, tmp_path, "--workers", "4", HELIOGRAPH_ATTACH="shop") as server:
        pids = met(server, 4)
        page = open_page(server.page)
        page.get_by_text("Live · 4 workers").wait_for()
        # Not cleared, as a worker that is busy may tell of earlier requests after that.
        page.get_by_label(re.compile("Filter")).fill("/orders/")
        for number in range(100):
            server.ask(f"/orders/{number}")
        page.wait_for_function("() => document.querySelector('.request')?.ariaSetSize === '100'")
        seen = page.evaluate(EACH)
        assert len(seen) == 100
        assert min(rows for rows, _ in seen) >= 5
        opened = {said.rpartition("worker ")[2] for _, said in seen}
        assert opened == pids

        # One of those whose requests are in sight: the first row's.
        gone = seen[0][1].rpartition("worker ")[2]
        os.kill(int(gone), signal.SIGKILL)
        mark = page.get_by_text("worker ended").first
        mark.wait_for()
        assert shown(page) == 100
        assert console == []


def test_a_worker_that_hangs_is_named_and_the_others_are_shown(
    tmp_path: Path, open_page: OpenPage
) -> None:
    """It counts as gone after a second."""
    with serving("gunicorn", SHOP, tmp_path, "--workers", "2", HELIOGRAPH_ATTACH="shop") as server:
        pids = met(server, 2)
        page = open_page(server.page)
        page.get_by_text("Live · 2 workers").wait_for()
        os.kill(int(max(pids)), signal.SIGSTOP)
        try:
            page.get_by_text("Live · 1 of 2 workers").wait_for()
            assert f"Worker {max(pids)} has not told" in page.get_by_role("alert").inner_text()
        finally:
            os.kill(int(max(pids)), signal.SIGCONT)
        page.get_by_text("Live · 2 workers").wait_for()


def test_without_a_socket_the_page_says_that_it_sees_one_of_them(
    tmp_path: Path, open_page: OpenPage
) -> None:
    """In words, with what to do."""
    with serving("gunicorn", SHOP, tmp_path, "--workers", "2") as server:
        page = open_page(server.page)
        page.get_by_text("one of 2 that take turns: Inspector(attach=True) shows all").wait_for()


RELOADING = {
    "uvicorn": ("asgi_shop:app", ("--reload",)),
    "gunicorn-gthread": ("wsgi_shop:app", ("--reload",)),
}


@pytest.mark.parametrize("server", list(RELOADING))
def test_an_open_page_stops_no_reload(server: str, tmp_path: Path, open_page: OpenPage) -> None:
    """New code is served while a browser has the page open; a stream would hold the old one."""
    app, more = RELOADING[server]
    for it in HERE.glob("*_shop.py"):
        shutil.copy(it, tmp_path)
    with serving(server, app, tmp_path, *more, cwd=tmp_path) as running:
        page = open_page(running.page)
        page.get_by_text("Live · process").wait_for()
        assert running.ask("/")[1] == "version 1"

        source = tmp_path / f"{app.partition(':')[0]}.py"
        time.sleep(1)  # Reloaders compare whole seconds.
        source.write_text(source.read_text().replace("version 1", "version 2"))
        awaited(lambda: answers(running, "version 2"))
        page.locator(".request .path").first.wait_for()
        page.get_by_text("Live · process").wait_for()


def answers(server: Server, wanted: str) -> bool:
    """Tell whether a server answers something by now."""
    try:
        return bool(server.ask("/")[1] == wanted)
    except OSError:
        return False


@pytest.mark.parametrize("server", ["uvicorn", "hypercorn", "granian", "gunicorn-gthread"])
def test_an_open_page_stops_no_shutdown(server: str, tmp_path: Path, open_page: OpenPage) -> None:
    """The server ends as an operator wants, and the page says that it is away."""
    name = "asgi_shop:app" if server in ("uvicorn", "hypercorn", "granian") else "wsgi_shop:app"
    with serving(server, name, tmp_path, cwd=HERE) as running:
        page = open_page(running.page)
        page.get_by_text("Live · process").wait_for()
        running.process.terminate()
        running.process.wait(60)
        page.get_by_text("Application away since").wait_for()


def test_seven_open_pages_leave_the_application_its_connections(
    tmp_path: Path, open_page: OpenPage
) -> None:
    """A browser has six for each host: a page that held one would stop the seventh tab."""
    with serving("werkzeug", SHOP, tmp_path) as server:
        first = open_page(server.page)
        tabs = [first, *(first.context.new_page() for _ in range(6))]
        for tab in tabs[1:]:
            tab.goto(server.page)
        for tab in tabs:
            tab.get_by_text("Live · process").wait_for()
        own = first.context.new_page()
        own.goto(f"{server.address}/orders/9")
        assert own.locator("body").inner_text() == "order 9"
        for tab in tabs:
            tab.get_by_text("/orders/9").first.wait_for()


def test_a_token_opens_the_page_in_production(tmp_path: Path, open_page: OpenPage) -> None:
    """Once, in the address; it does not stay there."""
    with serving(
        "waitress", SHOP, tmp_path, SHOP_DEBUG="0", SHOP_TOKEN=TOKEN, HELIOGRAPH_CHECK="0"
    ) as server:
        page = open_page(server.page)
        assert "This page needs the token" in page.locator("body").inner_text()
        page.goto(f"{server.page}?token=open%20sesame")
        page.get_by_text("Live · process").wait_for()
        assert "token" not in page.url
        assert page.evaluate("document.cookie") == ""
