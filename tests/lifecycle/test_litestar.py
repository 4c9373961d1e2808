"""Litestar: every request in the order of Flask, what was not found included."""

from __future__ import annotations

from typing import Any

import pytest
from litestar import Litestar, Request, Router, asgi, get
from litestar.exceptions import HTTPException
from litestar.response import Stream

from heliograph import ArgumentError, StateError
from heliograph.lifecycle.litestar import install
from tests.lifecycle.calling import ask, heard, names


@get("/item/{number:int}")
async def plain(request: Request[Any, Any, Any]) -> str:
    """Answer."""
    return "hello"


@get("/fails")
async def fails() -> str:
    """Raise what nobody handles."""
    raise LookupError


@get("/refuses")
async def refuses() -> str:
    """Raise what the framework makes a response of."""
    raise HTTPException(status_code=418)


@get("/stream")
async def stream() -> Stream:
    """Raise in the middle of a body."""

    async def parts() -> Any:
        yield b"part"
        raise LookupError

    return Stream(parts())


@asgi("/mounted", is_mount=True, copy_scope=True)
async def mounted(scope: Any, receive: Any, send: Any) -> None:
    """Be an application of its own."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


def made() -> Litestar:
    """Return an application."""
    router = Router("/r/{tenant:str}", route_handlers=[plain])
    handlers: list[Any] = [plain, fails, refuses, stream, mounted, router]
    return Litestar(handlers, openapi_config=None)


@pytest.mark.parametrize(
    ("path", "status", "route"),
    [
        ("/item/7", 200, "/item/{number}"),
        ("/r/acme/item/7", 200, "/r/{tenant}/item/{number}"),
        ("/mounted/any/thing", 200, None),
        ("/refuses", 418, "/refuses"),
        ("/nowhere", 404, None),
    ],
)
async def test_a_request_is_told_in_order(path: str, status: int, route: str | None) -> None:
    """With its route, where the framework knows one."""
    app = made()
    install(app)
    with heard() as kept:
        await ask(app, path)

    assert names(kept) == [
        "app-started",
        "request-started",
        "request-finished",
        "response-sent",
        "request-tearing-down",
    ]
    assert {it["sender"] for _, it in kept} == {app}
    sent = dict(kept)["response-sent"]
    assert (sent["status"], sent["request"].route) == (status, route)


async def test_an_exception_is_told_before_the_response_that_is_made_of_it() -> None:
    """It is not raised to the server."""
    app = made()
    install(app)
    with heard() as kept:
        await ask(app, "/fails")

    assert names(kept)[2:] == [
        "got-request-exception",
        "request-finished",
        "response-sent",
        "request-tearing-down",
    ]
    assert dict(kept)["response-sent"]["status"] == 500


async def test_an_exception_in_a_body_is_told_once() -> None:
    """It cannot change the response any more."""
    app = made()
    install(app)
    with heard() as kept:
        await ask(app, "/stream")

    sent = dict(kept)["response-sent"]
    assert (sent["status"], sent["bytes"], sent["aborted"], sent["reason"]) == (
        200,
        4,
        True,
        "error",
    )
    assert names(kept).count("got-request-exception") == 1


async def test_the_life_span_is_told() -> None:
    """A server tells the application, and the framework its hooks."""
    app = made()
    install(app)
    asked = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Any:
        return asked.pop(0)

    async def send(message: Any) -> None:
        """Be the server."""

    with heard() as kept:
        await app({"type": "lifespan", "state": {}, "app": app}, receive, send)  # type: ignore[arg-type]  # What servers send.

    assert kept == [
        ("app-started", {"sender": app, "lazy": False}),
        ("app-stopping", {"sender": app}),
    ]


async def test_an_installation_is_undone() -> None:
    """The application is as it was before."""
    app = made()
    with install(app), pytest.raises(StateError, match=r"litestar.Litestar already"):
        install(app)
    with heard() as kept:
        await ask(app, "/fails")

    assert kept == []
    with pytest.raises(ArgumentError, match=r"^A NoneType object is not a litestar.Litestar"):
        install(None)  # type: ignore[arg-type]  # As somebody may.
