"""A FastAPI application, in which everything goes as a path says."""

from __future__ import annotations

import asyncio

from fastapi import BackgroundTasks, FastAPI
from fastapi.responses import StreamingResponse

from heliograph.lifecycle.fastapi import install
from tests.lifecycle.apps.bodies import broken_async, long_async, three_async
from tests.lifecycle.diary import note_work

app = FastAPI()
install(app)


@app.get("/plain")
async def plain() -> str:
    """Answer."""
    return "hello"


@app.get("/stream")
async def stream() -> StreamingResponse:
    """Answer in parts."""
    return StreamingResponse(three_async())


@app.get("/long")
async def for_long() -> StreamingResponse:
    """Answer for a while."""
    return StreamingResponse(long_async())


@app.get("/long_background")
async def long_background(tasks: BackgroundTasks) -> StreamingResponse:
    """Answer for a while, and work thereafter."""
    tasks.add_task(note_work, "/long_background")
    return StreamingResponse(long_async(), background=tasks)


@app.get("/waits")
async def waits() -> str:
    """Answer after a while."""
    await asyncio.sleep(0.5)
    return "late"


@app.post("/uploads")
async def uploads(item: dict[str, int]) -> int:
    """Read an upload."""
    return len(item)


@app.get("/error_at_once")
async def error_at_once() -> str:
    """Raise."""
    raise LookupError


@app.get("/error_in_body")
async def error_in_body() -> StreamingResponse:
    """Raise in the middle of the body."""
    return StreamingResponse(broken_async())


@app.get("/background")
async def background(tasks: BackgroundTasks) -> str:
    """Work when the response is out."""
    tasks.add_task(asyncio.sleep, 0.5)
    return "hello"
