"""An application over ASGI with hundreds of receivers of hostile names, for Server-Timing."""

from __future__ import annotations

from typing import Any

from heliograph.inspector.inspector import Inspector
from tests.inspector.browsing.apps.receivers import send_all


async def serve(scope: Any, receive: Any, send: Any) -> None:
    """Send all signals, and have a header of its own."""
    if scope["type"] != "http":
        await live(receive, send)
        return
    send_all()
    headers = [(b"content-type", b"text/html"), (b"server-timing", b"app;dur=5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"<!doctype html><title>timed</title>"})


async def live(receive: Any, send: Any) -> None:
    """Start and stop with the server."""
    for word in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{word}.complete"})


app = Inspector().asgi(serve, server_timing=True)
