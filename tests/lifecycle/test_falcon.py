"""Falcon, under WSGI and ASGI: told from outside, with what only its own hooks know."""

from __future__ import annotations

import asyncio
from typing import Any

import falcon
import falcon.asgi
import pytest

from heliograph import ArgumentError, StateError
from heliograph.lifecycle.falcon import install
from tests.lifecycle.calling import ask, ask_wsgi, heard, http_scope, names

PLAIN = ["request-started", "request-finished", "response-sent", "request-tearing-down"]
FAILS = [
    "request-started",
    "got-request-exception",
    "request-finished",
    "response-sent",
    "request-tearing-down",
]


class Plain:
    """Answers."""

    def on_get(self, request: Any, response: Any, **_: Any) -> None:
        """Answer."""
        response.text = "hello"


class Fails:
    """Raises what nobody handles."""

    def on_get(self, request: Any, response: Any) -> None:
        """Raise."""
        raise LookupError


class Refuses:
    """Raises what the framework makes a response of."""

    def on_get(self, request: Any, response: Any, kind: str) -> None:
        """Raise."""
        raise falcon.HTTPStatus(202) if kind == "status" else falcon.HTTPForbidden


class Streams:
    """Raises in the middle of a body."""

    def on_get(self, request: Any, response: Any) -> None:
        """Raise while the body is read."""

        def parts() -> Any:
            yield b"part"
            raise LookupError

        response.stream = parts()


class Awaited:
    """Does as another resource, in a coroutine."""

    def __init__(self, plain: Any) -> None:
        self.plain = plain

    async def on_get(self, request: Any, response: Any, **params: Any) -> None:
        """Do so."""
        self.plain.on_get(request, response, **params)
        if response.stream is not None:
            parts = response.stream

            async def parts_async() -> Any:
                for part in parts:
                    yield part

            response.stream = parts_async()


def made(kind: str) -> Any:
    """Return an application."""
    app: Any = falcon.App() if kind == "wsgi" else falcon.asgi.App()
    for path, resource in {
        "/item/{number:int}": Plain(),
        "/fails": Fails(),
        "/refuses/{kind}": Refuses(),
        "/stream": Streams(),
    }.items():
        app.add_route(path, resource if kind == "wsgi" else Awaited(resource))
    return app


def send(app: Any, path: str) -> list[tuple[str, dict[str, Any]]]:
    """Send a request; return what was told."""
    with heard() as kept:
        if isinstance(getattr(app, "app", app), falcon.asgi.App):
            asyncio.run(ask(app, path))
        else:
            ask_wsgi(app, path)
    return kept


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
@pytest.mark.parametrize(
    ("path", "status", "route"),
    [
        ("/item/7", 200, "/item/{number:int}"),
        ("/refuses/status", 202, "/refuses/{kind}"),
        ("/refuses/error", 403, "/refuses/{kind}"),
        ("/nowhere", 404, None),
    ],
)
def test_a_request_is_told_in_order(kind: str, path: str, status: int, route: str | None) -> None:
    """What is raised to make a response is no exception."""
    app = install(made(kind))
    kept = send(app, path)

    assert names(kept) == ["app-started", *PLAIN]
    assert {it["sender"] for _, it in kept} == {app}
    sent = dict(kept)["response-sent"]
    assert (sent["status"], sent["request"].route) == (status, route)


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_exception_is_told_before_the_response_that_is_made_of_it(kind: str) -> None:
    """Once, and a reporter that was set before is told as well."""
    reported = []
    app = made(kind)
    app.set_error_reporter(lambda request, error, params, handled: reported.append(error))
    kept = send(install(app), "/fails")

    assert names(kept) == ["app-started", *FAILS]
    told = dict(kept)
    assert reported == [told["got-request-exception"]["exception"]]
    assert told["response-sent"]["request"].native.path == "/fails"


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_an_exception_in_a_body_is_told_once(kind: str) -> None:
    """It leaves the application."""
    kept = send(install(made(kind)), "/stream")

    sent = dict(kept)["response-sent"]
    assert (sent["status"], sent["bytes"], sent["aborted"], sent["reason"]) == (
        200,
        4,
        True,
        "error",
    )
    assert names(kept).count("got-request-exception") == 1


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_an_installation_is_undone(kind: str) -> None:
    """The application is as it was before."""
    plain = made(kind)
    with install(plain) as app, pytest.raises(StateError, match=r"falcon.App already"):
        install(plain)

    assert [send(it, path) for it in (app, plain) for path in ("/item/7", "/fails")] == [[]] * 4
    with pytest.raises(ArgumentError, match=r"^A NoneType object is not a falcon.App"):
        install(None)  # type: ignore[arg-type]  # As somebody may.


def test_an_older_release_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has nothing that would tell of errors."""
    monkeypatch.delattr(falcon.App, "set_error_reporter")
    with pytest.raises(ArgumentError, match=r"install falcon>=4\.4"):
        install(made("wsgi"))


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_the_application_itself_can_be_asked(kind: str) -> None:
    """By Falcon's own test client, say: nothing is told then."""
    app = made(kind)
    with install(app):
        assert send(app, "/item/7") == []


async def test_a_client_that_leaves_server_sent_events_has_not_the_whole() -> None:
    """Falcon ends the stream in order then, with a last part."""
    app = falcon.asgi.App()

    class Ticks:
        async def on_get(self, request: Any, response: Any) -> None:
            async def ticks() -> Any:
                while True:
                    yield falcon.asgi.SSEvent(text="tick")
                    await asyncio.sleep(0)

            response.sse = ticks()

    app.add_route("/", Ticks())
    asked = iter([{"type": "http.request"}, {"type": "http.disconnect"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(asked)

    async def send(message: Any) -> None:
        sent.append(message)
        await asyncio.sleep(0)

    with install(app) as served, heard() as kept:
        await served(http_scope("/"), receive, send)

    assert sent[-1].get("more_body", False) is False
    assert [(it["aborted"], it["reason"]) for name, it in kept if name == "response-sent"] == [
        (True, "disconnect")
    ]
