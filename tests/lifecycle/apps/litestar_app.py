"""A Litestar application, in which everything goes as a path says."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Litestar, MediaType, Request, Response, get, post
from litestar.background_tasks import BackgroundTask
from litestar.response import Stream

from heliograph.lifecycle.litestar import install
from tests.lifecycle.apps.bodies import broken_async, long_async, three_async
from tests.lifecycle.diary import note_work


@get("/plain", media_type=MediaType.TEXT)
async def plain() -> str:
    """Answer."""
    return "hello"


@get("/stream")
async def stream() -> Stream:
    """Answer in parts."""
    return Stream(three_async())


@get("/long")
async def for_long() -> Stream:
    """Answer for a while."""
    return Stream(long_async())


@get("/long_background")
async def long_background() -> Stream:
    """Answer for a while, and work thereafter."""
    return Stream(long_async(), background=BackgroundTask(note_work, "/long_background"))


@get("/waits", media_type=MediaType.TEXT)
async def waits() -> str:
    """Answer after a while."""
    await asyncio.sleep(0.5)
    return "late"


@post("/uploads", media_type=MediaType.TEXT)
async def uploads(request: Request[Any, Any, Any]) -> str:
    """Read an upload."""
    return str(len(await request.body()))


@get("/error_at_once")
async def error_at_once() -> str:
    """Raise."""
    raise LookupError


@get("/error_in_body")
async def error_in_body() -> Stream:
    """Raise in the middle of the body."""
    return Stream(broken_async())


@get("/background", media_type=MediaType.TEXT)
async def background() -> Response[str]:
    """Work when the response is out."""
    return Response("hello", background=BackgroundTask(asyncio.sleep, 0.5))


app = Litestar(
    [
        plain,
        stream,
        for_long,
        long_background,
        waits,
        uploads,
        error_at_once,
        error_in_body,
        background,
    ],
    openapi_config=None,
)
install(app)
