"""Subscribing to signals: connect and disconnect, with a sender and without, and for a while."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import flask
import pytest
from flask import request_started, template_rendered

from tests.flask import core_signals
from tests.flask.core_signals import CORE_SIGNALS
from tests.flask.kiosk import open_kiosk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from flask import Flask
    from jinja2 import Template

    from heliograph import Signal

Recorded = list[tuple["Template", dict[str, Any]]]


class Visitors:
    """Remembers the apps that somebody visited."""

    def __init__(self) -> None:
        self.apps: list[str] = []

    def note(self, sender: Flask, **extra: object) -> None:
        """Receive any signal."""
        self.apps.append(sender.name)


@pytest.fixture
def other() -> Flask:
    """Open a second kiosk."""
    return open_kiosk("other")


def visit(*apps: Flask) -> None:
    """Get the front page of each."""
    for app in apps:
        app.test_client().get("/")


# --- connect and disconnect ---------------------------------------------------------------


def test_a_receiver_with_a_sender_hears_that_app_alone(app: Flask, other: Flask) -> None:
    """The optional second argument of `connect` specifies a sender."""
    visitors = Visitors()
    request_started.connect(visitors.note, app)

    visit(app, other, app)

    assert visitors.apps == ["kiosk", "kiosk"]


def test_a_receiver_without_a_sender_hears_all_apps(app: Flask, other: Flask) -> None:
    """Without a sender you listen for signals from all applications."""
    visitors = Visitors()
    request_started.connect(visitors.note)

    visit(app, other)

    assert visitors.apps == ["kiosk", "other"]


def test_disconnect_ends_what_connect_began(app: Flask) -> None:
    """After `disconnect` with the same arguments nothing more is heard."""
    visitors = Visitors()
    request_started.connect(visitors.note, app)
    visit(app)
    request_started.disconnect(visitors.note, app)
    visit(app)

    assert visitors.apps == ["kiosk"]


def test_disconnect_with_a_sender_leaves_the_other_sender(app: Flask, other: Flask) -> None:
    """A receiver of two apps can leave one of them."""
    visitors = Visitors()
    request_started.connect(visitors.note, app)
    request_started.connect(visitors.note, other)
    request_started.disconnect(visitors.note, app)

    visit(app, other)

    assert visitors.apps == ["other"]


def test_disconnect_without_a_sender_ends_all(app: Flask, other: Flask) -> None:
    """`disconnect(receiver)` means every app that it was connected for."""
    visitors = Visitors()
    request_started.connect(visitors.note, app)
    request_started.connect(visitors.note, other)
    request_started.disconnect(visitors.note)

    visit(app, other)

    assert visitors.apps == []


def test_a_receiver_of_an_app_and_of_all_is_called_once(app: Flask, other: Flask) -> None:
    """Connecting for one app and for all does not double what is heard of that app."""
    visitors = Visitors()
    request_started.connect(visitors.note, app)
    request_started.connect(visitors.note)

    visit(app, other)

    assert visitors.apps == ["kiosk", "other"]


def test_receivers_are_called_in_the_order_of_connecting(app: Flask) -> None:
    """For all apps or for one: who came first hears first, unless a priority says otherwise."""
    heard: list[str] = []

    def receiver(name: str) -> Any:
        def receive(sender: Flask, **extra: object) -> None:
            heard.append(name)

        return receive

    first, second, third, urgent = map(receiver, ["first", "second", "third", "urgent"])
    signal = core_signals.request_started
    with (
        signal.connected_to(first, app),
        signal.connected_to(second),
        signal.connected_to(third, app),
        signal.connected_to(urgent, priority=1),
    ):
        visit(app)

    assert heard == ["urgent", "first", "second", "third"]


@pytest.mark.parametrize("signal", CORE_SIGNALS.values(), ids=CORE_SIGNALS)
def test_every_core_signal_keeps_apps_apart(signal: Signal, app: Flask, other: Flask) -> None:
    """Another app's signals are not heard, whichever of the ten it is."""
    visitors = Visitors()
    signal.connect(visitors.note, app)
    other.test_client().get("/news")
    other.test_client().get("/broken")
    assert visitors.apps == []

    app.test_client().get("/news")
    app.test_client().get("/broken")

    assert set(visitors.apps) == {"kiosk"}


def test_connect_returns_the_receiver(app: Flask) -> None:
    """`connect` also serves as a decorator, for signals of all apps."""
    apps: list[str] = []

    @request_started.connect
    def note(sender: Flask, **extra: object) -> None:
        apps.append(sender.name)

    visit(app)
    request_started.disconnect(note)

    assert note.__name__ == "note"
    assert apps == ["kiosk"]


def test_an_app_takes_its_connections_along() -> None:
    """A factory may make many apps: their connections end when they die."""
    visitors = Visitors()
    app = open_kiosk("short-lived")
    core_signals.request_started.connect(visitors.note, app)
    mine = [c for c in core_signals.request_started.connections if c.receiver == visitors.note]
    assert [c.connected for c in mine] == [True]

    del app
    gc.collect()

    assert [c.connected for c in mine] == [False]


