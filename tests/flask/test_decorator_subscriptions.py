"""Decorator-based signal subscriptions: connect_via, on an app."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest
from flask import template_rendered

from heliograph import ANY, ReceiverWarning
from tests.flask.core_signals import request_started
from tests.flask.core_signals import template_rendered as rendered
from tests.flask.kiosk import open_kiosk

if TYPE_CHECKING:
    from flask import Flask
    from jinja2 import Template


def test_connect_via_decorates_a_receiver(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    """The last example in Flask's documentation, word for word."""

    @template_rendered.connect_via(app)
    def when_template_rendered(
        sender: Flask, template: Template, context: dict[str, Any], **extra: object
    ) -> None:
        print(f"Template {template.name} is rendered with {context}")  # noqa: T201 - Flask's line

    app.test_client().get("/")

    said = capsys.readouterr().out
    assert said.startswith("Template index.html is rendered with {")
    assert "'items': [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]" in said


def test_connect_via_hears_its_app_alone(app: Flask) -> None:
    """The decorator's argument is the sender."""
    heard: list[str] = []

    @request_started.connect_via(app)
    def note(sender: Flask, **extra: object) -> None:
        heard.append(sender.name)

    open_kiosk("other").test_client().get("/")
    app.test_client().get("/")

    assert heard == ["kiosk"]


def test_connect_via_keeps_the_receiver(app: Flask) -> None:
    """Unlike `connect` it holds strongly: a function that nothing else holds is called on."""
    heard: list[str] = []

    def set_up() -> None:
        @request_started.connect_via(app)
        def kept(sender: Flask, **extra: object) -> None:
            heard.append("kept")

        @request_started.connect
        def dropped(sender: Flask, **extra: object) -> None:
            heard.append("dropped")

    set_up()
    gc.collect()
    with pytest.warns(ReceiverWarning, match="dropped was never called"):
        app.test_client().get("/")

    assert heard == ["kept"]


def test_connect_via_leaves_a_plain_function(app: Flask) -> None:
    """The decorated function is returned as it is, and can be disconnected by its name."""
    heard: list[str] = []

    @request_started.connect_via(app)
    def note(sender: Flask, **extra: object) -> None:
        heard.append(sender.name)

    note(app)
    request_started.disconnect(note, app)
    app.test_client().get("/")

    assert heard == ["kiosk"]


def test_connect_via_for_everybody() -> None:
    """With ANY as its argument, the decorator connects for all apps."""
    heard: list[str] = []

    @request_started.connect_via(ANY)
    def note(sender: Flask, **extra: object) -> None:
        heard.append(sender.name)

    try:
        open_kiosk("first").test_client().get("/")
        open_kiosk("second").test_client().get("/")
    finally:
        request_started.disconnect(note)

    assert heard == ["first", "second"]


def test_connect_via_takes_heliographs_options(app: Flask) -> None:
    """Priority and error policy are given to the decorator."""
    heard: list[str] = []

    @rendered.connect_via(app)
    def late(sender: Flask, **extra: object) -> None:
        heard.append("late")

    @rendered.connect_via(app, priority=1, on_error="log")
    def early(sender: Flask, **extra: object) -> None:
        heard.append("early")

    app.test_client().get("/")

    assert heard == ["early", "late"]
    assert {
        c.receiver: (c.priority, c.on_error) for c in rendered.connections if c.sender is app
    } == {
        late: (0, "raise"),
        early: (1, "log"),
    }
