"""The page in front of an application, or mounted in one, over WSGI and ASGI."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from heliograph import Namespace
from heliograph.inspector.page.access import Door
from heliograph.inspector.page.asgi import PageOverASGI
from heliograph.inspector.page.document import document
from heliograph.inspector.page.site import Site
from heliograph.inspector.page.timings import Stopwatch
from heliograph.inspector.page.visits import LONGEST_BODY
from heliograph.inspector.page.wsgi import PageOverWSGI
from tests.inspector.page.calling import call

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

shop = Namespace("shop of the served page")
ordered = shop.signal("ordered")
TOKEN = "open sesame"  # noqa: S105 - it opens nothing but a test.
LOCAL = {"REMOTE_ADDR": "127.0.0.1"}


@ordered.connect
def pack(sender: object) -> None:
    """Pack."""


@dataclass(frozen=True)
class Nothing:
    """What nobody has seen."""

    seen: list[Any] = field(default_factory=list)
    cursor: dict[str, int] = field(default_factory=lambda: {"1-a": 0})
    lost: dict[str, int] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)


class Quiet:
    """One worker, in which nothing happens."""

    sees_all_workers = True

    def attend(self) -> bool:
        """Always."""
        return True

    def picture(self, cursor: dict[str, int], *, most: int) -> Nothing:
        """Tell so."""
        return Nothing()


def site(*, token: str | None = None, developed: bool = True) -> Site:
    """Return a page."""
    return Site(Quiet(), Door(token, lambda: developed))


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Tell where the page is, and send a signal."""
    ordered.send("shop")
    start_response("200 OK", [("Content-Type", "text/plain"), ("Server-Timing", "app;dur=5")])
    return [environ["heliograph.page"].encode()]


@pytest.fixture
def stopwatch() -> Iterator[Stopwatch]:
    """Give a stopwatch that is stopped in the end."""
    made = Stopwatch()
    yield made
    made.stop()


# --- WSGI ------------------------------------------------------------------------------


def test_the_page_stands_before_a_wsgi_application() -> None:
    """Below its path it answers, and elsewhere the application does, which knows the address."""
    client = Client(PageOverWSGI(application, site(), "/_signals", None))

    page = client.get("/_signals/", environ_overrides=LOCAL)
    assert (page.status_code, page.data) == (200, document().body)
    assert page.headers["Content-Encoding"] == "identity"
    assert client.get("/_signals", environ_overrides=LOCAL).headers["Location"] == "_signals/"
    assert client.get("/_signalsandmore").text == "/_signals/"


def test_head_has_the_headers_alone() -> None:
    """As HTTP wants it."""
    found = Client(PageOverWSGI(application, site(), "/_signals", None)).head("/_signals/")

    assert (found.status_code, found.data) == (200, b"")
    assert int(found.headers["Content-Length"]) == len(document().body)


def test_the_page_can_be_mounted_in_a_wsgi_application() -> None:
    """At any path, which it needs not be told."""
    mounted = PageOverWSGI(None, site(), "/_signals", None)
    client = Client(DispatcherMiddleware(application, {"/admin/signals": mounted}))

    assert client.get("/admin/signals").headers["Location"] == "signals/"
    assert json.loads(client.get("/admin/signals/news").data)["picture"] == "1 worker"
    assert client.get("/admin/signals/nowhere").status_code == 404


def test_without_an_application_a_page_that_is_off_is_nowhere() -> None:
    """404, as of any address that does not exist."""
    client = Client(PageOverWSGI(None, site(developed=False), "/_signals", None))

    assert client.get("/").status_code == 404


def test_a_trace_is_posted_over_wsgi() -> None:
    """Up to a bound, as the body is read whole."""
    client = Client(PageOverWSGI(application, site(), "/_signals", None))
    made = client.post("/_signals/test", json={"request": None, "emissions": []})
    large = client.open(
        "/_signals/test",
        method="POST",
        input_stream=BytesIO(),
        environ_overrides={"CONTENT_LENGTH": str(LONGEST_BODY + 1)},
    )

    assert "def test_nothing_is_sent(signals)" in made.get_json()["test"]
    assert large.status_code == 413
    odd = client.open("/_signals/test", method="POST", environ_overrides={"CONTENT_LENGTH": "x"})
    assert odd.status_code == 415