# --- captured_templates ---------------------------------------------------------------------


def test_captured_templates_with_a_context_manager_of_ones_own(app: Flask) -> None:
    """The first helper in Flask's documentation, word for word, with its test."""

    @contextmanager
    def captured_templates(app: Flask) -> Iterator[Recorded]:
        recorded: Recorded = []

        def record(
            sender: Flask, template: Template, context: dict[str, Any], **extra: object
        ) -> None:
            recorded.append((template, context))

        template_rendered.connect(record, app)
        try:
            yield recorded
        finally:
            template_rendered.disconnect(record, app)

    with captured_templates(app) as templates:
        rv = app.test_client().get("/")
        assert rv.status_code == 200
        assert len(templates) == 1
        template, context = templates[0]
        assert template.name == "index.html"
        assert len(context["items"]) == 10

    app.test_client().get("/")
    assert len(templates) == 1


def captured_templates(app: Flask, recorded: Recorded) -> AbstractContextManager[None]:
    """Record what *app* renders into *recorded*: the second helper of Flask's page, corrected.

    There, `**extra` stands in the wrong place: the helper takes it, and is called with an
    `extra` that is defined nowhere (a NameError), while its receiver lacks it, and so breaks
    the first rendering by a Flask that sends one argument more. The receiver must have it.
    """

    def record(sender: Flask, template: Template, context: dict[str, Any], **extra: object) -> None:
        recorded.append((template, context))

    return template_rendered.connected_to(record, app)


def test_captured_templates_with_connected_to(app: Flask, other: Flask) -> None:
    """`connected_to` connects for the length of the block; the list is passed in."""
    templates: Recorded = []
    with captured_templates(app, templates):
        app.test_client().get("/")
        other.test_client().get("/")
        template, context = templates[0]
    app.test_client().get("/")

    assert template.name == "index.html"
    assert len(context["items"]) == 10
    assert len(templates) == 1


def test_connected_to_undoes_just_its_own_connection(app: Flask) -> None:
    """A receiver that was connected before the block is connected after it."""
    visitors = Visitors()
    request_started.connect(visitors.note, app)
    with request_started.connected_to(visitors.note, app):
        visit(app)
    visit(app)

    assert visitors.apps == ["kiosk", "kiosk"]


def test_connected_to_ends_when_the_block_fails(app: Flask) -> None:
    """A test that fails leaves nothing connected for the next one."""
    templates: Recorded = []
    with pytest.raises(ZeroDivisionError), captured_templates(app, templates):
        _ = 1 // 0
    visit(app)

    assert templates == []


def test_connected_to_decorates_a_test(app: Flask) -> None:
    """It holds while the decorated function runs, each time that it runs."""
    visitors = Visitors()

    @template_rendered.connected_to(visitors.note, app)
    def visit_front_page() -> None:
        visit(app)

    visit_front_page()
    visit(app)
    visit_front_page()

    assert visitors.apps == ["kiosk", "kiosk"]


def test_a_receiver_may_set_up_g_for_a_test(app: Flask) -> None:
    """Flask's own recipe for faking resources: fill `g` when the app context is pushed."""

    @app.get("/whoami")
    def whoami() -> str:
        return str(flask.g.get("user", "nobody"))

    def fake_user(sender: Flask, **extra: object) -> None:
        flask.g.user = "Ada"

    with flask.appcontext_pushed.connected_to(fake_user, app):
        assert app.test_client().get("/whoami").text == "Ada"
    assert app.test_client().get("/whoami").text == "nobody"


# --- **extra --------------------------------------------------------------------------------


def test_a_receiver_with_extra_takes_new_arguments(app: Flask) -> None:
    """Should Flask send one argument more, a receiver with `**extra` goes on working."""
    templates: Recorded = []
    template = app.jinja_env.get_template("index.html")
    with captured_templates(app, templates):
        template_rendered.send(app, template=template, context={}, brand_new=True)

    assert templates == [(template, {})]


def test_a_receiver_without_extra_fails_on_new_arguments(app: Flask) -> None:
    """A receiver without `**extra` breaks the send, and the error says which receiver it is."""

    def record(sender: Flask, template: Template, context: dict[str, Any]) -> None:
        raise AssertionError

    template = app.jinja_env.get_template("index.html")
    with (
        template_rendered.connected_to(record, app),
        pytest.raises(TypeError, match="brand_new") as caught,
    ):
        template_rendered.send(app, template=template, context={}, brand_new=True)

    note, hint = caught.value.__notes__
    assert note.startswith("while signal 'template-rendered' was delivered to ")
    assert record.__qualname__ in note
    assert hint == "It does not take 'brand_new': add **extra to its parameters."
