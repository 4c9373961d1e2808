"""Flask 3.1's own tests of its signals, tests/test_signals.py, written with the plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flask
import pytest

from heliograph.testing import Capture, Flashes, Templates, expect

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient


@pytest.fixture(autouse=True)
def views(app: Flask) -> None:
    """Serve a page, a message and a failure."""
    page = "simple_template.html"
    app.add_url_rule("/page", "page", lambda: flask.render_template(page, whiskey=42))
    app.add_url_rule("/fail", "fail", lambda: str(1 // 0))

    @app.get("/flash")
    def flash() -> str:
        flask.flash("It is flashed.", "notice")
        return "Flashed."


def test_template_rendered(client: FlaskClient, templates: Templates) -> None:
    """It is sent with the template and its context."""
    client.get("/page")

    assert templates.context("simple_template.html")["whiskey"] == 42


def test_before_render_template(app: Flask, client: FlaskClient, templates: Templates) -> None:
    """Its receivers may change the context that the page is rendered with."""

    @flask.before_render_template.connect_via(app)
    def change(sender: Flask, template: object, context: dict[str, Any]) -> None:
        context["whiskey"] = 43

    assert client.get("/page").data == b"<h1>43</h1>"
    assert templates.context("simple_template.html")["whiskey"] == 43


def test_request_signals(app: Flask, client: FlaskClient, signals: Capture) -> None:
    """The one is sent before all handlers, the other after them, with what they have made."""
    app.testing = True  # What a handler raises is raised by the client.

    @app.before_request
    @app.after_request
    def handle(response: Any = None) -> Any:
        signals.assert_sent(flask.request_started, times=1)
        signals.assert_not_sent(flask.request_finished)
        return response and app.response_class("stuff")

    client.get("/page")

    assert signals.of(flask.request_finished).one()["response"].data == b"stuff"


def test_request_exception_signal(client: FlaskClient) -> None:
    """It is sent with what a view has raised."""
    with expect(flask.got_request_exception, times=1, exception=ZeroDivisionError):
        assert client.get("/fail").status_code == 500


def test_appcontext_signals(client: FlaskClient, signals: Capture) -> None:
    """The one is sent before the other."""
    client.get("/page")
    both = flask.appcontext_pushed, flask.appcontext_popped

    signals.of(*both).assert_order(*both, how="exact")


def test_flash_signal(client: FlaskClient, flashes: Flashes) -> None:
    """It is sent with the message and its category."""
    client.get("/flash")

    assert flashes.with_categories == [("notice", "It is flashed.")]


def test_appcontext_tearing_down_signal(client: FlaskClient) -> None:
    """It is sent with what a view has raised."""
    with expect(flask.appcontext_tearing_down, times=1, exc=ZeroDivisionError):
        assert client.get("/fail").status_code == 500
