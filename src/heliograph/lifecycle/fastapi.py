"""The life of a FastAPI application, as signals."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import fastapi.routing
from fastapi import FastAPI

from heliograph.lifecycle import starlette
from heliograph.lifecycle.installing import Installation, check

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from starlette.routing import BaseRoute

    from heliograph.lifecycle.asgi import Scope


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
    return starlette.put_around(app, partial(route_of, app), echo_request_id=echo_request_id)


def route_of(app: FastAPI, scope: Scope) -> str | None:
    """Return the template of the route that a scope was routed to, with all of its prefixes."""
    return starlette.Search(scope, listed).below(app.routes)


def listed(routes: Iterable[BaseRoute]) -> Iterator[tuple[str, Any]]:
    """Give routes, each with its template: those of included routers, too."""
    # Since 0.137 an included router is not copied: one route serves each of its inclusions, and
    # `scope["route"]` knows the prefix of none.
    contexts: Any = getattr(fastapi.routing, "iter_route_contexts", None)
    if contexts is None:
        return starlette.listed(routes)
    return ((it.path or "", it.original_route) for it in contexts(routes))
