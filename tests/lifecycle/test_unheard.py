"""Applications whose signals nobody is connected to, or not all of them: they serve as ever."""

from __future__ import annotations

import asyncio
import gc
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import flask
import pytest
import quart
from aiohttp import ClientSession, web

from heliograph.lifecycle import aiohttp as for_aiohttp
from heliograph.lifecycle import asgi, current_request, lifecycle, response_sent, wsgi
from heliograph.lifecycle import flask as for_flask
from heliograph.lifecycle import quart as for_quart
from tests.lifecycle.calling import ask, ask_wsgi, heard, names

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture(autouse=True)
def in_production() -> Iterator[None]:
    """In development every send is held against its declaration, whoever is connected."""
    for signal in lifecycle.values():
        # Signals that were joined and parted have copies of each other's connections.
        for connection in signal.connections:
            signal.disconnect(connection)
        signal._registry.check(on=False)
    yield
    for signal in lifecycle.values():
        signal._registry.check(on=True)


async def served_by_asgi(scope: Any, receive: Any, send: Any) -> None:
    """Answer, or fail."""
    if scope["path"] == "/fails":
        raise LookupError
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


def served_by_wsgi(environ: Any, start_response: Any) -> Any:
    """Answer, or fail."""
    if environ["PATH_INFO"] == "/fails":
        raise LookupError
    start_response("200 OK", [])
    return [b"hello"]


@pytest.mark.parametrize("path", ["/", "/fails"])
@pytest.mark.parametrize("connected", [False, True])
async def test_a_request_is_served_whoever_is_connected(path: str, connected: bool) -> None:
    """Nobody, or one who wants to know of the end alone."""
    told: list[Any] = []

    def receive(sender: Any, *, reason: str) -> None:
        told.append(reason)

    receiver: Any = receive
    if connected:
        response_sent.connect(receiver)
    answers = [
        (await ask(asgi.Middleware(served_by_asgi), path))[-1].get("body"),
        ask_wsgi(wsgi.Middleware(served_by_wsgi), path)[1],
    ]

    failed = path == "/fails"
    assert answers == ([None, b""] if failed else [b"hello", b"hello"])
    assert told == ["error" if failed else "complete"] * 2 * connected
    response_sent.disconnect(receiver)


async def test_the_frameworks_with_signals_of_their_own_serve_as_ever() -> None:
    """Their signals are joined, and carry nothing that nobody wants."""
    app, other = flask.Flask("shop"), quart.Quart("shop")
    app.add_url_rule("/", view_func=lambda: "hello")

    @other.get("/")
    async def hello() -> str:
        return "hello"

    with for_flask.install(app), for_quart.install(other):
        for signal in lifecycle.values():
            for connection in signal.connections:
                signal.disconnect(connection)
        assert ask_wsgi(app, "/") == ("200 OK", b"hello")
        answer = await ask(other, "/")

    assert answer[1]["body"] == b"hello"


async def test_a_server_of_aiohttp_serves_as_ever() -> None:
    """No task is made to tell of an end."""

    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", hello)
    for_aiohttp.install(app)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    async with ClientSession() as session, session.get(url) as answer:
        assert await answer.text() == "hello"
    await runner.cleanup()


async def test_an_application_starts_once() -> None:
    """At its first request, if that comes before the server says so."""
    watched = asgi.Middleware(served_by_asgi)
    with heard() as kept:
        await ask(watched, "/")
        await watched.start()

    assert names(kept).count("app-started") == 1


def test_a_path_is_text() -> None:
    """WSGI servers hand on its bytes, as if they were Latin-1."""
    with heard() as kept:
        ask_wsgi(wsgi.Middleware(served_by_wsgi), "/café".encode().decode("latin-1"))

    assert dict(kept)["response-sent"]["request"].path == "/café"


async def test_aiohttp_knows_a_request_that_nobody_hears() -> None:
    """All of it while it is served; what only aiohttp knows, as long as that has it."""
    seen: list[Any] = []
    tasks: list[Any] = []
    over = asyncio.Event()

    async def later() -> None:
        await over.wait()
        request = current_request()
        assert request is not None
        seen.append((request.id, request.path, request.client, request.native, request.route))

    async def page(request: web.Request) -> web.Response:
        found = current_request()
        assert found is not None
        if request.path == "/asked":
            seen.append((found.kind, found.method, found.path, found.client, found.route))
            assert found.native is request
        tasks.append(asyncio.create_task(later()))
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/{name}", page)
    for_aiohttp.install(app)
    async with asking(app) as ask_for:
        await ask_for("asked", {"X-Request-ID": "mine"})
        assert seen == [("http", "GET", "/asked", "127.0.0.1", "/{name}")]
        seen.clear()
        await ask_for("page", {"X-Request-ID": "mine"})
        await asyncio.sleep(0)
        gc.collect()
        over.set()
        await asyncio.gather(*tasks)

    assert seen[0][:3] == ("mine", "/asked", "127.0.0.1")
    # What only aiohttp knows is there for as long as it has it, in its timers maybe.
    assert seen[1][:2] == ("mine", "/page")


async def test_who_hears_one_signal_of_aiohttp_hears_that_alone() -> None:
    """The others are sent to nobody, and no task is made for an end that nobody hears."""
    told: list[str] = []

    async def page(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/{name}", page)
    for_aiohttp.install(app)
    async with asking(app) as ask_for:
        for name in ("request-started", "response-sent"):

            def hear(sender: Any, _name: str = name, **_: Any) -> None:
                told.append(_name)

            receiver: Any = hear
            with lifecycle[name].connected_to(receiver):
                await ask_for("page", {})

    assert told == ["request-started", "response-sent"]


@asynccontextmanager
async def asking(app: web.Application) -> AsyncIterator[Any]:
    """Serve an application, and give what asks it for a page."""
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    root = f"http://127.0.0.1:{runner.addresses[0][1]}/"

    async def ask_for(page: str, headers: dict[str, str]) -> None:
        async with ClientSession() as session, session.get(root + page, headers=headers) as answer:
            assert await answer.text() == "hello"

    try:
        yield ask_for
    finally:
        await runner.cleanup()


async def test_an_application_is_stopped_though_some_hear_only_its_requests() -> None:
    """What is open ends by then, with whichever signals are heard."""
    told: list[str] = []
    begun, release = asyncio.Event(), asyncio.Event()

    async def waiting(scope: Any, receive: Any, send: Any) -> None:
        begun.set()
        await release.wait()

    def hear(sender: Any, *, reason: str, **_: Any) -> None:
        told.append(reason)

    receiver: Any = hear
    served = asgi.Middleware(waiting)
    with response_sent.connected_to(receiver):
        asked = asyncio.create_task(ask(served, "/"))
        await begun.wait()
        await served.stop()
        release.set()
        await asked

    assert told == ["shutdown"]
