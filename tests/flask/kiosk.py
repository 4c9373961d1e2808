"""A small app whose pages do one thing each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import flask
from flask import Flask, abort, flash, render_template
from jinja2 import DictLoader

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPLATES = {
    "index.html": "<ul>{% for item in items %}<li>{{ item }}</li>{% endfor %}</ul>",
    "news.html": "{{ get_flashed_messages()[0] }}",
    "faulty.html": "{{ 1 // 0 }}",
}


class ShutterStuckError(Exception):
    """What the broken pages raise; nobody handles it."""


class SoldOutError(Exception):
    """What one page raises; the kiosk has a handler for it."""


def open_kiosk(name: str = "kiosk") -> Flask:
    """Make an app that nobody has connected to."""
    app = Flask(name)
    app.config["SECRET_KEY"] = "for tests"  # noqa: S105 - nothing is kept here
    app.jinja_loader = DictLoader(TEMPLATES)
    pages = (index, news, missing, refused, sold_out, broken, faulty, stream, torn, stream_items)
    for page in pages:
        app.add_url_rule("/" if page is index else f"/{page.__name__}", view_func=page)
    app.register_error_handler(SoldOutError, lambda error: ("Sold out.", 409))
    return app


def index() -> str:
    """Render a template with ten items."""
    return render_template("index.html", items=list(range(10)))


def news() -> str:
    """Flash a message and render a template."""
    flash("Fresh mirrors!", "offer")
    return render_template("news.html")


def missing() -> str:
    """Find nothing."""
    abort(404)


def refused() -> str:
    """Let nobody in."""
    abort(403)


def sold_out() -> str:
    """Raise what is handled."""
    raise SoldOutError


def broken() -> str:
    """Raise what is not handled."""
    raise ShutterStuckError


def faulty() -> str:
    """Render a template that raises."""
    return render_template("faulty.html")


def stream() -> Iterator[str]:
    """Send the body bit by bit."""
    yield "long "
    yield "short"


def torn() -> Iterator[str]:
    """Raise when half of the body is out."""
    yield "long "
    raise ShutterStuckError


def stream_items() -> Iterator[str]:
    """Render a template bit by bit."""
    return flask.stream_template("index.html", items=list(range(10)))
