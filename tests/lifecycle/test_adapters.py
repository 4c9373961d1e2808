"""A WSGI application below an adapter, in an ASGI application: one request, whoever has signals."""

from __future__ import annotations

from typing import Any

import pytest

from heliograph.lifecycle import asgi, current_request, wsgi
from heliograph.lifecycle.described import ScopeRequest
from tests.lifecycle.calling import ask, ask_wsgi, heard, names
from tests.lifecycle.serving import adapted

ONE = ["request-started", "request-finished", "response-sent", "request-tearing-down"]


def application(environ: Any, start_response: Any) -> list[bytes]:
    """Answer with the id of the request."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    request = current_request()
    return [b"" if request is None else request.id.encode()]


@pytest.mark.parametrize("adapter", ["a2wsgi", "asgiref", "starlette"])
@pytest.mark.filterwarnings("ignore:starlette.middleware.wsgi is deprecated")
async def test_a_request_through_an_adapter_is_told_once(adapter: str) -> None:
    """By the outer layer; what the inner application asks for is the same request."""
    inner = wsgi.Middleware(application)
    outer: Any = asgi.Middleware(adapted(adapter, inner))
    with heard() as kept:
        answer = await ask(outer, "/page", x_request_id="abc-1")

    told = [name for name in names(kept) if name in ONE]
    assert told == ONE
    assert {it["sender"] for name, it in kept if name in ONE} == {outer.app}
    assert b"".join(it.get("body", b"") for it in answer) == b"abc-1"


async def test_another_request_inside_of_one_is_told_as_well() -> None:
    """An application may ask one of its own kind, in the same context."""
    inner = wsgi.Middleware(application)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        ask_wsgi(inner, "/other")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        remembered.append(current_request())

    remembered: list[Any] = []
    with heard() as kept:
        await ask(asgi.Middleware(app), "/page")

    assert [it["request"].path for name, it in kept if name == "response-sent"] == [
        "/other",
        "/page",
    ]
    [request] = remembered
    assert (request.is_over, request.by_asgi) == (True, True)


def test_a_request_that_is_over_has_nothing_inside() -> None:
    """A context that was copied may still have it."""
    inner = wsgi.Middleware(application)
    request = ScopeRequest({"type": "http", "method": "GET", "path": "/page"})
    request.enter()
    with heard() as kept:
        ask_wsgi(inner, "/page")
        request.is_over = True
        ask_wsgi(inner, "/page")
    request.leave()

    assert names(kept).count("response-sent") == 1
