"""The ASGI middleware, message by message: what ends a response, and what is no end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from heliograph.lifecycle import asgi
from heliograph.lifecycle.exchange import SERVED
from tests.lifecycle.calling import ask, heard, http_scope, names

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__)


def start(*headers: tuple[bytes, bytes], **others: Any) -> dict[str, Any]:
    """Return the announcement of a response."""
    return {"type": "http.response.start", "status": 200, "headers": list(headers), **others}


def body(data: bytes = b"", *, more: bool = False) -> dict[str, Any]:
    """Return a part of a body."""
    return {"type": "http.response.body", "body": data, "more_body": more}


def length(number: int) -> tuple[bytes, bytes]:
    """Return a header."""
    return b"content-length", str(number).encode()


def answering(*messages: dict[str, Any]) -> asgi.Middleware:
    """Return an application that answers so, and goes on working."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)
        await send({"type": "http.response.debug"})  # It is nothing of a response.

    return asgi.Middleware(application)


def end_of(kept: list[tuple[str, dict[str, Any]]]) -> tuple[Any, ...]:
    """Return what was told of the only end."""
    ends = [it for name, it in kept if name == "response-sent"]
    assert len(ends) == 1
    return ends[0]["reason"], ends[0]["bytes"], type(ends[0]["exc"])


NOTHING = type(None)
PATH = {"type": "http.response.pathsend", "path": str(HERE)}
COPY = {"type": "http.response.zerocopysend", "file": 7}
TRAILERS = {"type": "http.response.trailers", "headers": []}
SIZE = HERE.stat().st_size


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([start(), body(b"one", more=True), body(b"two")], ("complete", 6)),
        ([start(length(3)), body(b"one")], ("complete", 3)),
        ([start(), body(b"one", more=True)], ("incomplete", 3)),
        ([start()], ("incomplete", 0)),
        ([], ("incomplete", 0)),
        # Trailers come after the last of the body.
        ([start(trailers=True), body(b"one")], ("incomplete", 3)),
        ([start(trailers=True), body(b"one"), TRAILERS], ("complete", 3)),
        (
            [start(trailers=True), body(b"one"), {**TRAILERS, "more_trailers": True}],
            ("incomplete", 3),
        ),
        # The server reads the file; what it is told of its length is what is known.
        ([start(), PATH], ("complete", SIZE)),
        ([start(length(5)), PATH], ("complete", 5)),
        ([start(trailers=True), PATH], ("incomplete", SIZE)),
        ([start(), {**COPY, "count": 4}], ("complete", 4)),
        ([start(length(5)), COPY], ("complete", 5)),
        ([start((b"content-length", b"x")), COPY], ("complete", 0)),
        ([start(), {**COPY, "count": 4, "more_body": True}], ("incomplete", 4)),
        ([start(trailers=True), {**COPY, "count": 4}], ("incomplete", 4)),
    ],
)
async def test_a_response_ends_with_its_last_message(
    messages: list[dict[str, Any]], expected: tuple[str, int]
) -> None:
    """Whatever the messages are that carry it; one that the application leaves out is missed."""
    with heard() as kept:
        await ask(answering(*messages), "/")

    assert end_of(kept) == (*expected, NOTHING)


class GoneError(OSError):
    """What a server raises in `send` where the client has left."""


@pytest.mark.parametrize(
    ("error", "expected", "exceptions"),
    [
        (GoneError(), ("disconnect", 3, GoneError), 0),
        (LookupError(), ("error", 3, LookupError), 1),
        (asyncio.CancelledError(), ("cancelled", 3, asyncio.CancelledError), 0),
    ],
)
async def test_a_part_that_the_server_does_not_take_ends_the_response(
    error: BaseException, expected: tuple[Any, ...], exceptions: int
) -> None:
    """It does not count, and what the server raises goes on to the application."""
    app = answering(start(), body(b"one", more=True), body(b"two"))

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body" and not message["more_body"]:
            raise error

    with heard() as kept, pytest.raises(type(error)):
        await app(http_scope("/"), never, send)

    assert end_of(kept) == expected
    assert names(kept).count("got-request-exception") == exceptions
    assert names(kept)[-1] == "request-tearing-down"


async def never(*_: Any) -> Any:
    """Be asked for a message where nobody asks."""
    raise AssertionError


