"""Ten thousand emissions: the page has the elements of what is seen, and no more."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.serving import make_server

from heliograph import Namespace
from heliograph.inspector.inspector import Inspector
from heliograph.lifecycle.wsgi import Middleware
from tests.inspector.browsing.servers import comes_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from playwright.sync_api import Page

shop = Namespace("shop with many")
packed = shop.signal("packed")
MANY = 9_000


@packed.connect
def count(sender: object, number: int) -> None:
    """Count."""


def serve(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Send as many as the path says; each from a sender of its own kind, so that none folds."""
    for number in range(int(environ["PATH_INFO"][1:])):
        packed.send("shop", number=number)
    start_response("200 OK", [])
    return [b""]


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[str, Any]]:
    """Give the address of the page, and the application."""
    inspector = Inspector(max_bytes=40_000_000, max_emissions=20_000)
    app = inspector.wsgi(Middleware(serve))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    inspector.start().record(600)  # Not with the first test: it is all of theirs.
    yield f"http://127.0.0.1:{server.port}/_signals/", app
    server.shutdown()
    server.server_close()
    inspector.stop()


def ask(app: Any, path: str) -> None:
    """Send a request."""
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "REMOTE_ADDR": "127.0.0.1"}
    list(app(environ, lambda *_: print))


def rows(page: Page) -> int:
    """Return how many rows there are in the document."""
    return page.locator(".inner > *").count()


def test_a_window_of_rows_is_shown(
    place: tuple[str, Any], open_page: Callable[..., Page], console: list[str]
) -> None:
    """In the list and in the tree, wherever one has come."""
    address, app = place
    for _ in range(500):
        ask(app, "/1")
    ask(app, f"/{MANY}")
    page = open_page(address)
    page.get_by_text(f"/{MANY}", exact=True).click()
    page.get_by_text(f"× {MANY:,}", exact=True).wait_for()
    assert rows(page) < 60

    tree = page.get_by_role("tree")
    tree.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("End")
    last = page.get_by_role("treeitem").last
    last.wait_for()
    of = str(1 + 2 * MANY)
    places = ("aria-posinset", "aria-setsize")
    comes_to(lambda: [last.get_attribute(it) for it in places], [of, of])
    assert rows(page) < 100
    page.get_by_role("listbox").focus()
    page.keyboard.press("End")
    assert rows(page) < 100
    assert console == []


def test_arrivals_leave_what_is_read_where_it_is(
    place: tuple[str, Any], open_page: Callable[..., Page]
) -> None:
    """New requests come above; whoever has scrolled down does not lose the place."""
    address, app = place
    for _ in range(150):
        ask(app, "/3")
    ask(app, "/5")
    page = open_page(address)
    box = page.get_by_role("listbox")
    page.get_by_text("/5", exact=True).first.wait_for()  # The last one of what had happened.
    box.evaluate("it => { it.scrollTop = 4400 }")
    page.wait_for_timeout(100)
    before = box.evaluate("it => it.scrollTop")
    for _ in range(30):
        ask(app, "/2")
    page.wait_for_function(
        "it => document.querySelector('#request').scrollTop === it", arg=before + 30 * 44
    )


def test_the_oldest_are_let_go(place: tuple[str, Any], open_page: Callable[..., Page]) -> None:
    """The page keeps ten thousand emissions, and whole requests."""
    address, app = place
    page = open_page(address)
    page.get_by_text("Live · process").wait_for()
    for _ in range(6):
        ask(app, "/1999")
    ask(app, "/7")
    page.get_by_text("/7", exact=True).wait_for()
    newest = page.get_by_role("listbox").get_by_role("option").first
    assert newest.get_attribute("aria-setsize") == "5"  # Four of the large ones, and this one.
