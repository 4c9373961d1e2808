"""Extensions may provide their own signals, written for Blinker and knowing nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import blinker
import pytest
from flask import Blueprint, Flask, current_app, request_started
from flask import signals as flask_signals

import heliograph
from tests.flask.kiosk import open_kiosk

if TYPE_CHECKING:
    from collections.abc import Iterator

# --- an extension, as it would stand in a distribution of its own -----------------------------

_signals = blinker.Namespace()
user_logged_in = _signals.signal("logged-in", "Sent when a user is logged in.")
user_logged_out = _signals.signal("logged-out")


class LoginManager:
    """Logs users in and out, and watches the requests of its app."""

    def __init__(self, app: Flask | None = None) -> None:
        self.requests = 0
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Serve *app*."""
        app.extensions["login"] = self
        app.register_blueprint(pages)
        request_started.connect(self.count, app)

    def count(self, sender: Flask, **extra: object) -> None:
        """Count the requests of the app."""
        self.requests += 1


pages = Blueprint("login", __name__)


@pages.get("/login/<user>")
def login(user: str) -> str:
    """Log a user in."""
    # Typed as what it stands for.
    app = current_app._get_current_object()  # type: ignore[attr-defined, unused-ignore]
    user_logged_in.send(app, user=user)
    return f"Hello {user}."


@pages.get("/logout/<user>")
def logout(user: str) -> str:
    """Log a user out; the author has not read about proxies as senders."""
    user_logged_out.send(current_app, _async_wrapper=current_app.ensure_sync, user=user)
    return f"Goodbye {user}."


# --- what users of the extension do ------------------------------------------------------------

Heard = list[tuple[str, str, str]]


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Hear everything that the extension sends."""
    happened: Heard = []

    def came(sender: Flask, user: str, **extra: object) -> None:
        happened.append(("came", sender.name, user))

    async def went(sender: Flask, user: str, **extra: object) -> None:
        happened.append(("went", sender.name, user))

    with user_logged_in.connected_to(came), user_logged_out.connected_to(went):
        yield happened


def test_an_extensions_signals_are_heliographs() -> None:
    """The extension asks Blinker for them, and is none the wiser."""
    assert isinstance(user_logged_in, heliograph.Signal)
    assert user_logged_in.name == "logged-in"
    assert user_logged_in.__doc__ == "Sent when a user is logged in."


def test_an_extensions_signals_are_heard(app: Flask, heard: Heard) -> None:
    """Whoever connects to them is called, plain or async, whether the sender is a proxy or not."""
    LoginManager(app)
    app.test_client().get("/login/ada")
    app.test_client().get("/logout/ada")

    assert heard == [("came", "kiosk", "ada"), ("went", "kiosk", "ada")]


def test_an_extension_serves_apps_apart(app: Flask) -> None:
    """Its users connect for one app, and so does it."""
    other = open_kiosk("other")
    managers = LoginManager(app), LoginManager(other)
    happened: list[str] = []

    def note(sender: Flask, user: str, **extra: object) -> None:
        happened.append(user)

    with user_logged_in.connected_to(note, app), user_logged_out.connected_to(note, app):
        for visitor in (app, other):
            visitor.test_client().get(f"/login/{visitor.name}")
            visitor.test_client().get(f"/logout/{visitor.name}")
    app.test_client().get("/")

    assert happened == ["kiosk", "kiosk"]
    assert [manager.requests for manager in managers] == [3, 2]


def test_an_extension_that_goes_takes_its_receivers_along(app: Flask) -> None:
    """A bound method is held by its object: without the extension there is no receiver."""
    before = list(request_started.receivers_for(app))  # Whoever asks for debug mode, say.
    manager = LoginManager(app)
    receivers = [it for it in request_started.receivers_for(app) if it not in before]
    del app.extensions["login"], manager

    assert [receiver.__name__ for receiver in receivers] == ["count"]
    del receivers
    assert list(request_started.receivers_for(app)) == before


def test_extensions_may_use_the_namespace_class_that_flask_imported() -> None:
    """Some take Namespace from `flask.signals`: it makes Heliograph's signals, too."""
    namespace_class = vars(flask_signals)["Namespace"]

    assert isinstance(namespace_class().signal("extra"), heliograph.Signal)
