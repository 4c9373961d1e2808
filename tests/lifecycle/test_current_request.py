"""The request of a context: the one that it works on, in whatever order requests are left."""

from __future__ import annotations

import gc
from contextvars import copy_context
from itertools import permutations
from typing import Any

import pytest

from heliograph.lifecycle import current_request, wsgi
from tests.lifecycle.calling import ask_wsgi, heard


def plain(environ: Any, start_response: Any) -> list[bytes]:
    """Answer."""
    start_response("200 OK", [])
    return [b"hello"]


def opened(app: Any, path: str) -> Any:
    """Send a request, and return the body that a server has yet to read and close."""
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path}
    return app(environ, lambda *_: len)


def current() -> str | None:
    """Return the path of the current request."""
    found = current_request()
    return None if found is None else found.path


@pytest.mark.parametrize("order", [*permutations(["/1", "/2", "/3"])])
def test_no_request_is_current_when_all_are_over(order: tuple[str, ...]) -> None:
    """Bodies that nobody closes are left in any order, by the garbage collector."""
    app = wsgi.Middleware(plain)
    bodies = {path: opened(app, path) for path in ("/1", "/2", "/3")}
    assert current() == "/3"

    for path in order:
        bodies.pop(path).close()
        assert current() in bodies or current() is None

    assert current() is None


def test_the_request_around_another_is_current_again() -> None:
    """An application may ask itself, or another one of the process."""
    seen: list[str | None] = []

    def outer(environ: Any, start_response: Any) -> list[bytes]:
        seen.append(current())
        ask_wsgi(wsgi.Middleware(plain), "/inner")
        seen.append(current())
        return plain(environ, start_response)

    ask_wsgi(wsgi.Middleware(outer), "/outer")

    assert (seen, current()) == (["/outer", "/outer"], None)


def test_a_request_that_is_left_elsewhere_does_no_harm() -> None:
    """Some servers close a body in another thread; the next request of this one sets its own."""
    app = wsgi.Middleware(plain)
    body = opened(app, "/first")
    copy_context().run(body.close)

    second = opened(app, "/second")
    assert current() == "/second"

    second.close()
    assert current() is None


def test_a_body_that_the_current_request_holds_is_still_found_to_be_lost() -> None:
    """A framework's request may lead to the body, by the traceback of a 404 for example."""
    app = wsgi.Middleware(plain)
    environ: dict[str, Any] = {"REQUEST_METHOD": "GET", "PATH_INFO": "/lost"}
    environ["body"] = app(environ, lambda *_: len)
    del environ

    with heard() as kept:
        second = opened(app, "/second")
        gc.collect()
        second.close()

    ends = [(it["request"].path, it["reason"]) for name, it in kept if name == "response-sent"]
    assert ends == [("/lost", "lost"), ("/second", "disconnect")]
    assert current() is None
