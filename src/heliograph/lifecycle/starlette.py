"""The life of a Starlette application, as signals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.routing import Match, Mount

from heliograph.lifecycle import asgi
from heliograph.lifecycle.installing import Installation, check

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.routing import BaseRoute

    from heliograph.lifecycle.asgi import Scope


def install(app: Starlette, *, echo_request_id: bool = False) -> Installation:
    """Send the life-cycle signals of a Starlette application; *app* is their sender.

    Args:
        app: The outermost application, before it has served anything.
        echo_request_id: Whether responses carry the id of their request in ``X-Request-ID``.

    Raises:
        ArgumentError: If it is no Starlette application.
        StateError: If they are installed already, or the application has started.
    """
    check(app, Starlette, started=app_has_started(app))
    return install_around(app, Router(app), echo_request_id=echo_request_id)


def app_has_started(app: object) -> bool:
    """Tell whether an application has built what it serves with."""
    return getattr(app, "middleware_stack", None) is not None


def install_around(app: Any, route: Router, *, echo_request_id: bool) -> Installation:
    """Put the signals around all that an application has, errors that it handles included."""
    build = app.build_middleware_stack

    def build_watched() -> asgi.Middleware:
        # Built here and not in install(): what is added later must not come between.
        app.user_middleware.insert(0, _PROBE)
        try:
            stack = build()
        finally:
            app.user_middleware.remove(_PROBE)
        return asgi.Middleware(stack, sender=app, echo_request_id=echo_request_id, route=route)

    def undo() -> None:
        del app.build_middleware_stack
        app.middleware_stack = None  # It is built anew, without the signals.

    app.build_middleware_stack = build_watched
    return Installation(app, undo)


# (sketch: Router(app) is to return the route template of a scope)
