"""Quart: its own signals are those of the wing, with a request and with the end of a response."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import Any

import pytest
import quart
from starlette.applications import Starlette
from starlette.routing import Mount

from heliograph import ArgumentError, StateError
from heliograph.lifecycle import RequestInfo, request_finished, request_started, starlette
from heliograph.lifecycle.quart import install
from tests.lifecycle.calling import ask, heard, http_scope, names


def made() -> quart.Quart:
    """Return an application."""
    app = quart.Quart(__name__)
    app.secret_key = "for tests"  # noqa: S105 - it guards nothing.
    pages = quart.Blueprint("pages", __name__, url_prefix="/shop/<tenant>")

    @app.get("/")
    async def plain() -> str:
        return "hello"

    @pages.get("/item/<int:number>")
    async def item(tenant: str, number: int) -> str:
        return await quart.render_template_string("{{ number }}", number=number)

    @app.get("/fails")
    async def fails() -> str:
        raise LookupError

    @app.get("/stream")
    async def stream() -> quart.Response:
        async def parts() -> Any:
            yield b"part"
            raise LookupError

        return quart.Response(parts())

    @app.get("/waits")
    async def waits() -> str:
        await asyncio.sleep(30)
        return "too late"

    @app.websocket("/talk")
    async def talk() -> None:
        await quart.websocket.accept()
        text = await quart.websocket.receive()
        if text == "fail":
            raise LookupError
        await quart.websocket.send(text.upper())
        await quart.websocket.close(4001)

    app.register_blueprint(pages)
    return app


async def send(app: quart.Quart, path: str) -> list[tuple[str, dict[str, Any]]]:
    """Send a request; return what was told."""
    with heard() as kept:
        await ask(app, path)
    return kept


BEGIN = ["app-started", "appcontext-pushed", "request-started"]
END = ["request-tearing-down", "appcontext-tearing-down", "appcontext-popped"]


@pytest.mark.parametrize(
    ("path", "status", "route", "templates"),
    [
        ("/", 200, "/", 0),
        ("/shop/acme/item/7", 200, "/shop/<tenant>/item/<int:number>", 1),
        ("/nowhere", 404, None, 0),
    ],
)
async def test_quart_sends_its_signals_and_the_end_is_told(
    path: str, status: int, route: str | None, templates: int
) -> None:
    """Whatever Quart tells before and after it."""
    app = made()
    with install(app):
        kept = await send(app, path)

    rendered = ["before-render-template", "template-rendered"] * templates
    assert sorted(names(kept)) == sorted(
        [*BEGIN, *rendered, "request-finished", "response-sent", *END]
    )
    assert {it["sender"] for _, it in kept} == {app}
    sent = dict(kept)["response-sent"]
    assert (sent["status"], sent["aborted"], sent["request"].route) == (status, False, route)
    assert {it["request"] for _, it in kept if "request" in it} == {sent["request"]}
    assert sent["request"].native.path == path


async def test_an_exception_is_told_by_quart_and_not_again() -> None:
    """The response that Quart makes of it is whole."""
    app = made()
    with install(app):
        kept = await send(app, "/fails")

    assert names(kept).count("got-request-exception") == 1
    told = dict(kept)["response-sent"]
    assert (told["status"], told["reason"]) == (500, "complete")


async def test_an_exception_in_a_body_is_in_its_end() -> None:
    """Quart tells nobody of it."""
    app = made()
    with install(app):
        kept = await send(app, "/stream")

    sent = dict(kept)["response-sent"]
    assert (sent["status"], sent["bytes"], sent["aborted"]) == (200, 4, True)


async def test_a_stream_that_takes_longer_than_quart_allows_is_cut() -> None:
    """Quart returns as from any response, and tells nobody; the teardown was before the body."""
    app = made()
    app.config["RESPONSE_TIMEOUT"] = 0.05

    @app.get("/slow")
    async def slow() -> quart.Response:
        async def parts() -> Any:
            yield b"part"
            await asyncio.sleep(30)

        return quart.Response(parts())

    with install(app):
        kept = await send(app, "/slow")

    sent = dict(kept)["response-sent"]
    assert (sent["status"], sent["bytes"], sent["aborted"], sent["reason"], sent["exc"]) == (
        200,
        4,
        True,
        "incomplete",
        None,
    )
    assert names(kept)[-2:] == ["appcontext-popped", "response-sent"]
    assert "got-request-exception" not in names(kept)


async def test_a_client_that_leaves_ends_its_request() -> None:
    """Quart cancels the view, and tells of a teardown alone."""
    app: Any = made()  # Its types are those of servers.
    messages = [{"type": "http.request", "body": b""}]

    begun = asyncio.Event()

    @app.before_request  # type: ignore[untyped-decorator]  # Quart's types are of no use here.
    async def begin() -> None:
        begun.set()

    async def receive() -> Any:
        if messages:
            return messages.pop(0)
        await begun.wait()
        return {"type": "http.disconnect"}

    async def none(message: Any) -> None:
        """Be the server."""

    with install(app), heard() as kept:
        await app(http_scope("/waits"), receive, none)

    sent = dict(kept)["response-sent"]
    assert (sent["status"], sent["aborted"], sent["reason"]) == (None, True, "disconnect")


@pytest.mark.parametrize(("text", "code"), [("hello", 4001), ("fail", None)])
async def test_a_websocket_is_told_to_its_end(text: str, code: int | None) -> None:
    """Its messages, too; a code of 1000 is what Quart gives after an error."""
    app: Any = made()  # Its types are those of servers.
    messages = [{"type": "websocket.connect"}, {"type": "websocket.receive", "text": text}]

    async def receive() -> Any:
        return messages.pop(0) if messages else await asyncio.sleep(3600)

    async def none(message: Any) -> None:
        """Be the server."""

    with install(app), heard() as kept:
        scope = {**http_scope("/talk"), "type": "websocket", "scheme": "ws", "subprotocols": []}
        await app(scope, receive, none)

    told = [name for name in names(kept) if name.startswith(("web", "got"))]
    middle = ["websocket-sent"] if code else ["got-websocket-exception"]
    assert sorted(told) == sorted(
        [
            "websocket-received",
            "websocket-started",
            *middle,
            "websocket-finished",
            "websocket-tearing-down",
        ]
    )
    finished = dict(kept)["websocket-finished"]
    assert (finished["code"], finished["who"]) == (code or 1000, "application")
    assert finished["request"].route == "/talk"
    assert dict(kept)["websocket-received"]["message"] == text


async def test_a_client_that_leaves_a_websocket_ends_it() -> None:
    """Quart cancels what serves it, and tells of a teardown alone."""
    app: Any = made()  # Its types are those of servers.
    accepted = asyncio.Event()
    messages = [{"type": "websocket.connect"}]

    async def receive() -> Any:
        if messages:
            return messages.pop(0)
        await accepted.wait()
        return {"type": "websocket.disconnect", "code": 1001}

    async def none(message: Any) -> None:
        accepted.set()

    with install(app), heard() as kept:
        scope = {**http_scope("/talk"), "type": "websocket", "scheme": "ws", "subprotocols": []}
        await app(scope, receive, none)

    finished = dict(kept)["websocket-finished"]
    assert (finished["code"], finished["who"], finished["exc"]) == (1001, "client", None)
    told = [name for name in names(kept) if name.startswith(("web", "got"))]
    assert told == ["websocket-started", "websocket-finished", "websocket-tearing-down"]


@pytest.mark.parametrize(("kind", "path"), [("http", "/waits"), ("websocket", "/talk")])
async def test_a_client_that_leaves_before_quart_has_begun_has_no_end(kind: str, path: str) -> None:
    """It had no start: Quart was called off while it told of the context."""
    app: Any = made()  # Its types are those of servers.
    messages = [{"type": "websocket.connect"}, {"type": f"{kind}.disconnect"}]
    del messages[: kind == "http"]

    async def receive() -> Any:
        return messages.pop(0)

    async def none(message: Any) -> None:
        """Be the server."""

    with install(app), heard() as kept:
        await app(
            {**http_scope(path), "type": kind, "scheme": "ws", "subprotocols": []}, receive, none
        )

    assert not {
        "request-started",
        "response-sent",
        "websocket-started",
        "websocket-finished",
    } & set(names(kept))


async def test_a_receiver_is_connected_to_both_of_two_signals() -> None:
    """Async ones, too."""
    app = made()
    heard_of: list[Any] = []

    async def named(sender: Any, request: Any) -> None:
        heard_of.append(request.path)

    async def plain(sender: Any) -> None:
        heard_of.append("plain")

    with install(app):
        request_started.connect(named, app)
        quart.request_started.connect(plain, app)
        await ask(app, "/")

    assert heard_of == ["/", "plain"]


async def test_a_context_that_a_test_makes_has_a_request_too() -> None:
    """Nothing has come through the application."""
    app = made()
    with install(app), heard() as kept:
        async with app.test_request_context("/shop/acme/item/7"):
            await app.preprocess_request(quart.globals.request_ctx)
            await quart.flash("Thank you.")

    told = dict(kept)["message-flashed"]
    assert told["request"].route == "/shop/<tenant>/item/<int:number>"


async def test_an_installation_is_undone() -> None:
    """Also where somebody holds on to it."""
    app: Any = made()
    with install(app), pytest.raises(StateError, match=r"quart.Quart already"):
        install(app)
    installation = install(app)
    around: Any = app.asgi_app

    async def layer(*call: Any) -> None:
        await around(*call)

    app.asgi_app = layer
    installation.uninstall()

    assert await send(app, "/") == []
    with pytest.raises(ArgumentError, match=r"^A NoneType object is not a quart.Quart"):
        install(None)  # type: ignore[arg-type]  # As somebody may.


async def test_what_is_sent_by_hand_has_a_request_too() -> None:
    """That which somebody passes, or the current one, or None outside of requests."""
    app = made()
    mine = RequestInfo(
        kind="http", method="GET", path="/", client=None, native=None, offered_id=None
    )
    with install(app), heard() as kept:
        await quart.message_flashed.send_async(app, message="one", category="x")
        await quart.message_flashed.send_async(app, message="two", category="x", request=mine)

    assert [payload["request"] for _, payload in kept] == [None, mine]


async def test_the_route_of_an_application_inside_of_another_has_its_prefix() -> None:
    """The signals of Quart come with the request of the outermost application."""
    inner = made()
    outer = Starlette(routes=[Mount("/inner", inner)])  # type: ignore[arg-type]  # Quart has types of its own for messages.
    with starlette.install(outer), install(inner), heard() as kept:
        await ask(outer, "/inner/shop/one/item/7")

    [end] = [it for name, it in kept if name == "response-sent"]
    assert end["sender"] is outer
    assert end["request"].route == "/inner/shop/<tenant>/item/<int:number>"
    assert {it["request"] for _, it in kept if it.get("request")} == {end["request"]}


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/fails", 500)])
@pytest.mark.parametrize("is_async", [True, False])
async def test_observers_that_fail_leave_the_response_as_it_is(
    path: str, status: int, is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Those of `request_finished` and `got_request_exception`, by Quart's names or by ours."""
    app = made()

    async def fail_later(sender: Any, **extra: Any) -> None:
        raise OSError

    def fail(sender: Any, **extra: Any) -> None:
        raise OSError

    receiver: Any = fail_later if is_async else fail
    # For the length of a block, as the records of the log may hold the receiver for longer.
    with install(app), ExitStack() as connected:
        observed: list[Any] = [request_finished, quart.got_request_exception]
        for signal in observed:
            connected.enter_context(signal.connected_to(receiver, app, on_error="log"))
        answer = await ask(app, path)

    assert answer[0]["status"] == status
    told = [it.exc_info[0] for it in caplog.records if it.name == "heliograph" and it.exc_info]
    assert told == [OSError] * (2 if status == 500 else 1)
