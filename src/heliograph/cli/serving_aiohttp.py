"""Lets an application of aiohttp answer requests, over a socket: it has no other way in."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiohttp import DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from heliograph.cli.client import Reply
from heliograph.cli.loading import refuse_to_start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aiohttp.web import Application, Request

    from heliograph.cli.client import Sent


@contextmanager
def served(app: Application) -> Iterator[Callable[[Sent], Reply]]:
    """Start an application on a loop of its own; returns what lets it answer a request."""

    async def start() -> TestClient[Request, Application]:
        server = TestServer(app)
        await server.start_server()
        return TestClient(server, cookie_jar=DummyCookieJar())

    with asyncio.Runner() as runner:
        try:
            client = runner.run(start())
        except Exception as error:  # noqa: BLE001 - the application may raise anything.
            refuse_to_start(error)
        try:
            yield lambda sent: runner.run(_serve(client, sent))
        finally:
            runner.run(client.close())


async def _serve(client: TestClient[Request, Application], sent: Sent) -> Reply:
    reply = Reply()
    try:
        async with client.request(
            sent.method,
            URL(sent.target),
            headers=sent.headers,
            data=sent.body or None,
            allow_redirects=False,
        ) as response:
            reply.status = f"{response.status} {response.reason}"
            reply.headers = [*response.headers.items()]
            async for part in response.content.iter_any():
                reply.take(part)
    except Exception as error:  # noqa: BLE001 - the application may cut its response.
        reply.error = error
    return reply
