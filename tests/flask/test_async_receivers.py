"""Async receivers of Flask's signals: run to their end by the app's own ensure_sync."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, flash, g, render_template, request, session

import heliograph
from tests.flask.core_signals import (
    CORE_SIGNALS,
    message_flashed,
    request_finished,
    request_started,
    template_rendered,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from flask.testing import FlaskClient

    from heliograph import Signal


@pytest.mark.parametrize("signal", CORE_SIGNALS.values(), ids=CORE_SIGNALS)
def test_every_core_signal_runs_async_receivers(
    signal: Signal, app: Flask, client: FlaskClient
) -> None:
    """Under a plain view, a coroutine function is a receiver as any other, awaited to its end."""
    plain: list[str] = []
    awaited: list[str] = []

    def note(sender: Flask, **extra: object) -> None:
        plain.append(sender.name)

    async def note_async(sender: Flask, **extra: object) -> None:
        await asyncio.sleep(0)
        awaited.append(sender.name)

    with signal.connected_to(note, app), signal.connected_to(note_async, app):
        statuses = [client.get("/news").status_code, client.get("/broken").status_code]

    assert statuses == [200, 500]
    assert awaited == plain
    assert "kiosk" in awaited


def test_plain_and_async_receivers_keep_one_order(app: Flask, client: FlaskClient) -> None:
    """They are called as they were connected, one after the other."""
    heard: list[str] = []

    def first(sender: Flask, **extra: object) -> None:
        heard.append("first")

    async def second(sender: Flask, **extra: object) -> None:
        await asyncio.sleep(0)
        heard.append("second")

    def third(sender: Flask, **extra: object) -> None:
        heard.append("third")

    with (
        request_started.connected_to(first, app),
        request_started.connected_to(second, app),
        request_started.connected_to(third, app),
    ):
        client.get("/")

    assert heard == ["first", "second", "third"]


def test_async_receivers_have_the_request_context(app: Flask, client: FlaskClient) -> None:
    """g, request and session are there in a coroutine, before and after it waited."""
    read: list[tuple[object, ...]] = []
    with client.session_transaction() as kept:
        kept["visitor"] = "Ada"

    async def number(sender: Flask, **extra: object) -> None:
        g.number = 41

    async def note(sender: Flask, **extra: object) -> None:
        before = (g.number, request.path, session["visitor"])
        await asyncio.sleep(0)
        read.append((before, (g.number, request.path, session["visitor"])))

    with request_started.connected_to(number, app), template_rendered.connected_to(note, app):
        client.get("/news")

    locals_of_the_request = (41, "/news", "Ada")
    assert read == [(locals_of_the_request, locals_of_the_request)]


class Waiter:
    """Async by its `__call__`, which inspect.iscoroutinefunction does not see."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def __call__(self, sender: Flask, **extra: object) -> None:
        """Receive any signal."""
        await asyncio.sleep(0)
        self.heard.append(sender.name)


@pytest.mark.parametrize("made", [lambda waiter: waiter, partial], ids=["object", "partial"])
def test_an_object_with_an_async_call_is_awaited(
    made: Callable[[Waiter], Callable[..., object]], app: Flask, client: FlaskClient
) -> None:
    """On Blinker such a receiver never runs, and the page is a 200 all the same."""
    waiter = Waiter()
    with request_started.connected_to(made(waiter), app):
        client.get("/")

    assert waiter.heard == ["kiosk"]


def test_the_apps_own_way_of_running_coroutines_is_used() -> None:
    """Async receivers go through `ensure_sync` of the app that sends, and plain ones do not."""

    class Shop(Flask):
        ran: list[str]

        def async_to_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
            self.ran.append(func.__name__)
            return super().async_to_sync(func)

    def plain(sender: Flask, **extra: object) -> None:
        """Do nothing."""

    async def later(sender: Flask, **extra: object) -> None:
        """Do nothing."""

    app = Shop("shop")
    app.ran = []
    with request_started.connected_to(plain, app), request_started.connected_to(later, app):
        app.test_client().get("/")

    assert app.ran == ["later"]


def test_an_error_of_an_async_receiver_is_a_500(app: Flask, client: FlaskClient) -> None:
    """What a coroutine raises is raised as if the receiver were a plain function."""

    async def fail(sender: Flask, **extra: object) -> None:
        await asyncio.sleep(0)
        raise LookupError

    with request_started.connected_to(fail, app):
        assert client.get("/").status_code == 500
    with request_started.connected_to(fail, app, on_error="log"):
        assert client.get("/").status_code == 200


@pytest.fixture
def async_view(app: Flask) -> str:
    """Add a page with an async view that flashes and renders; return its path."""

    @app.get("/later")
    async def later() -> str:
        await asyncio.sleep(0)
        flash("Fresh mirrors!", "offer")
        return render_template("news.html")

    return "/later"


def test_an_async_view_sends_to_plain_receivers(
    app: Flask, client: FlaskClient, async_view: str
) -> None:
    """What is sent from within an async view reaches plain receivers."""
    heard: list[str] = []

    def note(sender: Flask, message: str, **extra: object) -> None:
        heard.append(message)

    with message_flashed.connected_to(note, app):
        assert client.get(async_view).text == "Fresh mirrors!"

    assert heard == ["Fresh mirrors!"]


def test_an_async_view_is_surrounded_by_async_receivers(
    app: Flask, client: FlaskClient, async_view: str
) -> None:
    """What Flask sends around an async view reaches async receivers."""
    heard: list[str] = []

    async def started(sender: Flask, **extra: object) -> None:
        heard.append("started")

    async def finished(sender: Flask, **extra: object) -> None:
        heard.append("finished")

    with request_started.connected_to(started, app), request_finished.connected_to(finished, app):
        assert client.get(async_view).status_code == 200

    assert heard == ["started", "finished"]


def test_within_an_async_view_async_receivers_are_flasks_error(
    app: Flask, client: FlaskClient, async_view: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A running loop cannot be waited in: a 500 as on Blinker, unless the error is logged."""

    async def note(sender: Flask, **extra: object) -> None:
        raise AssertionError

    def get_page(connected: AbstractContextManager[None]) -> int:
        with connected:
            return client.get(async_view).status_code

    assert get_page(message_flashed.connected_to(note, app)) == 500
    caplog.clear()
    assert get_page(message_flashed.connected_to(note, app, on_error="log")) == 200
    [record] = [record for record in caplog.records if record.name == "heliograph"]
    assert record.exc_info is not None
    assert str(record.exc_info[1]).startswith("You cannot use AsyncToSync in the same thread")


def test_ensure_sync_serves_signals_of_ones_own(app: Flask) -> None:
    """`_async_wrapper=current_app.ensure_sync` does for any signal what Flask does for its own."""
    model_saved = heliograph.Signal("model-saved")

    async def index(sender: Flask, **extra: object) -> str:
        await asyncio.sleep(0)
        return "indexed"

    model_saved.connect(index, app)

    assert model_saved.send(app, _async_wrapper=app.ensure_sync) == [(index, "indexed")]
    with pytest.raises(heliograph.AsyncReceiverError, match="'model-saved' has an async receiver"):
        model_saved.send(app)
