"""Signals and Flask's request context: what g, request and session are in a receiver, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask import g, has_app_context, has_request_context, request, session

from tests.flask.core_signals import (
    CORE_SIGNALS,
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    request_finished,
    request_started,
    request_tearing_down,
)

if TYPE_CHECKING:
    from flask import Flask, Response
    from flask.testing import FlaskClient

    from heliograph import Signal

WITHIN_THE_REQUEST = (
    "request_started",
    "message_flashed",
    "before_render_template",
    "template_rendered",
    "got_request_exception",
    "request_finished",
)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Come to the kiosk as somebody with a session."""
    client = app.test_client()
    with client.session_transaction() as kept:
        kept["visitor"] = "Ada"
    return client


def number(sender: Flask, **extra: object) -> None:
    """Give each request a number in `g`."""
    g.number = 41


@pytest.mark.parametrize("name", WITHIN_THE_REQUEST)
def test_context_locals_are_there_between_started_and_finished(
    name: str, app: Flask, client: FlaskClient
) -> None:
    """Receivers read g, request and session as views do."""
    read: list[tuple[int, str, str]] = []
    path = "/broken" if name == "got_request_exception" else "/news"

    def note(sender: Flask, **extra: object) -> None:
        read.append((g.number, request.path, session["visitor"]))

    with request_started.connected_to(number, app), CORE_SIGNALS[name].connected_to(note, app):
        client.get(path)

    assert read == [(41, path, "Ada")]


@pytest.mark.parametrize("path", ["/news", "/broken"])
def test_context_locals_are_still_there_in_request_tearing_down(
    path: str, app: Flask, client: FlaskClient
) -> None:
    """The request is not over until it is torn down, whether it went well or not."""
    read: list[tuple[int, str, str]] = []

    def note(sender: Flask, **extra: object) -> None:
        read.append((g.number, request.path, session["visitor"]))

    with request_started.connected_to(number, app), request_tearing_down.connected_to(note, app):
        client.get(path)

    assert read == [(41, path, "Ada")]


def test_g_is_still_there_in_appcontext_tearing_down(app: Flask, client: FlaskClient) -> None:
    """`g` belongs to the app context, and can be cleaned up while that is torn down."""
    read: list[int] = []

    def note(sender: Flask, **extra: object) -> None:
        read.append(g.pop("number"))

    with request_started.connected_to(number, app), appcontext_tearing_down.connected_to(note, app):
        client.get("/")

    assert read == [41]


@pytest.mark.parametrize(
    ("signal", "contexts"),
    [
        (appcontext_pushed, ("app",)),
        (appcontext_tearing_down, ("app",)),
        (appcontext_popped, ()),
    ],
    ids=["appcontext_pushed", "appcontext_tearing_down", "appcontext_popped"],
)
def test_the_outermost_signals_have_no_request(
    signal: Signal, contexts: tuple[str, ...], app: Flask, client: FlaskClient
) -> None:
    """The app context is pushed before the request's and torn down after it; popped, it is gone."""
    found: list[tuple[str, ...]] = []

    def note(sender: Flask, **extra: object) -> None:
        has = {"app": has_app_context(), "request": has_request_context()}
        found.append(tuple(name for name, there in has.items() if there))

    with signal.connected_to(note, app):
        client.get("/")

    assert found == [contexts]


def test_reading_the_request_too_late_is_flasks_error(app: Flask, client: FlaskClient) -> None:
    """A receiver that needs the request must not wait for appcontext_tearing_down."""
    errors: list[str] = []

    def note(sender: Flask, **extra: object) -> None:
        try:
            str(request.path)
        except RuntimeError as error:
            errors.append(str(error).splitlines()[0])

    with appcontext_tearing_down.connected_to(note, app):
        client.get("/")

    assert errors == ["Working outside of request context."]


def test_what_receivers_put_into_g_the_view_can_read(app: Flask, client: FlaskClient) -> None:
    """`g` is shared by receivers and views of one request, and begins empty in the next one."""

    @app.get("/count")
    def count() -> str:
        g.number = g.get("number", 0) + 1
        return str(g.number)

    with request_started.connected_to(number, app):
        assert client.get("/count").text == "42"
    assert client.get("/count").text == "1"


def test_the_session_is_saved_between_started_and_finished(app: Flask, client: FlaskClient) -> None:
    """A change that request_started makes is kept; for request_finished the cookie is written."""

    def arrive(sender: Flask, **extra: object) -> None:
        session["arrived"] = True

    def leave(sender: Flask, **extra: object) -> None:
        session["left"] = True

    with request_started.connected_to(arrive, app), request_finished.connected_to(leave, app):
        client.get("/")

    with client.session_transaction() as kept:
        assert dict(kept) == {"visitor": "Ada", "arrived": True}


def test_a_receiver_may_add_to_a_templates_context(app: Flask, client: FlaskClient) -> None:
    """before_render_template comes early enough to change what is rendered."""

    def add(sender: Flask, context: dict[str, object], **extra: object) -> None:
        context["items"] = [request.path]

    with CORE_SIGNALS["before_render_template"].connected_to(add, app):
        assert client.get("/").text == "<ul><li>/</li></ul>"


def test_a_receiver_may_change_the_response(app: Flask, client: FlaskClient) -> None:
    """request_finished hands over the response itself, before it is sent."""

    def sign(sender: Flask, response: Response, **extra: object) -> None:
        response.headers["X-Number"] = str(g.number)

    with request_started.connected_to(number, app), request_finished.connected_to(sign, app):
        assert client.get("/").headers["X-Number"] == "41"
