"""Websockets under the ASGI middleware, message by message."""

from __future__ import annotations

from typing import Any

import pytest

from heliograph.lifecycle import asgi
from tests.lifecycle.calling import heard, http_scope, names

ACCEPT = {"type": "websocket.accept"}


async def talk(app: Any, *incoming: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Open a websocket and say so; return what was told."""
    left = [{"type": "websocket.connect"}, *incoming]

    async def receive() -> Any:
        return left.pop(0)

    async def send(message: Any) -> None:
        if message.get("bytes") == b"gone":
            raise OSError

    with heard() as kept:
        try:
            await app(http_scope("/") | {"type": "websocket"}, receive, send)
        except LookupError:
            kept.append(("raised", {}))
    return kept


def end_of(kept: list[tuple[str, dict[str, Any]]]) -> tuple[Any, ...]:
    """Return what was told of the only end."""
    ends = [it for name, it in kept if name == "websocket-finished"]
    assert len(ends) == 1
    return ends[0]["code"], ends[0]["who"]


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([ACCEPT, {"type": "websocket.close"}], (1000, "application")),
        ([ACCEPT, {"type": "websocket.close", "code": 4001}], (4001, "application")),
        ([ACCEPT], (None, "application")),
        # It may refuse one by a response over HTTP.
        (
            [
                {"type": "websocket.http.response.start", "status": 403, "headers": []},
                {"type": "websocket.http.response.body", "body": b"no", "more_body": True},
                {"type": "websocket.http.response.body", "body": b"!"},
            ],
            (None, "application"),
        ),
    ],
)
async def test_the_application_ends_a_websocket(
    messages: list[dict[str, Any]], expected: tuple[Any, ...]
) -> None:
    """By closing it, by returning, or by refusing it."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    kept = await talk(asgi.Middleware(application))

    assert end_of(kept) == expected


@pytest.mark.parametrize("code", [1001, None])
async def test_the_client_ends_a_websocket(code: int | None) -> None:
    """With the code that the server reports; messages are told as they are."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        while (await receive())["type"] != "websocket.disconnect":
            await send({"type": "websocket.send", "bytes": b"two"})

    kept = await talk(
        asgi.Middleware(application),
        {"type": "websocket.receive", "text": "one"},
        {"type": "websocket.disconnect", "code": code},
    )

    assert end_of(kept) == (code, "client")
    messages = [it["message"] for _, it in kept if "message" in it]
    assert messages == ["one", b"two"]


async def test_an_error_that_comes_by_twice_is_told_once() -> None:
    """A layer inside tells of it before the framework makes something else of it."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError

    kept = await talk(asgi.Middleware(asgi.probed(application)))

    assert names(kept).count("got-websocket-exception") == 1
    assert names(kept)[-1] == "raised"
    assert end_of(kept) == (None, "application")


async def test_a_websocket_that_is_open_is_ended_by_a_stop() -> None:
    """Once: what the application does afterwards is none."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await app.stop()
        await send({"type": "websocket.close", "code": 1012})

    app = asgi.Middleware(application)
    kept = await talk(app)

    assert end_of(kept) == (None, "shutdown")
    assert names(kept).index("websocket-finished") < names(kept).index("app-stopping")


async def test_layers_that_nobody_is_outside_of_do_nothing() -> None:
    """An application may be called without its outermost layer."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError

    inside = asgi.routed(asgi.probed(application), lambda scope: "/")

    assert names(await talk(inside)) == ["raised"]
