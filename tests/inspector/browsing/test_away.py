"""The application goes away, or something else answers: the page says so, and comes back."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.serving import make_server

from heliograph import Namespace
from heliograph.inspector.inspector import Inspector
from heliograph.lifecycle.wsgi import Middleware
from tests.inspector.browsing.servers import awaited, comes_to
from tests.lifecycle.served import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from playwright.sync_api import Page
    from werkzeug.serving import BaseWSGIServer

# What they look at is made once, and takes seconds.
pytestmark = pytest.mark.xdist_group("away")

shop = Namespace("shop that goes away")
ordered = shop.signal("ordered")


class Place:
    """An application in this process, behind something that answers in its place if told to."""

    def __init__(self) -> None:
        self.port = free_port()
        self.inspector = Inspector()
        self.app = self.inspector.wsgi(Middleware(self.serve))
        self.instead: tuple[str, list[tuple[str, str]], bytes] | None = None
        self._server: BaseWSGIServer | None = None

    def serve(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Serve the application."""
        ordered.send("shop")
        start_response("200 OK", [])
        return [b""]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer, or let something else answer."""
        if self.instead is None or environ["PATH_INFO"] == "/_signals/":
            return self.app(environ, start_response)
        status, headers, body = self.instead
        start_response(status, headers)
        return [body]

    def come(self) -> None:
        """Listen."""
        self._server = make_server("127.0.0.1", self.port, self, threaded=True)
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def go(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        self._server = None


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """Give the place."""
    made = Place()
    made.come()
    made.inspector.start().record(600)  # Not with the first test: it is all of theirs.
    yield made
    made.go()
    made.inspector.stop()


def visit(place: Place, path: str) -> None:
    """Send a request to the application, whatever answers the page."""
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "REMOTE_ADDR": "127.0.0.1"}
    list(place.app(environ, lambda *_: print))


AWAY = {
    "status": ("503 Service Unavailable", [], b""),
    "html": ("200 OK", [("Content-Type", "text/html")], b"<h1>We are back soon</h1>"),
    "login": ("302 Found", [("Location", "/login")], b""),
    "other": ("200 OK", [("Content-Type", "application/json")], b"{"),
}
SAID = {
    "status": "it answers with status 503",
    "html": "something else answers",
    "login": "it redirects to another page, a login perhaps",
    "other": "something else answers",
}


@pytest.mark.parametrize("what", list(AWAY))
def test_something_else_answers_for_a_while(
    place: Place, open_page: Callable[..., Page], what: str
) -> None:
    """The rows stay, the page says since when and why, and goes on without being loaded again."""
    visit(place, f"/before-{what}")
    page = open_page(f"http://127.0.0.1:{place.port}/_signals/")
    page.get_by_text(f"/before-{what}").wait_for()

    place.instead = AWAY[what]
    status = page.locator("#status")
    status.get_by_text("Application away since").wait_for()
    awaited(lambda: SAID[what] in status.inner_text())
    assert page.get_by_text(f"/before-{what}").is_visible()
    visit(place, f"/meanwhile-{what}")
    place.instead = None
    page.get_by_text(f"/meanwhile-{what}").wait_for()
    status.get_by_text("Live · process").wait_for()


def test_the_application_is_gone_for_a_while(place: Place, open_page: Callable[..., Page]) -> None:
    """The page tries again after 1, 2 and 5 seconds, and each 5 seconds from then on."""
    page = open_page(f"http://127.0.0.1:{place.port}/_signals/")
    page.get_by_text("Live · process").wait_for()
    place.go()
    page.get_by_text("it cannot be reached").wait_for()
    place.come()
    visit(place, "/after")
    page.get_by_text("/after").wait_for()


def test_a_hidden_page_does_not_ask(place: Place, open_page: Callable[..., Page]) -> None:
    """It asks at once when it is seen again."""
    page = open_page(f"http://127.0.0.1:{place.port}/_signals/")
    page.get_by_text("Live · process").wait_for()
    asked: list[str] = []
    page.on("request", lambda it: asked.append(it.url))
    page.evaluate(
        "Object.defineProperty(document, 'visibilityState', {value: 'hidden', configurable: true});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    page.wait_for_timeout(200)  # What was under way.
    asked.clear()
    page.wait_for_timeout(1500)
    assert asked == []
    page.evaluate(
        "delete document.visibilityState; document.dispatchEvent(new Event('visibilitychange'))"
    )

    def many() -> int:
        page.wait_for_timeout(50)  # While this waits, it hears of requests.
        return len(asked)

    comes_to(many, 1)
