"""A shop over ASGI that says which version it is; the tests change that under a server."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from heliograph.inspector.inspector import Inspector
from heliograph.lifecycle.starlette import install

VERSION = "version 1"


async def index(_: object) -> PlainTextResponse:
    """Say it."""
    return PlainTextResponse(VERSION)


shop = Starlette(debug=True, routes=[Route("/", index)])
install(shop)
app = Inspector().asgi(shop)
