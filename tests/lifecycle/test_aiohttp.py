"""aiohttp on its own server, over real sockets."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientError, ClientSession, web

from heliograph import ArgumentError, StateError
from heliograph.lifecycle import current_request
from heliograph.lifecycle.aiohttp import install
from tests.lifecycle.calling import heard, names

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

Kept = list[tuple[str, dict[str, Any]]]

PLAIN = ["request-started", "request-finished", "response-sent", "request-tearing-down"]
ENDS = ("request-tearing-down", "websocket-tearing-down")


seen: list[Any] = []


async def plain(request: web.Request) -> web.Response:
    """Answer."""
    seen.append(current_request())
    return web.Response(text="hello")


async def fails(request: web.Request) -> web.Response:
    """Raise what nobody handles."""
    raise LookupError


async def refuses(request: web.Request) -> web.Response:
    """Raise what the framework makes a response of."""
    raise web.HTTPForbidden


async def stream(request: web.Request) -> web.StreamResponse:
    """Raise in the middle of a body."""
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"part")
    raise LookupError


async def endless(request: web.Request) -> web.StreamResponse:
    """Send until the client leaves."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x" * 10_000)
        await asyncio.sleep(0.01)


async def generated(request: web.Request) -> web.Response:
    """Send until the client leaves, by a body that makes itself."""

    async def parts() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 10_000
            await asyncio.sleep(0.01)

    return web.Response(body=parts())


async def file(request: web.Request) -> web.FileResponse:
    """Send a file that is larger than what buffers hold."""
    return web.FileResponse(request.query["path"])


