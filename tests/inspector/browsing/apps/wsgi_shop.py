"""A shop over WSGI that says which version it is; the tests change that under a server."""

from __future__ import annotations

from flask import Flask

from heliograph.inspector.inspector import Inspector
from heliograph.lifecycle.flask import install

VERSION = "version 1"

app = Flask("shop")
app.debug = True


@app.get("/")
def index() -> str:
    """Say it."""
    return VERSION


install(app)
app.wsgi_app = Inspector().wsgi(app.wsgi_app)  # type: ignore[method-assign]  # As Flask wants it.
