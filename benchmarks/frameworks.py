"""A Flask and a Quart application whose page does nothing, called as a server calls them."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from time import process_time_ns
from typing import TYPE_CHECKING, Any

import flask.app
import flask.ctx
import quart.app
import quart.ctx

from benchmarks.harness import OWN_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import ModuleType

    from benchmarks.engines import Loop

# Both send these while they answer a request for a page that is there.
SENT = (
    "appcontext_pushed",
    "request_started",
    "request_finished",
    "request_tearing_down",
    "appcontext_tearing_down",
    "appcontext_popped",
)


@dataclass(frozen=True)
class Framework:
    """A framework with an application under it.

    Attributes:
        name: What it is called, and by which protocol it is.
        holders: The modules that send, each with some of the signals among its globals.
        serve: Answers one request per item.
        heard: The signals that receivers are connected to, if there are any.
        inline: Whether plain receivers have to ask not to be sent to another thread.
        clock: Nanoseconds, of all threads that take part.
    """

    name: str
    holders: tuple[ModuleType, ...]
    serve: Loop
    heard: tuple[str, ...] = SENT[:5]
    inline: bool = False
    clock: Callable[[], int] = OWN_TIME


@contextmanager
def on_flask() -> Iterator[Framework]:
    """Give Flask, called through WSGI."""
    app = flask.Flask("benchmarks")
    app.add_url_rule("/", view_func=_page)
    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
    }

    def serve(items: Iterable[object]) -> None:
        for _ in items:
            # Applications write into it, and every request has its own.
            body: Any = app(environ.copy(), _start_response)
            for _part in body:
                pass
            body.close()

    yield Framework("Flask, WSGI", (flask.app, flask.ctx), serve)


def _page() -> str:
    return "done"


def _start_response(status: str, headers: object, exc_info: object = None) -> Any:
    if not status.startswith("200"):
        msg = f"The page answered {status}."
        raise RuntimeError(msg)


@contextmanager
def on_quart() -> Iterator[Framework]:
    """Give Quart, called through ASGI, where receivers that never block are called in place."""
    app = quart.Quart("benchmarks")
    app.add_url_rule("/", view_func=_async_page)
    scope: Any = {
        "type": "http",
        "asgi": {},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }

    async def serve_each(items: Iterable[object]) -> None:
        for _ in items:
            client = _Client()
            await app(scope.copy(), client.receive, client.send)  # type: ignore[arg-type]  # As loose as a server.

    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        yield Framework(
            "Quart, ASGI",
            (quart.app, quart.ctx),
            lambda items: loop.run_until_complete(serve_each(items)),
            # Since 0.23 it passes the wrong wrapper for the first and the last of all, and Blinker
            # refuses plain receivers of these.
            heard=SENT[1:5],
            inline=True,
            clock=process_time_ns,
        )


async def _async_page() -> str:
    return "done"


class _Client:
    """A client that sends its request at once, and disconnects when it has the response."""

    def __init__(self) -> None:
        self.asked = False
        self.answered = asyncio.Event()

    async def receive(self) -> object:
        if self.asked:
            # Since 0.23, Quart waits for this at the end of a request.
            await self.answered.wait()
            return {"type": "http.disconnect"}
        self.asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Mapping[str, object]) -> None:
        if message["type"] == "http.response.start" and message["status"] != HTTPStatus.OK:
            msg = f"The page answered {message['status']}."
            raise RuntimeError(msg)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self.answered.set()
