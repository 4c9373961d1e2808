"""A Falcon application under WSGI and one under ASGI, in which everything goes as a path says."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import falcon
import falcon.asgi

import tests.lifecycle.diary  # noqa: F401 - begins to write.
from heliograph.lifecycle.falcon import install
from tests.lifecycle.apps import bodies


class Way:
    """What one path does: under WSGI by `on_get`, under ASGI by another suffix."""

    def __init__(self, name: str) -> None:
        self.name = name

    def on_get(self, request: Any, response: Any) -> None:
        """Do it."""
        if self.name == "waits":
            time.sleep(0.5)
        self._answer(response, "")

    def on_post(self, request: Any, response: Any) -> None:
        """Read an upload."""
        response.text = str(len(request.bounded_stream.read()))

    async def on_get_async(self, request: Any, response: Any) -> None:
        """Do it."""
        if self.name == "waits":
            await asyncio.sleep(0.5)
        elif self.name == "background":
            response.schedule(work)
        self._answer(response, "_async")

    async def on_post_async(self, request: Any, response: Any) -> None:
        """Read an upload."""
        response.text = str(len(await request.stream.read()))

    def _answer(self, response: Any, kind: str) -> None:
        if self.name == "error_at_once":
            raise LookupError
        body = BODIES.get(self.name)
        if body is None:
            response.text = "hello"
        else:
            response.stream = getattr(bodies, body + kind)()


async def work() -> None:
    """Work when the response is out."""
    await asyncio.sleep(0.5)


BODIES = {"stream": "three", "long": "long", "error_in_body": "broken"}
WAYS = ("plain", *BODIES, "waits", "uploads", "error_at_once", "background")


def made(kind: type[Any], suffix: str | None) -> Any:
    """Return an application."""
    app = kind()
    for name in WAYS:
        app.add_route(f"/{name}", Way(name), suffix=suffix)
    return install(app)


wsgi = made(falcon.App, None)
asgi = made(falcon.asgi.App, "async")
