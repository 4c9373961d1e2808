"""An ASGI application without a framework, in which everything goes as a path says."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import tests.lifecycle.diary  # noqa: F401 - begins to write.
from heliograph.lifecycle.asgi import Middleware

START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"text/plain")],
}


def body(data: bytes, *, more: bool = False) -> dict[str, Any]:
    """Return a part of a body."""
    return {"type": "http.response.body", "body": data, "more_body": more}


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Serve: the path chooses how."""
    if scope["type"] == "lifespan":
        await live(receive, send)
    elif scope["type"] == "websocket":
        await talk(scope, receive, send)
    else:
        # A test that asks for the same as another one appends a part of its own.
        await WAYS.get("/" + scope["path"].split("/")[1], plain)(receive, send)


async def live(receive: Any, send: Any) -> None:
    """Answer what a server asks in the life span."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def talk(scope: Any, receive: Any, send: Any) -> None:
    """Echo messages; the text `close` and `fail` end it."""
    assert (await receive())["type"] == "websocket.connect"
    if scope["path"] == "/denied":
        await send({"type": "websocket.close", "code": 4403})
        return
    await send({"type": "websocket.accept"})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        if message["text"] == "close":
            await send({"type": "websocket.close", "code": 4001})
            return
        if message["text"] == "fail":
            raise LookupError
        await send({"type": "websocket.send", "text": message["text"].upper()})


async def plain(receive: Any, send: Any) -> None:
    """Answer."""
    await send(START)
    await send(body(b"hello"))
    # As frameworks do: servers say that the client has left, and it has not. Some say nothing.
    with suppress(TimeoutError):
        async with asyncio.timeout(0.1):
            await receive()
            await receive()


async def stream(receive: Any, send: Any) -> None:
    """Answer in parts."""
    await send(START)
    for _ in range(3):
        await send(body(b"part", more=True))
    await send(body(b""))


async def endless(receive: Any, send: Any) -> None:
    """Answer for ever."""
    await send(START)
    gone = asyncio.create_task(wait_for_leaving(receive))
    while not gone.done():
        await send(body(b"x" * 10_000, more=True))
        await asyncio.sleep(0.01)


async def wait_for_leaving(receive: Any) -> None:
    """Wait until the client leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def waits(receive: Any, send: Any) -> None:
    """Answer when nobody is there any longer."""
    await wait_for_leaving(receive)
    await send(START)
    await send(body(b"too late"))


async def background(receive: Any, send: Any) -> None:
    """Work when the response is out."""
    await send(START)
    await send(body(b"hello"))
    await asyncio.sleep(0.5)


async def background_long(receive: Any, send: Any) -> None:
    """Work until the client leaves."""
    await send(START)
    await send(body(b"hello"))
    await wait_for_leaving(receive)


async def uploads(receive: Any, send: Any) -> None:
    """Read an upload."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        more = message["more_body"]


async def error_at_once(receive: Any, send: Any) -> None:
    """Raise."""
    raise LookupError


async def error_after_start(receive: Any, send: Any) -> None:
    """Raise when the response is announced."""
    await send(START)
    raise LookupError


async def error_in_body(receive: Any, send: Any) -> None:
    """Raise in the middle of the body."""
    await send(START)
    await send(body(b"part", more=True))
    raise LookupError


async def error_in_background(receive: Any, send: Any) -> None:
    """Raise when the response is out."""
    await send(START)
    await send(body(b"hello"))
    raise LookupError


async def unfinished(receive: Any, send: Any) -> None:
    """Return before the response is whole."""
    await send(START)
    await send(body(b"part", more=True))


async def shorter(receive: Any, send: Any) -> None:
    """Answer with less than is announced."""
    await send({**START, "headers": [(b"content-length", b"9")]})
    await send(body(b"hello"))


async def longer(receive: Any, send: Any) -> None:
    """Answer with more than is announced."""
    await send({**START, "headers": [(b"content-length", b"2")]})
    await send(body(b"hello"))


async def path(receive: Any, send: Any) -> None:
    """Let the server send a file, where it can."""
    await send(START)
    await send({"type": "http.response.pathsend", "path": __file__})


async def trailers(receive: Any, send: Any) -> None:
    """Send trailers, where the server can."""
    await send({**START, "trailers": True})
    await send(body(b"hello"))
    await asyncio.sleep(0.1)
    await send({"type": "http.response.trailers", "headers": [(b"x-sum", b"5")]})


WAYS = {
    f"/{it.__name__}": it
    for it in (
        plain,
        stream,
        endless,
        waits,
        background,
        background_long,
        uploads,
        error_at_once,
        error_after_start,
        error_in_body,
        error_in_background,
        unfinished,
        shorter,
        longer,
        path,
        trailers,
    )
}

app = Middleware(application, echo_request_id=True)
