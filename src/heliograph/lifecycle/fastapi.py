"""The life of a FastAPI application, as signals."""

from __future__ import annotations

from functools import partial

from fastapi import FastAPI

from heliograph.lifecycle import starlette
from heliograph.lifecycle.installing import Installation, check


def install(app: FastAPI, *, echo_request_id: bool = False) -> Installation:
    """Send the life-cycle signals of a FastAPI application; *app* is their sender.

    Args:
        app: The outermost application, before it has served anything.
        echo_request_id: Whether responses carry the id of their request in ``X-Request-ID``.

    Raises:
        ArgumentError: If it is no FastAPI application.
        StateError: If they are installed already, or the application has started.
    """
    check(app, FastAPI, installed=starlette.is_installed, started=starlette.has_started)
    return starlette.put_around(
        app, partial(starlette.found_below, app), echo_request_id=echo_request_id
    )
