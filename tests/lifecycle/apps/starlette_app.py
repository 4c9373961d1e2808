"""A Starlette application, in which everything goes as a path says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from heliograph.lifecycle.starlette import install
from tests.lifecycle.apps.bodies import broken_async, long_async, three_async
from tests.lifecycle.diary import note_work

if TYPE_CHECKING:
    from starlette.middleware.base import RequestResponseEndpoint
    from starlette.requests import Request
    from starlette.responses import Response


async def plain(_: Request) -> Response:
    """Answer."""
    return PlainTextResponse("hello")


async def stream(_: Request) -> Response:
    """Answer in parts."""
    return StreamingResponse(three_async())


async def for_long(_: Request) -> Response:
    """Answer for a while."""
    return StreamingResponse(long_async())


async def long_background(_: Request) -> Response:
    """Answer for a while, and work thereafter."""
    return StreamingResponse(long_async(), background=BackgroundTask(note_work, "/long_background"))


async def waits(_: Request) -> Response:
    """Answer after a while."""
    await asyncio.sleep(0.5)
    return PlainTextResponse("late")


async def uploads(request: Request) -> Response:
    """Read an upload."""
    return PlainTextResponse(str(len(await request.body())))


async def error_at_once(_: Request) -> Response:
    """Raise."""
    raise LookupError


async def error_in_body(_: Request) -> Response:
    """Raise in the middle of the body."""
    return StreamingResponse(broken_async())


async def background(_: Request) -> Response:
    """Work when the response is out."""
    return PlainTextResponse("hello", background=BackgroundTask(asyncio.sleep, 0.5))


ROUTES = [
    Route("/plain", plain),
    Route("/stream", stream),
    Route("/long", for_long),
    Route("/long_background", long_background),
    Route("/waits", waits),
    Route("/uploads", uploads, methods=["POST"]),
    Route("/error_at_once", error_at_once),
    Route("/error_in_body", error_in_body),
    Route("/background", background),
]

app = Starlette(routes=ROUTES)
install(app)


async def pass_on(request: Request, call_next: RequestResponseEndpoint) -> Response:
    """Do nothing, in the way in which most middleware for Starlette is written."""
    return await call_next(request)


# When the client has left, it sends the application's last message all the same.
wrapped = Starlette(routes=ROUTES)
wrapped.add_middleware(BaseHTTPMiddleware, dispatch=pass_on)
install(wrapped)
