"""An application over WSGI with hundreds of receivers of hostile names, for Server-Timing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heliograph.inspector.inspector import Inspector
from tests.inspector.browsing.apps.receivers import send_all

if TYPE_CHECKING:
    from collections.abc import Iterable


def serve(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Send all signals, and have a header of its own."""
    send_all()
    start_response("200 OK", [("Content-Type", "text/html"), ("Server-Timing", "app;dur=5")])
    return [b"<!doctype html><title>timed</title>"]


app = Inspector().wsgi(serve, server_timing=True)
