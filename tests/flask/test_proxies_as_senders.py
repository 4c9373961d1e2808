"""Proxies as senders: what Flask's documentation forbids works; `current_app` is looked behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flask import current_app

import heliograph
from tests.flask.capture import captured
from tests.flask.core_signals import request_started
from tests.flask.kiosk import open_kiosk

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from heliograph import Signal


@pytest.fixture
def model_saved() -> Signal:
    """Make a signal that nobody is connected to."""
    return heliograph.Signal("model-saved")


@pytest.fixture
def heard() -> list[object]:
    """Start a list of senders."""
    return []


@pytest.fixture
def note(heard: list[object]) -> Callable[..., None]:
    """Make a receiver that writes the senders down."""

    def note(sender: object, **extra: object) -> None:
        heard.append(sender)

    return note


def test_send_with_current_app_reaches_receivers_of_the_app(
    app: Flask, model_saved: Signal, note: Callable[..., None], heard: list[object]
) -> None:
    """The proxy is looked behind, and receivers are given the real application."""
    other = open_kiosk("other")
    model_saved.connect(note, app)
    with app.app_context():
        model_saved.send(current_app)
    with other.app_context():
        model_saved.send(current_app)

    assert [id(sender) for sender in heard] == [id(app)]


def test_connect_with_current_app_means_the_app_of_now(
    app: Flask, model_saved: Signal, note: Callable[..., None], heard: list[object]
) -> None:
    """What is connected for the proxy hears that app, in no context and in another app's too."""
    other = open_kiosk("other")
    with app.app_context():
        model_saved.connect(note, current_app)
    model_saved.send(app)
    with other.app_context():
        model_saved.send(current_app)
        model_saved.send(other)
        model_saved.send(app)

    assert heard == [app, app]
    assert [connection.sender for connection in model_saved.connections] == [app]


def test_disconnect_with_current_app_ends_the_connection_of_the_app(
    app: Flask, model_saved: Signal, note: Callable[..., None], heard: list[object]
) -> None:
    """What was connected for the app is disconnected for the proxy."""
    other = open_kiosk("other")
    model_saved.connect(note, app)
    with other.app_context():
        model_saved.disconnect(note, current_app)
    model_saved.send(app)
    with app.app_context():
        model_saved.disconnect(note, current_app)
    model_saved.send(app)

    assert heard == [app]


def test_connect_via_current_app(app: Flask, model_saved: Signal) -> None:
    """The decorator takes the proxy as well."""
    with app.app_context():

        @model_saved.connect_via(current_app)
        def greet(sender: Flask, **extra: object) -> str:
            return sender.name

    assert model_saved.send(app) == [(greet, "kiosk")]
    assert model_saved.send(open_kiosk("other")) == []


def test_connected_to_with_current_app_outlives_the_context(
    app: Flask, model_saved: Signal, note: Callable[..., None], heard: list[object]
) -> None:
    """A temporary connection keeps the app that the proxy meant when it began."""
    with app.app_context():
        temporary = model_saved.connected_to(note, current_app)
    with temporary:
        model_saved.send(app)
    model_saved.send(app)

    assert heard == [app]


def test_queries_with_current_app(
    app: Flask, model_saved: Signal, note: Callable[..., None]
) -> None:
    """`has_receivers_for` and `receivers_for` answer for the app behind the proxy."""
    other = open_kiosk("other")
    model_saved.connect(note, app)
    with app.app_context():
        mine = model_saved.has_receivers_for(current_app), [*model_saved.receivers_for(current_app)]
    with other.app_context():
        theirs = (
            model_saved.has_receivers_for(current_app),
            [*model_saved.receivers_for(current_app)],
        )

    assert mine == (True, [note])
    assert theirs == (False, [])


async def test_send_async_with_current_app(
    app: Flask, model_saved: Signal, note: Callable[..., None], heard: list[object]
) -> None:
    """Sending to async receivers looks behind the proxy, too."""
    model_saved.connect(note, app)
    with app.app_context():
        await model_saved.send_async(current_app)

    assert heard == [app]


def test_core_signals_take_current_app_in_a_view(app: Flask) -> None:
    """A view may connect to its own app's core signals through the proxy."""
    heard: list[str] = []

    def note(sender: Flask, **extra: object) -> None:
        heard.append(sender.name)

    @app.get("/listen")
    def listen() -> str:
        request_started.connect(note, current_app)
        return "Listening."

    app.test_client().get("/listen")
    app.test_client().get("/")
    open_kiosk("other").test_client().get("/")

    assert heard == ["kiosk"]


def test_what_a_receiver_is_given_is_no_proxy(app: Flask, model_saved: Signal) -> None:
    """A sender that came as a proxy can be kept: it goes on meaning the same app."""
    with app.app_context(), captured(model_saved, current_app) as sends:
        model_saved.send(current_app)

    [(sender, _)] = sends
    assert type(sender) is type(app)
    assert sender.name == "kiosk"


OUTSIDE: dict[str, Callable[[Signal, Callable[..., None]], object]] = {
    "connect": lambda signal, note: signal.connect(note, current_app),
    "connect_via": lambda signal, note: signal.connect_via(current_app)(note),
    "connected_to": lambda signal, note: signal.connected_to(note, current_app),
    "disconnect": lambda signal, note: signal.disconnect(note, current_app),
    "send": lambda signal, note: signal.send(current_app),
    "has_receivers_for": lambda signal, note: signal.has_receivers_for(current_app),
    "receivers_for": lambda signal, note: signal.receivers_for(current_app),
}


@pytest.mark.parametrize("use", OUTSIDE.values(), ids=OUTSIDE)
def test_outside_of_a_context_current_app_raises_flasks_error(
    use: Callable[[Any, Any], object],
    app: Flask,
    model_saved: Signal,
    note: Callable[..., None],
    heard: list[object],
) -> None:
    """A proxy that means nothing now is no sender: Flask says so, and nothing has changed."""
    model_saved.connect(note)
    model_saved.connect(note, app)
    before = model_saved.connections

    with pytest.raises(RuntimeError, match="Working outside of application context"):
        use(model_saved, note)

    assert model_saved.connections == before
    assert heard == []


async def test_outside_of_a_context_send_async_raises_flasks_error(
    model_saved: Signal, note: Callable[..., None], heard: list[object]
) -> None:
    """`send_async` is no exception."""
    model_saved.connect(note)

    with pytest.raises(RuntimeError, match="Working outside of application context"):
        await model_saved.send_async(current_app)

    assert heard == []
