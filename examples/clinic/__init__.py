"""A Flask application with one instance of every fault that `heliograph doctor` finds."""

from __future__ import annotations

from flask import Flask

from . import connections, receivers, silences, source, views, wiring
from .vendored import blinker

__all__ = ["app", "connections", "create_app", "own_copy", "receivers", "silences", "source"]
__all__ += ["wiring"]

own_copy = blinker.Signal("bell-rung")


def create_app() -> Flask:
    """Make the application."""
    made = Flask(__name__)
    made.register_blueprint(views.pages)
    return made


app = create_app()
