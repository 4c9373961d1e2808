"""A Quart application, in which everything goes as a path says."""

from __future__ import annotations

import asyncio

from quart import Quart, Response, request

import tests.lifecycle.diary  # noqa: F401 - begins to write.
from heliograph.lifecycle.quart import install
from tests.lifecycle.apps.bodies import broken_async, long_async, three_async

app = Quart(__name__)
install(app)


@app.get("/plain")
async def plain() -> str:
    """Answer."""
    return "hello"


@app.get("/stream")
async def stream() -> Response:
    """Answer in parts."""
    return Response(three_async())


@app.get("/long")
async def for_long() -> Response:
    """Answer for a while."""
    return Response(long_async())


@app.get("/waits")
async def waits() -> str:
    """Answer after a while."""
    await asyncio.sleep(0.5)
    return "late"


@app.post("/uploads")
async def uploads() -> str:
    """Read an upload."""
    return str(len(await request.get_data()))


@app.get("/error_at_once")
async def error_at_once() -> str:
    """Raise."""
    raise LookupError


@app.get("/error_in_body")
async def error_in_body() -> Response:
    """Raise in the middle of the body."""
    return Response(broken_async())


@app.get("/background")
async def background() -> str:
    """Work when the response is out."""
    app.add_background_task(asyncio.sleep, 0.5)
    return "hello"
