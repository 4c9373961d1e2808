"""Serves the page and the Server-Timing header in front of an ASGI application."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from heliograph.inspector.page.headers import with_timings_as_bytes
from heliograph.inspector.page.visits import LONGEST_BODY, PAGE, Visit, as_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from heliograph.inspector.page.timings import Stopwatch
    from heliograph.inspector.page.visits import Answer, Visited

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class PageOverASGI:
    """An ASGI application with the page in front of it, or the page alone.

    Args:
        app: The application, or None for the page alone, mounted by something else.
        site: The page.
        path: The page's own path in front of the application.
        stopwatch: What times receivers for the Server-Timing header, or None without it.
    """

    def __init__(
        self, app: Application | None, site: Visited, path: str, stopwatch: Stopwatch | None
    ) -> None:
        self.app = app
        self._site = site
        self._path = path if app is not None else ""
        self._stopwatch = stopwatch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the page, or what the application serves."""
        app = _nothing if self.app is None else self.app
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        runs = self._site.attend()
        root, path = _parts(scope)
        scope[PAGE] = f"{root}{self._path}/"
        if path == self._path or path.startswith(f"{self._path}/"):
            found = await self._answer(scope, path[len(self._path) :], root, receive)
            if found is not None:
                await _send(found, scope, send)
                return
        if not runs or self._stopwatch is None or not self._site.welcomes(visit_of(scope, "")):
            await app(scope, receive, send)
        else:
            await _serve_timed(app, self._stopwatch, scope, receive, send)

    async def _answer(self, scope: Scope, path: str, root: str, receive: Receive) -> Answer | None:
        body = b"" if scope["method"] != "POST" else await _body(receive)
        if len(body) > LONGEST_BODY:
            return as_text("That is too large.\n", status=413)
        visit = visit_of(scope, path, f"{root}{self._path}", body)
        # In a thread, as it asks the other workers and waits for them.
        return await asyncio.to_thread(self._site.answer, visit)


async def _serve_timed(
    app: Application, stopwatch: Stopwatch, scope: Scope, receive: Receive, send: Send
) -> None:
    with stopwatch.timed() as timings:

        async def send_timed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = with_timings_as_bytes(message.get("headers", ()), timings)
                message = {**message, "headers": headers}
            await send(message)

        await app(scope, receive, send_timed)


def _parts(scope: Scope) -> tuple[str, str]:
    """Return the prefix of the application, and the path below it."""
    root: str = scope.get("root_path", "")
    path: str = scope["path"]
    # Servers and frameworks differ in whether the path has the prefix.
    return root, path.removeprefix(root)


async def _body(receive: Receive) -> bytes:
    parts = []
    size = 0
    more = True
    while more and size <= LONGEST_BODY:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
    return b"".join(parts)


async def _send(found: Answer, scope: Scope, send: Send) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in found.headers]
    body = b"" if scope["method"] == "HEAD" else found.body
    await send({"type": "http.response.start", "status": found.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand in for the application where the page is alone."""
    if scope["type"] == "http":
        await _send(as_text("There is nothing here.\n", status=404), scope, send)
    elif scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1000})
    else:
        for word in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{word}.complete"})


def visit_of(scope: Scope, path: str, base: str = "", body: bytes = b"") -> Visit:
    """Return the visit that a scope describes."""
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1")
        for name, value in scope.get("headers", ())
    }
    client = scope.get("client")
    return Visit(
        method=scope["method"],
        path=path,
        called=scope["path"].rpartition("/")[2],
        base=base,
        query=dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"))),
        host=headers.get("host", ""),
        client=client[0] if client else None,
        secure=scope.get("scheme") == "https",
        cookie=headers.get("cookie", ""),
        authorization=headers.get("authorization", ""),
        content_type=headers.get("content-type", ""),
        body=body,
    )