def test_the_header_goes_to_those_who_may_see_the_page(stopwatch: Stopwatch) -> None:
    """And nobody else learns the names of receivers."""
    here = Client(PageOverWSGI(application, site(), "/_signals", stopwatch))
    off = Client(PageOverWSGI(application, site(developed=False), "/_signals", stopwatch))
    for client, environ, many in (
        (here, LOCAL, 2),
        (here, {"REMOTE_ADDR": "192.0.2.1"}, 1),
        (off, LOCAL, 1),
    ):
        found = client.get("/", environ_overrides=environ)
        assert len(found.headers.getlist("Server-Timing")) == many

    own, ours = here.get("/", environ_overrides=LOCAL).headers.getlist("Server-Timing")
    assert own == "app;dur=5"
    assert ours.endswith(f';desc="ordered/{__name__}.pack"')


def test_a_token_in_the_address_opens_page_and_header(stopwatch: Stopwatch) -> None:
    """The browser keeps a cookie of it."""
    page = PageOverWSGI(application, site(token=TOKEN, developed=False), "/_signals", stopwatch)
    client = Client(page)

    assert client.get("/_signals/").status_code == 403
    assert client.get(f"/_signals/?token={TOKEN}").status_code == 303
    assert client.get("/_signals/").status_code == 200
    assert len(client.get("/").headers.getlist("Server-Timing")) == 2


# --- ASGI ------------------------------------------------------------------------------


async def asgi_application(scope: Any, receive: Any, send: Any) -> None:
    """Tell where the page is, and send a signal."""
    if scope["type"] != "http":
        await send({"type": "seen", "scope": scope["type"]})
        return
    ordered.send("shop")
    headers = [(b"server-timing", b"app;dur=5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": scope["heliograph.page"].encode()})


def test_the_page_stands_before_an_asgi_application() -> None:
    """As before one for WSGI."""
    app = PageOverASGI(asgi_application, site(), "/_signals", None)
    start, body = call(app, "/_signals/")

    assert (start["status"], body["body"]) == (200, document().body)
    assert (b"content-encoding", b"identity") in start["headers"]
    assert call(app, "/elsewhere")[1]["body"] == b"/_signals/"
    assert call(app, "/_signals/", method="HEAD")[1]["body"] == b""


@pytest.mark.parametrize("path", ["/shop/_signals/", "/_signals/"])
def test_a_prefix_may_be_part_of_the_path_or_not(path: str) -> None:
    """Servers and frameworks differ in that."""
    app = PageOverASGI(asgi_application, site(), "/_signals", None)

    assert call(app, path, root_path="/shop")[0]["status"] == 200
    assert call(app, "/elsewhere", root_path="/shop")[1]["body"] == b"/shop/_signals/"


def test_the_page_can_be_mounted_in_an_asgi_application() -> None:
    """It ends alone what else a server asks."""
    app = PageOverASGI(None, site(), "/_signals", None)

    assert call(app, "/admin/news", root_path="/admin")[0]["status"] == 200
    assert call(app, "/admin/nowhere", root_path="/admin")[0]["status"] == 404
    assert call(app, "/x", type="websocket") == [{"type": "websocket.close", "code": 1000}]
    assert [it["type"] for it in call(app, "/x", type="lifespan")] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    off = PageOverASGI(None, site(developed=False), "/_signals", None)
    assert call(off, "/")[0]["status"] == 404


def test_what_is_no_request_passes(stopwatch: Stopwatch) -> None:
    """Websockets and life spans are the application's."""
    app = PageOverASGI(asgi_application, site(), "/_signals", stopwatch)

    assert call(app, "/_signals/", type="websocket") == [{"type": "seen", "scope": "websocket"}]


def test_a_trace_is_posted_over_asgi() -> None:
    """In any number of parts, up to a bound."""
    app = PageOverASGI(asgi_application, site(), "/_signals", None)
    kind = [(b"Content-Type", b"application/json"), (b"host", b"localhost")]
    parts = [b'{"request": null, ', b'"emissions": []}']
    made = call(app, "/_signals/test", parts, method="POST", headers=kind)
    large = call(app, "/_signals/test", [b" " * (LONGEST_BODY + 1), b" "], method="POST")

    assert "def test_nothing_is_sent(signals)" in json.loads(made[1]["body"])["test"]
    assert large[0]["status"] == 413


def test_the_header_is_added_over_asgi(stopwatch: Stopwatch) -> None:
    """For those who may see the page, beside the application's own."""
    app = PageOverASGI(asgi_application, site(), "/_signals", stopwatch)
    own, ours = call(app, "/")[0]["headers"]

    assert own == (b"server-timing", b"app;dur=5")
    assert ours[1].endswith(f';desc="ordered/{__name__}.pack"'.encode())
    assert len(call(app, "/", client=None)[0]["headers"]) == 2
    assert len(call(app, "/", client=("192.0.2.1", 1))[0]["headers"]) == 1
