"""FastAPI: routes with the prefixes of included routers and mounts, whatever its release."""

from __future__ import annotations

import asyncio
from typing import Any

import fastapi.routing
import pytest
from fastapi import APIRouter, FastAPI, WebSocket, routing
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route

from heliograph import ArgumentError, StateError
from heliograph.lifecycle import current_request, request_started, starlette
from heliograph.lifecycle.fastapi import install
from tests.lifecycle.calling import ask, heard, http_scope, names


def plain() -> str:
    """Answer, in a thread."""
    return "hello"


async def of_starlette(request: Any) -> PlainTextResponse:
    """Answer as Starlette does."""
    return PlainTextResponse("hello")


async def socket(socket: WebSocket) -> None:
    """Accept, and close."""
    await socket.accept()
    await socket.close(4001)


def made() -> FastAPI:
    """Return an application with all kinds of routes."""
    inner = APIRouter(prefix="/in")
    inner.add_api_route("/x/{n}", plain)
    inner.add_api_websocket_route("/ws/{n}", socket)
    inner.add_route("/star/{k}", of_starlette)
    inner.mount("/m", FastAPI(routes=[Route("/page/{p}", of_starlette)]))
    middle = APIRouter(prefix="/mid")
    middle.include_router(inner)
    app = FastAPI()
    app.add_api_route("/top/{a}", plain)
    app.include_router(inner, prefix="/v1")
    app.include_router(inner, prefix="/v2")
    app.include_router(middle, prefix="/deep")
    below = FastAPI()
    below.include_router(inner, prefix="/s")
    app.mount("/sub/{tenant}", below)
    app.routes.append(Mount("/raw", app=PlainTextResponse("raw")))
    return app


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/top/1", "/top/{a}"),
        ("/v1/in/x/1", "/v1/in/x/{n}"),
        ("/v2/in/x/1", "/v2/in/x/{n}"),
        ("/deep/mid/in/x/2", "/deep/mid/in/x/{n}"),
        ("/v1/star/3", "/v1/star/{k}"),
        ("/deep/mid/star/3", "/deep/mid/star/{k}"),
        ("/v2/m/page/4", "/v2/m/page/{p}"),
        ("/sub/acme/s/in/x/5", "/sub/{tenant}/s/in/x/{n}"),
        ("/sub/acme/s/star/5", "/sub/{tenant}/s/star/{k}"),
        ("/sub/acme/s/m/page/5", "/sub/{tenant}/s/m/page/{p}"),
        ("/raw/any", "/raw"),
        ("/docs", "/docs"),
        ("/v1/m/none", None),
        ("/sub/acme/none", None),
        ("/none", None),
    ],
)
async def test_a_route_has_all_its_prefixes(path: str, route: str | None) -> None:
    """Those of its router, of each inclusion and of mounts: one router serves `/v1` and `/v2`."""
    app = made()
    install(app)
    with heard() as kept:
        [start, *_] = await ask(app, path)

    # Before 0.137, what Starlette's routes are included in leads nowhere at some places.
    expected = None if start["status"] == 404 else route
    assert [it["request"].route for name, it in kept if name == "response-sent"] == [expected]
    assert start["status"] == 200 or route is None or not hasattr(routing, "iter_route_contexts")


async def test_the_route_of_a_websocket_has_them_too() -> None:
    """It is known from the moment that the framework has routed."""
    app = made()
    install(app)
    scope = {**http_scope("/v2/in/ws/7"), "type": "websocket"}
    messages: list[Any] = [{"type": "websocket.connect"}]

    async def receive() -> Any:
        return messages.pop(0) if messages else await asyncio.sleep(3600)

    async def send(message: Any) -> None:
        """Be the server."""

    with heard() as kept:
        await app(scope, receive, send)

    told = [(name, it["request"].route) for name, it in kept if name != "app-started"]
    assert told == [
        ("websocket-started", "/v2/in/ws/{n}"),
        ("websocket-finished", "/v2/in/ws/{n}"),
        ("websocket-tearing-down", "/v2/in/ws/{n}"),
    ]
    assert (dict(kept)["websocket-finished"]["code"], dict(kept)["websocket-finished"]["who"]) == (
        4001,
        "application",
    )


async def test_a_plain_function_in_a_thread_works_on_the_same_request() -> None:
    """What it changes of the request is seen by everybody."""
    app = FastAPI()

    @app.get("/")
    def look() -> str:
        request = current_request()
        assert request is not None
        return request.id

    install(app)
    with heard() as kept:
        answer = await ask(app, "/")

    assert answer[1]["body"] == f'"{dict(kept)["request-started"]["request"].id}"'.encode()


async def test_an_error_in_a_stream_is_told_with_what_was_sent_before() -> None:
    """The status is that which the application announced."""
    app = FastAPI()

    async def parts() -> Any:
        yield b"part"
        raise LookupError

    @app.get("/")
    def stream() -> StreamingResponse:
        return StreamingResponse(parts())

    install(app)
    with heard() as kept:
        await ask(app, "/")

    sent = dict(kept)["response-sent"]
    assert (sent["status"], sent["bytes"], sent["aborted"], sent["reason"]) == (
        200,
        4,
        True,
        "error",
    )
    assert names(kept).count("got-request-exception") == 1


async def test_a_receiver_that_fails_breaks_no_request(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and named."""
    app = made()
    install(app)

    def fail(sender: Any, **extra: Any) -> None:
        raise OSError

    with request_started.connected_to(fail):
        answer = await ask(app, "/top/1")

    assert answer[0]["status"] == 200
    assert [it.getMessage() for it in caplog.records] == [
        "A receiver of 'request-started' failed. The request goes on."
    ]


def test_an_installation_of_starlette_is_refused() -> None:
    """It would not find the routes of included routers."""
    with pytest.raises(ArgumentError, match=r"heliograph\.lifecycle\.fastapi"):
        starlette.install(made())
    app = made()
    with install(app), pytest.raises(StateError, match=r"fastapi.FastAPI already"):
        install(app)


async def test_before_0_137_routes_are_what_they_seem(monkeypatch: pytest.MonkeyPatch) -> None:
    """Including a router copied its routes there, and there was nothing else to ask."""
    monkeypatch.delattr(fastapi.routing, "iter_route_contexts", raising=False)
    app = FastAPI()

    @app.get("/own/{number}")
    def own(number: int) -> int:
        return number

    install(app)
    with heard() as kept:
        await ask(app, "/own/7")

    assert dict(kept)["response-sent"]["request"].route == "/own/{number}"


async def test_a_route_has_its_prefixes_below_an_application_of_starlette_too() -> None:
    """Whose own signals are installed: the router of FastAPI is where its mount leads."""
    router = APIRouter()
    router.get("/item/{number}")(plain)
    inner = FastAPI()
    inner.include_router(router, prefix="/v1")
    inner.include_router(router, prefix="/v2")
    app = Starlette(routes=[Mount("/api", inner)])
    with starlette.install(app), heard() as kept:
        await ask(app, "/api/v2/item/7")

    assert kept[-1][1]["request"].route == "/api/v2/item/{number}"
