"""Lets an ASGI application answer requests in this process, with its life span around them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

import click

from heliograph.cli.client import HOST, Reply, status_line
from heliograph.cli.loading import describe, refuse_to_start

if TYPE_CHECKING:
    from collections.abc import Callable

    from heliograph.cli.client import Sent

_VERSIONS = {"version": "3.0", "spec_version": "2.3"}
_PORTS = {"client": ("127.0.0.1", 50_000), "server": (HOST, 80)}


class Server:
    """One application on one loop: it is started on entering, and stopped on leaving."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app
        self._runner = asyncio.Runner()
        self._state: dict[str, Any] = {}
        self._life = LifeSpan(app, self._state)

    def __enter__(self) -> Self:
        self._runner.__enter__()
        self._runner.run(self._life.start())
        return self

    def __exit__(self, *leaving: object) -> None:
        try:
            self._runner.run(self._life.stop())
        finally:
            self._runner.__exit__(*leaving)

    def serve(self, sent: Sent) -> Reply:
        """Let the application answer a request, and read its whole response."""
        reply = Reply()
        try:
            self._runner.run(self._serve(sent, reply))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the application may raise anything.
            reply.error = error
        return reply

    async def _serve(self, sent: Sent, reply: Reply) -> None:
        over = asyncio.Event()
        parts = [{"type": "http.request", "body": sent.body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if parts:
                return parts.pop()
            await over.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                reply.status = status_line(message["status"])
                reply.headers = [
                    (name.decode("latin-1"), value.decode("latin-1"))
                    for name, value in message.get("headers", ())
                ]
            elif message["type"] == "http.response.body":
                reply.take(message.get("body", b""))
                if not message.get("more_body", False):
                    over.set()

        await self._app(scope_of(sent, self._state), receive, send)


def scope_of(sent: Sent, state: dict[str, Any]) -> dict[str, Any]:
    """Return the scope that a server would make of a request."""
    return {
        "type": "http",
        "asgi": _VERSIONS,
        "http_version": "1.1",
        "method": sent.method,
        "scheme": "http",
        "path": sent.path.decode("utf-8", "replace"),
        "raw_path": sent.raw_path.encode(),
        "query_string": sent.query.encode(),
        "root_path": "",
        "headers": [
            (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
            for name, value in sent.headers
        ],
        "state": state.copy(),
        **_PORTS,
    }


class LifeSpan:
    """The life span of an application, if it has one."""

    def __init__(self, app: Callable[..., Any], state: dict[str, Any]) -> None:
        self._app = app
        self._state = state
        self._refusal: str | None = None

    async def start(self) -> None:
        """Start the application; one that knows nothing of life spans raises, and is served."""
        self._received: asyncio.Queue[str] = asyncio.Queue()
        self._answered = asyncio.Event()
        self._task = asyncio.create_task(self._live())
        await self._say("lifespan.startup")
        if self._refusal is not None:
            error = await self._task
            if error is not None:
                refuse_to_start(error)
            msg = f"The application does not start. {self._refusal}"
            raise click.ClickException(msg)

    async def stop(self) -> None:
        """Stop the application, if it has a life span that goes on."""
        if not self._task.done():
            await self._say("lifespan.shutdown")
            error = await self._task
            if error is not None:
                click.echo(f"The application failed as it stopped: {describe(error)}", err=True)

    async def _say(self, message: str) -> None:
        self._answered.clear()
        self._received.put_nowait(message)
        await self._answered.wait()

    async def _live(self) -> BaseException | None:
        scope = {"type": "lifespan", "asgi": _VERSIONS, "state": self._state}
        try:
            await self._app(scope, self._receive, self._send)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the application may raise anything.
            return error
        finally:
            self._answered.set()
        return None

    async def _receive(self) -> dict[str, Any]:
        return {"type": await self._received.get()}

    async def _send(self, message: Any) -> None:
        if message["type"] == "lifespan.startup.failed":
            self._refusal = message.get("message", "").strip()
        self._answered.set()
