"""A Flask application, in which everything goes as a path says."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import Flask, Response, request

import tests.lifecycle.diary  # noqa: F401 - begins to write.
from heliograph.lifecycle.flask import install
from tests.lifecycle.apps.bodies import broken, long, three

if TYPE_CHECKING:
    from collections.abc import Iterator

app = Flask(__name__)
install(app)


@app.get("/plain")
def plain() -> str:
    """Answer."""
    return "hello"


@app.get("/stream")
def stream() -> Iterator[bytes]:
    """Answer in parts."""
    return three()


@app.get("/long")
def for_long() -> Response:
    """Answer for a while."""
    return Response(long())


@app.get("/waits")
def waits() -> str:
    """Answer after a while."""
    time.sleep(0.5)
    return "late"


@app.post("/uploads")
def uploads() -> str:
    """Read an upload."""
    return str(len(request.get_data()))


@app.get("/error_at_once")
def error_at_once() -> str:
    """Raise."""
    raise LookupError


@app.get("/error_in_body")
def error_in_body() -> Response:
    """Raise in the middle of the body."""
    return Response(broken())
