"""Calls an ASGI application as a server on this machine does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def call(app: Any, path: str, parts: Iterable[bytes] = (), **changes: Any) -> list[Any]:
    """Send a request over ASGI, and return the messages."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 4711),
        "query_string": b"",
        **changes,
    }
    *first, last = [*parts] or [b""]
    messages = [{"type": "http.request", "body": it, "more_body": True} for it in first]
    messages.append({"type": "http.request", "body": last})
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent
