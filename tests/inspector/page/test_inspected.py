"""An inspector's page in front of real frameworks: when it is there, and when it records."""

from __future__ import annotations

import json
import logging
import os
import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from heliograph import ArgumentError, Namespace
from heliograph.inspector.inspector import Inspector
from heliograph.inspector.page.debugging import is_debugged
from heliograph.lifecycle.flask import install
from heliograph.lifecycle.starlette import install as install_in_starlette
from tests.inspector.page.calling import call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

shop = Namespace("shop that is inspected")
ordered = shop.signal("ordered")


@ordered.connect
def pack(sender: object) -> None:
    """Pack."""


@pytest.fixture
def inspector() -> Iterator[Inspector]:
    """Give an inspector that is stopped in the end."""
    made = Inspector()
    yield made
    made.stop()


@pytest.fixture
def undeveloped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this be no development."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "0")


@pytest.fixture
def flask_app() -> Iterator[Callable[..., Flask]]:
    """Give what makes an application with the page of an inspector."""
    installed = ExitStack()

    def make(inspector: Inspector, *, debug: bool, **options: Any) -> Flask:
        app = Flask("shop")
        app.debug = debug

        @app.get("/")
        def index() -> str:
            ordered.send("shop")
            return "hello"

        installed.enter_context(install(app))
        app.wsgi_app = inspector.wsgi(app.wsgi_app, **options)  # type: ignore[method-assign]  # As Flask wants it.
        return app

    with installed:
        yield make


def news(app: Flask, cursor: str = "") -> Any:
    """Ask for news."""
    return app.test_client().get("/_signals/news", query_string={"after": cursor}).get_json()


@pytest.mark.usefixtures("undeveloped")
def test_an_application_in_debug_mode_has_the_page(
    inspector: Inspector, flask_app: Callable[..., Flask]
) -> None:
    """Flask tells of that only while it serves, so the application itself is asked."""
    app = flask_app(inspector, debug=True)

    app.test_client().get("/")
    found = news(app)
    assert [(it["method"], it["path"], it["status"]) for it in found["requests"]] == [
        ("GET", "/", None),
        ("GET", "/", 200),
    ]
    assert "ordered" in [it["signal"] for it in found["emissions"]]
    assert found["picture"] == f"process {os.getpid()}"


@pytest.mark.usefixtures("undeveloped")
def test_an_application_in_production_has_none(
    inspector: Inspector, flask_app: Callable[..., Flask]
) -> None:
    """Nothing is recorded for it, either."""
    app = flask_app(inspector, debug=False, server_timing=True)

    assert app.test_client().get("/_signals/", buffered=True).status_code == 404
    assert "Server-Timing" not in app.test_client().get("/", buffered=True).headers
    assert (inspector.running, inspector.recorder.running) == (True, False)


@pytest.mark.usefixtures("undeveloped")
def test_a_token_opens_it_in_production(flask_app: Callable[..., Flask]) -> None:
    """From then on, for a while, it records."""
    with Inspector(token="open sesame") as inspector:  # noqa: S106 - it opens nothing but a test.
        app = flask_app(inspector, debug=False)
        client = app.test_client()
        client.get("/")
        assert not inspector.recorder.running
        assert client.get("/_signals/?token=open%20sesame").status_code == 303
        assert client.get("/_signals/news").get_json()["requests"] == []
        client.get("/")
        assert len(client.get("/_signals/news").get_json()["requests"]) == 2


def test_an_inspector_that_was_stopped_stays_stopped(
    inspector: Inspector, flask_app: Callable[..., Flask]
) -> None:
    """The page does not start it again, and the header is gone."""
    app = flask_app(inspector, debug=True, server_timing=500)
    client = app.test_client()

    assert "Server-Timing" in client.get("/").headers
    inspector.stop()
    assert "Server-Timing" not in client.get("/").headers
    assert not inspector.recorder.running
    assert len(news(app)["requests"]) == 2  # What was recorded stays: one request, twice.


def test_the_page_outlives_that_an_inspector_cannot_start(
    inspector: Inspector,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    flask_app: Callable[..., Flask],
) -> None:
    """It says so in the log, and the application answers."""
    from threading import Thread

    shy = Inspector(report_on=signal.SIGUSR1)
    app = flask_app(shy, debug=True)
    with caplog.at_level(logging.WARNING, "heliograph"):
        thread = Thread(target=app.test_client().get, args=("/",))
        thread.start()
        thread.join()

    assert "The page of signals has nothing to show" in caplog.text
    assert news(app)["emissions"] == []


def test_after_a_fork_the_page_records_again(
    inspector: Inspector, flask_app: Callable[..., Flask]
) -> None:
    """Where a server forks its workers after the first request."""
    app = flask_app(inspector, debug=True)
    app.test_client().get("/")
    inspector.recorder.stop()  # As a fork does in the child.
    app.test_client().get("/")

    assert inspector.recorder.running


def test_the_page_inside_of_a_life_cycle_does_not_show_itself(inspector: Inspector) -> None:
    """As middleware of Starlette it is inside of what tells of requests."""

    async def index(_: object) -> PlainTextResponse:
        ordered.send("shop")
        return PlainTextResponse("hello")

    app = Starlette(debug=True, routes=[Route("/", index), Mount("/signals", inspector.asgi())])
    app.add_middleware(inspector.asgi, server_timing=True)
    with install_in_starlette(app):
        [(_, timing)] = [it for it in call(app, "/")[0]["headers"] if it[0] == b"server-timing"]
        first = json.loads(call(app, "/_signals/news")[1]["body"])
        query = f"after={first['cursor']}".encode()
        second = json.loads(call(app, "/_signals/news", query_string=query)[1]["body"])
        mounted = json.loads(call(app, "/signals/news")[1]["body"])

    assert timing.endswith(b'pack"')
    # It began to record inside of the first request, whose end it has seen.
    assert [it["path"] for it in first["requests"]] == ["/"]
    assert (second["requests"], second["emissions"]) == ([], [])
    assert [it["path"] for it in mounted["requests"] if it["path"] == "/"] == ["/"]


def test_what_cannot_be_served_is_refused(inspector: Inspector) -> None:
    """Before anything has changed."""
    for path in ("signals", "/signals/", "/", ""):
        with pytest.raises(ArgumentError, match="cannot be the page's"):
            inspector.wsgi(print, path=path)
    with pytest.raises(ArgumentError, match="str is no application"):
        inspector.asgi("app")


@pytest.mark.parametrize(
    ("app", "debugged"), [(None, False), (object(), False), (Starlette(debug=True), True)]
)
def test_whoever_has_a_debug_mode_is_asked(app: object, *, debugged: bool) -> None:
    """Others say nothing."""
    assert is_debugged(app) is debugged


def test_a_wrapped_application_is_found_up_to_a_depth() -> None:
    """Something that is wrapped around itself is no reason to hang."""

    class Around:
        app: Any

    around = Around()
    around.app = around

    assert not is_debugged(around)
