"""Who watches sees the life-cycle signals that nobody receives, in both worlds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from heliograph import add_instrument, remove_instrument
from heliograph.lifecycle import asgi, lifecycle, request_finished, wsgi
from tests.lifecycle.calling import ask, ask_wsgi

if TYPE_CHECKING:
    from heliograph import Emission

ALL = [
    "app-started",
    "request-started",
    "request-finished",
    "response-sent",
    "request-tearing-down",
]


async def plain(scope: Any, receive: Any, send: Any) -> None:
    """Answer with two headers of one name."""
    headers = [(b"X-Way", b"one"), (b"x-way", b"tw\xf6")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello"})


def plain_wsgi(environ: Any, start_response: Any) -> list[bytes]:
    """Do so under WSGI."""
    start_response("200 OK", [("X-Way", "one"), ("x-way", "tw\xf6")])
    return [b"hello"]


class Watching:
    """An instrument that keeps the names and the payloads of what is sent."""

    def __init__(self) -> None:
        self.seen: list[Emission] = []

    def __enter__(self) -> Self:
        add_instrument(self.seen.append, signals=[lifecycle])
        return self

    def __exit__(self, *_: object) -> None:
        remove_instrument(self.seen.append)

    def names(self) -> list[str | None]:
        """Return the names of what was sent, in order."""
        return [it.signal.name for it in self.seen]

    def response(self) -> Any:
        """Return the response that was announced."""
        (told,) = [it for it in self.seen if it.signal is request_finished]
        return told.payload["response"]


async def test_an_instrument_sees_what_nobody_receives() -> None:
    """Async code sends to nobody as well, as a trace and a count need it."""
    with Watching() as watching:
        await ask(asgi.Middleware(plain), "/")
    assert watching.names() == ALL

    with Watching() as watching:
        ask_wsgi(wsgi.Middleware(plain_wsgi), "/")
    assert watching.names() == ALL


async def test_the_headers_of_a_response_are_the_same_text_in_both_worlds() -> None:
    """They are read by name in any case, the first of several, and all of them are there."""
    with Watching() as watching:
        await ask(asgi.Middleware(plain), "/")
    with Watching() as watching_wsgi:
        ask_wsgi(wsgi.Middleware(plain_wsgi), "/")

    for response in (watching.response(), watching_wsgi.response()):
        assert response.status_code == 200
        assert response.headers["X-WAY"] == "one"
        assert response.headers.pairs == (("X-Way", "one"), ("x-way", "twö"))
        assert "X-Other" not in response.headers