async def talk(request: web.Request) -> web.WebSocketResponse:
    """Echo; some texts end it."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.data == "close":
            await socket.close(code=4001)
        elif message.data == "fail":
            raise LookupError
        elif message.data == "gone":
            raise ConnectionResetError
        else:
            await socket.send_str(message.data.upper())
    return socket


def made() -> web.Application:
    """Return an application with another one below it."""
    app, below = web.Application(), web.Application()
    below.router.add_get("/item/{number}", plain)
    app.router.add_get("/item/{number:\\d+}", plain)
    for handler in (fails, refuses, stream, endless, generated, file, talk):
        app.router.add_get(f"/{handler.__name__}", handler)
    app.add_subapp("/below", below)
    return app


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[tuple[ClientSession, str]]:
    """Serve an application; gives a client, and where to ask."""
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with ClientSession() as session:
            yield session, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def over(kept: Kept) -> None:
    """Wait until a request is over."""
    while not any(name in ENDS for name, _ in kept):  # noqa: ASYNC110 - other loops send, too.
        await asyncio.sleep(0.01)


async def send(path: str) -> tuple[web.Application, Kept]:
    """Send a request; return the application and what was told."""
    app = made()
    install(app, echo_request_id=True)
    with heard() as kept:
        async with serving(app) as (client, base):
            async with client.get(base + path, headers={"X-Request-ID": "abc-1"}) as answer:
                if path not in ("/fails", "/stream"):
                    assert answer.headers["X-Request-ID"] == "abc-1"
                with suppress(ClientError):  # The server may have cut the response.
                    await answer.read()
            await over(kept)
    return app, kept


@pytest.mark.parametrize(
    ("path", "status", "size", "route"),
    [
        ("/item/7", 200, 5, "/item/{number}"),
        ("/below/item/7", 200, 5, "/below/item/{number}"),
        ("/refuses", 403, 14, "/refuses"),
        ("/nowhere", 404, 14, None),
    ],
)
async def test_a_request_is_told_in_order(
    path: str, status: int, size: int, route: str | None
) -> None:
    """From the start of the server to its end."""
    app, kept = await send(path)

    assert names(kept) == ["app-started", *PLAIN, "app-stopping"]
    assert {it["sender"] for _, it in kept} == {app}
    sent = dict(kept)["response-sent"]
    assert (sent["status"], sent["bytes"], sent["aborted"]) == (status, size, False)
    assert (sent["request"].route, sent["request"].id) == (route, "abc-1")
    assert route is None or status != 200 or seen.pop() is sent["request"]


async def test_an_exception_is_told_before_the_response_that_is_made_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """By the server itself, which asks no middleware."""
    caplog.set_level(logging.CRITICAL, "aiohttp.server")
    _, kept = await send("/fails")

    assert names(kept)[2:-1] == [
        "got-request-exception",
        "request-finished",
        "response-sent",
        "request-tearing-down",
    ]
    assert dict(kept)["response-sent"]["status"] == 500


async def test_an_exception_in_a_body_cuts_the_response(caplog: pytest.LogCaptureFixture) -> None:
    """It is told once."""
    caplog.set_level(logging.CRITICAL, "aiohttp.server")
    _, kept = await send("/stream")

    sent = dict(kept)["response-sent"]
    assert (sent["status"], sent["bytes"], sent["aborted"], sent["reason"]) == (
        200,
        4,
        True,
        "error",
    )
    assert names(kept).count("got-request-exception") == 1


@pytest.mark.parametrize("path", ["/endless", "/generated", "/file"])
async def test_a_client_that_leaves_is_no_exception(path: str, tmp_path: Path) -> None:
    """Its connection is gone when the handler writes, or the server for it."""
    large = tmp_path / "large"
    with large.open("wb") as it:
        it.truncate(200_000_000)
    app = made()
    install(app)
    with heard() as kept:
        async with serving(app) as (client, base):
            answer = await client.get(base + path, params={"path": str(large)})
            await answer.content.readany()
            answer.close()
            await over(kept)

    sent = dict(kept)["response-sent"]
    assert (sent["aborted"], sent["reason"]) == (True, "disconnect")
    assert names(kept)[1:-1] == PLAIN


async def test_a_server_that_stops_ends_what_is_open() -> None:
    """Before it waits for that."""
    app = made()
    install(app)
    with heard() as kept:
        async with serving(app) as (client, base):
            answer = await client.get(f"{base}/endless")
        answer.close()

    assert names(kept)[1:] == [*PLAIN[:3], "app-stopping", "request-tearing-down"]
    assert dict(kept)["response-sent"]["reason"] == "shutdown"


@pytest.mark.parametrize(
    ("text", "code", "who"), [("close", 4001, "application"), ("bye", 4002, "client")]
)
async def test_a_websocket_is_told_with_who_closed_it(text: str, code: int, who: str) -> None:
    """The code is that of whoever closed it first."""
    app = made()
    install(app)
    with heard() as kept:
        async with serving(app) as (client, base), client.ws_connect(f"{base}/talk") as socket:
            await socket.send_str("hello")
            assert await socket.receive_str() == "HELLO"
            if who == "client":
                await socket.close(code=4002)
            else:
                await socket.send_str(text)
                await socket.receive()
            await over(kept)

    assert names(kept)[1:4] == ["websocket-started", "websocket-finished", "websocket-tearing-down"]
    told = dict(kept)["websocket-finished"]
    assert (told["code"], told["who"], told["exc"]) == (code, who, None)


async def test_an_exception_in_a_websocket_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """With the end that it makes."""
    caplog.set_level(logging.CRITICAL, "aiohttp.server")
    app = made()
    install(app)
    with heard() as kept:
        async with serving(app) as (client, base), client.ws_connect(f"{base}/talk") as socket:
            await socket.send_str("fail")
            await over(kept)

    assert names(kept)[1:5] == [
        "websocket-started",
        "got-websocket-exception",
        "websocket-finished",
        "websocket-tearing-down",
    ]
    assert dict(kept)["websocket-finished"]["who"] == "application"


async def test_a_client_that_leaves_a_websocket_is_no_exception() -> None:
    """What aiohttp raises where it has left."""
    app = made()
    install(app)
    with heard() as kept:
        async with serving(app) as (client, base), client.ws_connect(f"{base}/talk") as socket:
            await socket.send_str("gone")
            await over(kept)

    assert names(kept)[1:4] == ["websocket-started", "websocket-finished", "websocket-tearing-down"]
    assert type(dict(kept)["websocket-finished"]["exc"]) is ConnectionResetError


async def test_a_websocket_that_is_not_accepted_has_an_end() -> None:
    """What asks for one may find a page."""
    app = made()
    install(app)
    with heard() as kept:
        async with serving(app) as (client, base):
            with pytest.raises(ClientError):
                await client.ws_connect(f"{base}/item/7")
            await over(kept)

    told = [payload for name, payload in kept if name == "websocket-finished"]
    assert [(it["code"], it["who"]) for it in told] == [(None, "application")]


async def test_a_server_that_stops_ends_a_websocket_once() -> None:
    """Before it closes the connection."""
    app = made()
    install(app)
    with heard() as kept:
        async with serving(app) as (client, base):
            socket = await client.ws_connect(f"{base}/talk")
            await app.shutdown()
            await socket.close()
            await over(kept)

    told = [payload["who"] for name, payload in kept if name == "websocket-finished"]
    assert told == ["shutdown"]


async def test_an_application_that_is_frozen_tells_nothing_once_it_is_undone() -> None:
    """It keeps what it has, which does nothing then."""
    app = made()
    installation = install(app)
    app.freeze()
    installation.uninstall()
    with heard() as kept:
        async with serving(app) as (client, base), client.get(f"{base}/item/7") as answer:
            assert await answer.text() == "hello"

    assert kept == []


async def test_an_application_that_is_installed_twice_tells_once() -> None:
    """The outermost one does."""
    app, below = web.Application(), web.Application()
    below.router.add_get("/", plain)
    install(below)
    install(app)
    app.add_subapp("/below", below)
    with heard() as kept:
        async with serving(app) as (client, base), client.get(f"{base}/below/"):
            await over(kept)

    told = [it["sender"] for name, it in kept if name == "response-sent"]
    assert told == [app]


async def test_an_installation_is_undone() -> None:
    """Before the start, and afterwards, when the application is frozen."""
    app = made()
    with install(app), pytest.raises(StateError, match=r"aiohttp.Application already"):
        install(app)
    assert (len(app.middlewares), len(app.on_response_prepare)) == (0, 0)
    installation = install(app)
    with heard() as kept:
        async with serving(app) as (client, base):
            installation.uninstall()
            with pytest.raises(StateError, match=r"has started to serve"):
                install(app)
            async with client.get(f"{base}/item/7") as answer:
                assert answer.status == 200

    assert names(kept) == ["app-started"]
    with pytest.raises(ArgumentError, match=r"^A NoneType object is not a aiohttp.Application"):
        install(None)  # type: ignore[arg-type]  # As somebody may.


def test_a_sub_application_is_refused_and_can_still_be_undone() -> None:
    """Once it was added it takes no middleware, and gives none back."""
    root, early, late = web.Application(), web.Application(), web.Application()
    installation = install(early)
    root.add_subapp("/early", early)
    root.add_subapp("/late", late)

    with pytest.raises(StateError, match=r"is a sub-application already: call install\(\) for"):
        install(late)
    installation.uninstall()
    with install(root):
        assert [len(it.middlewares) for it in (root, early, late)] == [1, 1, 0]
