"""What requests leave behind: no garbage in circles, no tasks, no threads, and flat memory.

A thousand requests of each framework here, and 100,000 in ``make fuzz``.
"""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from typing import TYPE_CHECKING, Any

import falcon
import falcon.asgi
import litestar
import pytest
from fastapi import FastAPI
from flask import Flask
from quart import Quart
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from heliograph.lifecycle import asgi, current_request, lifecycle, wsgi
from heliograph.lifecycle.falcon import install as install_falcon
from heliograph.lifecycle.fastapi import install as install_fastapi
from heliograph.lifecycle.flask import install as install_flask
from heliograph.lifecycle.litestar import install as install_litestar
from heliograph.lifecycle.quart import install as install_quart
from heliograph.lifecycle.starlette import install as install_starlette
from tests.lifecycle.calling import ask, ask_wsgi, heard, http_scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MANY = 100_000 if "HELIOGRAPH_FUZZ" in os.environ else 1_000

pytestmark = pytest.mark.timeout(0 if MANY > 1_000 else 120)


async def page(*_: Any) -> PlainTextResponse:
    """Answer."""
    return PlainTextResponse("done")


class Page:
    """Answers."""

    async def on_get(self, request: Any, response: Any) -> None:
        """Answer."""
        response.text = "done"


class PlainPage:
    """Answers without a loop."""

    def on_get(self, request: Any, response: Any) -> None:
        """Answer."""
        response.text = "done"


async def text() -> str:
    """Answer."""
    return "done"


async def flat(scope: Any, receive: Any, send: Any) -> None:
    """Answer without a framework."""
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


def flat_wsgi(environ: Any, start_response: Any) -> list[bytes]:
    """Answer without a framework."""
    start_response("200 OK", [])
    return [b"done"]


def made_starlette() -> Any:
    """Return an application of Starlette."""
    app = Starlette(routes=[Route("/", page)])
    install_starlette(app)
    return app


def made_fastapi() -> Any:
    """Return an application of FastAPI."""
    app = FastAPI()
    app.get("/")(text)
    install_fastapi(app)
    return app


def made_litestar() -> Any:
    """Return an application of Litestar."""
    app = litestar.Litestar([litestar.get("/")(text)])
    install_litestar(app)
    return app


def made_falcon() -> Any:
    """Return an application of Falcon."""
    app = falcon.asgi.App()
    app.add_route("/", Page())
    return install_falcon(app)


def made_falcon_wsgi() -> Any:
    """Return an application of Falcon under WSGI."""
    app = falcon.App()
    app.add_route("/", PlainPage())
    return install_falcon(app)


ASYNC = {
    "asgi": lambda: asgi.Middleware(flat),
    "falcon": made_falcon,
    "fastapi": made_fastapi,
    "litestar": made_litestar,
    "starlette": made_starlette,
}
PLAIN = {"wsgi": lambda: wsgi.Middleware(flat_wsgi), "falcon": made_falcon_wsgi}


async def garbage_of(send: Callable[[], Any]) -> int:
    """Return how many objects a few requests leave that only the collector finds."""
    await send()
    gc.collect()
    gc.disable()
    try:
        await send()
        return gc.collect()
    finally:
        gc.enable()


class Connection:
    """What a server keeps of a request: as uvicorn's, it holds the scope and is what sends."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.scope = http_scope("/")

    async def receive(self) -> Any:
        """Give an empty body."""
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Any) -> None:
        """Take part of the response."""

    async def serve(self) -> None:
        """Serve the request."""
        await self.app(self.scope, self.receive, self.send)


@pytest.mark.parametrize("connected", [False, True])
@pytest.mark.parametrize("name", ASYNC)
async def test_requests_leave_no_garbage_in_circles(name: str, connected: bool) -> None:
    """Though the request holds the framework's, which holds the server's, which holds the scope."""
    app = ASYNC[name]()

    async def send() -> None:
        if connected:
            with heard() as kept:
                await Connection(app).serve()
            kept.clear()
        else:
            await Connection(app).serve()

    assert await garbage_of(send) == 0


@pytest.mark.parametrize("name", PLAIN)
async def test_requests_leave_no_garbage_in_circles_under_wsgi(name: str) -> None:
    """Nor does the environ."""
    app = PLAIN[name]()

    async def send() -> None:
        ask_wsgi(app, "/")

    assert await garbage_of(send) == 0


@pytest.fixture(params=["heard", "unheard"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Let requests be told, as they always are in development, or be left alone."""
    if request.param == "unheard":
        monkeypatch.setenv("HELIOGRAPH_CHECK", "0")
    yield request.param
    for signal in lifecycle.values():
        signal._registry.check(on=True)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("name", ASYNC)
