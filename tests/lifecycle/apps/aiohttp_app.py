"""An aiohttp application, in which everything goes as a path says."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from aiohttp import web

import tests.lifecycle.diary  # noqa: F401 - begins to write.
from heliograph.lifecycle.aiohttp import install
from tests.lifecycle.apps.bodies import broken_async, long_async, three_async

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def plain(_: web.Request) -> web.Response:
    """Answer."""
    return web.Response(text="hello")


async def answer(request: web.Request, parts: AsyncIterator[bytes]) -> web.StreamResponse:
    """Answer in parts."""
    response = web.StreamResponse()
    await response.prepare(request)
    async for part in parts:
        await response.write(part)
    return response


async def stream(request: web.Request) -> web.StreamResponse:
    """Answer in parts."""
    return await answer(request, three_async())


async def for_long(request: web.Request) -> web.StreamResponse:
    """Answer for a while."""
    return await answer(request, long_async())


async def waits(_: web.Request) -> web.Response:
    """Answer after a while."""
    await asyncio.sleep(0.5)
    return web.Response(text="late")


async def uploads(request: web.Request) -> web.Response:
    """Read an upload."""
    return web.Response(text=str(len(await request.read())))


async def error_at_once(_: web.Request) -> web.Response:
    """Raise."""
    raise LookupError


async def error_in_body(request: web.Request) -> web.StreamResponse:
    """Raise in the middle of the body."""
    return await answer(request, broken_async())


app = web.Application()
app.router.add_get("/plain", plain)
app.router.add_get("/stream", stream)
app.router.add_get("/long", for_long)
app.router.add_get("/waits", waits)
app.router.add_post("/uploads", uploads)
app.router.add_get("/error_at_once", error_at_once)
app.router.add_get("/error_in_body", error_in_body)
install(app)

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), shutdown_timeout=1)