def saying(*messages: str) -> Callable[[], Any]:
    """Return a `receive` that says so."""
    left = list(messages)

    async def receive() -> dict[str, Any]:
        return {"type": left.pop(0)}

    return receive


@pytest.mark.parametrize(
    ("sends_before", "expected"),
    [
        ([start()], ("disconnect", 0, NOTHING)),
        ([start(), body(b"one", more=True)], ("disconnect", 3, NOTHING)),
        ([start(), body(b"one")], ("complete", 3, NOTHING)),
        # As some frameworks do for a client that has left: it is no response any more.
        ([], ("disconnect", 0, NOTHING)),
    ],
)
async def test_a_disconnect_ends_a_response_unless_it_is_over(
    sends_before: list[dict[str, Any]], expected: tuple[Any, ...]
) -> None:
    """Servers say it after each response to whoever asks."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        for message in sends_before:
            await send(message)
        assert (await receive())["type"] == "http.disconnect"
        await send(body(b"too late"))

    async def send(message: Any) -> None:
        """Take it."""

    with heard() as kept:
        await asgi.Middleware(application)(http_scope("/"), saying("http.disconnect"), send)

    assert end_of(kept) == expected


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (body(b"one"), ("complete", 3, NOTHING)),
        (body(b"one", more=True), ("disconnect", 0, NOTHING)),
    ],
)
async def test_a_disconnect_while_the_last_part_is_taken_does_not_say_that_it_is_lost(
    last: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    """Some servers say so before they return from taking it, and frameworks that listen cancel."""
    told = asyncio.Event()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send(start())
        sending = asyncio.create_task(send(last))
        await asyncio.sleep(0)
        await receive()
        sending.cancel()
        await asyncio.wait([sending])

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            told.set()
            await asyncio.sleep(3600)

    async def receive() -> Any:
        await told.wait()
        return {"type": "http.disconnect"}

    with heard() as kept:
        await asgi.Middleware(application)(http_scope("/"), receive, send)

    assert end_of(kept) == expected


async def test_other_scopes_are_passed_on() -> None:
    """What comes to ASGI later has no life that is known."""
    seen = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)

    with heard() as kept:
        await asgi.Middleware(application)({"type": "tcp"}, never, never)

    assert seen == [{"type": "tcp"}]
    assert kept == []


@pytest.mark.parametrize("message", ["lifespan.startup.failed", None])
async def test_an_application_that_cannot_start_has_not_started(message: str | None) -> None:
    """Whether it says so or raises; servers go on after that, or end with a status of theirs."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if message is None:
            raise LookupError
        await send({"type": message})

    answers = []

    async def send(message: Any) -> None:
        answers.append(message["type"])

    with heard() as kept, suppress(LookupError):
        await asgi.Middleware(application)({"type": "lifespan"}, never, send)

    assert answers == ([message] if message else [])
    assert kept == []


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_that_breaks_off_is_not_whole_whatever_a_layer_makes_of_it(
    announced: bool,
) -> None:
    """As Starlette's BaseHTTPMiddleware, which sends a regular end and raises afterwards.

    Before the response is announced, a layer may make another one of the exception.
    """

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if announced:
            await send(start())
            await send(body(b"one", more=True))
        raise LookupError

    inside = asgi.routed(application, lambda scope: "/")

    async def layer(scope: Any, receive: Any, send: Any) -> None:
        try:
            await inside(scope, receive, send)
        except LookupError:
            if not announced:
                await send(start())
            await send(body())

    with heard() as kept:
        await ask(asgi.Middleware(layer), "/")

    if announced:
        assert end_of(kept) == ("error", 3, LookupError)
        assert names(kept).index("got-request-exception") < names(kept).index("response-sent")
    else:
        assert end_of(kept) == ("complete", 0, NOTHING)
        assert names(kept).count("got-request-exception") == 0


async def test_an_error_that_a_framework_tells_of_is_not_told_again() -> None:
    """From code that is not async, and then by raising it."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        error = LookupError()
        scope[SERVED].notice_now(error)
        scope[SERVED].notice_now(error)
        raise error

    with heard() as kept:
        await ask(asgi.Middleware(application), "/")

    assert names(kept).count("got-request-exception") == 1
    assert end_of(kept) == ("error", 0, LookupError)