async def test_memory_stays_flat(name: str) -> None:
    """And no task, thread or context is left, whether anybody hears or not."""
    app = ASYNC[name]()

    async def serve(count: int) -> int:
        for _ in range(count):
            await Connection(app).serve()
        gc.collect()
        return len(gc.get_objects())

    await serve(50)
    before = await serve(1)
    threads, tasks = {*threading.enumerate()}, len(asyncio.all_tasks())
    assert await serve(MANY) - before < 50
    # Those of other tests may end meanwhile.
    assert ({*threading.enumerate()} - threads, len(asyncio.all_tasks())) == (set(), tasks)
    assert current_request() is None


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("name", PLAIN)
async def test_memory_stays_flat_under_wsgi(name: str) -> None:
    """Nothing of a request is left in the thread that served it."""
    app = PLAIN[name]()

    def serve(count: int) -> int:
        for _ in range(count):
            ask_wsgi(app, "/")
        gc.collect()
        return len(gc.get_objects())

    serve(50)
    before = serve(1)
    assert serve(MANY) - before < 50
    assert current_request() is None


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("kind", "install"), [(Flask, install_flask), (Quart, install_quart)])
async def test_memory_stays_flat_where_signals_are_joined(kind: Any, install: Any) -> None:
    """With Flask and Quart, which send most of them."""
    app = kind(__name__)
    app.get("/")(lambda: "done")

    async def serve(count: int) -> int:
        for _ in range(count):
            if kind is Flask:
                ask_wsgi(app, "/")
            else:
                await ask(app, "/")
        gc.collect()
        return len(gc.get_objects())

    with install(app):
        await serve(50)
        before = await serve(1)
        assert await serve(MANY) - before < 50
    assert current_request() is None


async def test_what_comes_after_the_end_of_a_request_is_passed_on() -> None:
    """A task that the application left behind goes on sending and receiving."""
    sent: list[Any] = []
    late: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        late.extend((receive, send))

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    middleware = asgi.Middleware(app, echo_request_id=True)
    with heard() as kept:
        await middleware(http_scope("/"), receive, send)
        told = len(kept)
        await late[1]({"type": "http.response.start", "status": 200})
        assert await late[0]() == {"type": "http.request"}

    assert sent == [{"type": "http.response.start", "status": 200}]
    assert len(kept) == told


async def test_a_websocket_that_is_over_tells_nothing_more() -> None:
    """Its messages are passed on."""
    sent: list[Any] = []
    late: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        late.extend((receive, send, scope["heliograph.served"]))

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "websocket.receive", "text": "hello"}

    with heard() as kept:
        scope = {**http_scope("/"), "type": "websocket"}
        await asgi.Middleware(app)(scope, receive, send)
        told = len(kept)
        await late[1]({"type": "websocket.send", "text": "late"})
        await late[0]()
        await late[2].notice(LookupError())

    assert sent == [{"type": "websocket.send", "text": "late"}]
    assert len(kept) == told


async def test_one_scope_may_be_served_twice() -> None:
    """As something outside does that tries again: each time is a request."""
    app = asgi.Middleware(flat)
    connection = Connection(app)
    with heard() as kept:
        await connection.serve()
        await connection.serve()

    assert [name for name, _ in kept].count("response-sent") == 2


async def test_an_inner_layer_tells_nothing() -> None:
    """The outermost does."""
    with heard() as kept:
        await ask(asgi.Middleware(asgi.Middleware(flat)), "/")

    assert [name for name, _ in kept].count("response-sent") == 1
