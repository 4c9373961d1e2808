"""The life of a Litestar application, as signals."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from litestar import Litestar
from litestar.exceptions import HTTPException

from heliograph.lifecycle import asgi
from heliograph.lifecycle.exchange import SERVED
from heliograph.lifecycle.installing import Installation, check

if TYPE_CHECKING:
    from litestar.types import Scope


def install(app: Litestar, *, echo_request_id: bool = False) -> Installation:
    """Send the life-cycle signals of a Litestar application; *app* is their sender.

    Args:
        app: The outermost application.
        echo_request_id: Whether responses carry the id of their request in ``X-Request-ID``.

    Raises:
        ArgumentError: If it is no Litestar application.
        StateError: If they are installed already.
    """
    check(app, Litestar, installed=lambda it: isinstance(it.asgi_handler, asgi.Middleware))
    # Plugins and middleware see neither what was not found nor the responses to errors.
    handler: Any = app.asgi_handler
    watched = asgi.Middleware(
        asgi.routed(handler, route_of), sender=app, echo_request_id=echo_request_id
    )
    app.asgi_handler = watched  # type: ignore[assignment]  # Its types are Litestar's own.
    app.after_exception.append(notice)
    app.on_startup.append(watched.start)
    app.on_shutdown.insert(0, watched.stop)

    def undo() -> None:
        watched.leave()
        app.asgi_handler = handler
        app.after_exception.remove(notice)
        app.on_startup.remove(watched.start)
        app.on_shutdown.remove(watched.stop)

    return Installation(app, undo)


def route_of(scope: Any) -> str | None:
    """Return the template of the route that a scope was routed to, with those of its routers."""
    return scope.get("path_template") or None  # A mounted application has an empty one.


async def notice(error: Exception, scope: Scope) -> None:
    """Tell of an exception before a response is made of it."""
    served: Any = scope.get(SERVED)
    meant = (
        isinstance(error, HTTPException) and error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
    )
    if served is not None and not meant:
        await served.notice(error)
