"""Flask-DebugToolbar: async views, and Flask-Compress that was initialised after it."""

from __future__ import annotations

import os
from typing import Any

import flask
import pytest

from heliograph.inspector.doctor import Program
from heliograph.inspector.doctor.toolbars import find

HOW = "They are in the group `inspection`: pip install --group inspection"
Compress: Any = pytest.importorskip("flask_compress", reason=HOW).Compress
DebugToolbarExtension: Any = pytest.importorskip(
    "flask_debugtoolbar", reason=HOW
).DebugToolbarExtension

pytestmark = pytest.mark.once

HERE = os.path.realpath(__file__)
SIGNED_WITH = "nothing of worth"


def app_with(*extensions: type, enabled: bool = True, is_async: bool = False) -> flask.Flask:
    """Make an application with these extensions, in this order."""
    app = flask.Flask(__name__)
    app.config.update(DEBUG_TB_ENABLED=enabled, SECRET_KEY=SIGNED_WITH)

    def page() -> str:
        return f"<html><body>{'A page long enough to be compressed. ' * 50}</body></html>"

    async def async_page() -> str:
        return page()

    app.add_url_rule("/", view_func=async_page if is_async else page)
    for it in extensions:
        it(app)
    return app


def told(app: object) -> list[tuple[str, str | None, str]]:
    """Return what is found, where, and in which words."""
    return [(it.check, it.location, it.message) for it in find(Program((), app))]


def line_of(app: flask.Flask) -> str:
    """Return the place of the only view that is no extension's."""
    view = next(it for name, it in app.view_functions.items() if "page" in name)
    return f"{HERE}:{view.__code__.co_firstlineno}"


def test_an_async_view_under_the_toolbar_is_found() -> None:
    """It answers with status 500, as Flask says that it returned a coroutine."""
    app = app_with(DebugToolbarExtension, is_async=True)
    name = f"{__name__}.app_with.<locals>.async_page"

    assert told(app) == [
        (
            "toolbar-async",
            line_of(app),
            f"{name} is an async view, and Flask-DebugToolbar is on.",
        )
    ]


def test_compression_that_comes_after_the_toolbar_is_found() -> None:
    """A page then answers with status 500 in every browser."""
    app = app_with(DebugToolbarExtension, Compress)
    right = app_with(Compress, DebugToolbarExtension)
    asked = {"Accept-Encoding": "br"}

    assert told(app) == [
        (
            "toolbar-compress",
            line_of(app),
            "Flask-Compress was initialised after Flask-DebugToolbar, which is on.",
        )
    ]
    assert told(right) == []
    answers = [it.test_client().get("/", headers=asked).status_code for it in (app, right)]
    assert answers == [500, 200]


def test_an_application_without_the_toolbar_is_right() -> None:
    """Also if it is off, and whatever the application is."""
    off = app_with(DebugToolbarExtension, Compress, enabled=False, is_async=True)
    without = app_with(Compress, is_async=True)

    assert [told(it) for it in (off, without, object(), None)] == [[], [], [], []]


def test_an_application_without_a_view_of_its_own_is_found_without_a_line() -> None:
    """There is no better place then."""
    app = flask.Flask(__name__, static_folder=None)
    app.config.update(DEBUG_TB_ENABLED=True, SECRET_KEY=SIGNED_WITH)
    DebugToolbarExtension(app)
    Compress(app)

    assert [it[:2] for it in told(app)] == [("toolbar-compress", None)]
