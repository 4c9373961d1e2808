"""The life of a Falcon application, as signals, under WSGI and ASGI."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import falcon
import falcon.asgi

from heliograph import ArgumentError
from heliograph.lifecycle.exchange import REQUEST, SERVED
from heliograph.lifecycle.installing import check
from heliograph.lifecycle.serving import Serving, ServingAsgi, ServingWsgi

if TYPE_CHECKING:
    from collections.abc import Callable


def install(app: falcon.App[Any, Any], *, echo_request_id: bool = False) -> Serving:
    """Send the life-cycle signals of a Falcon application, 4.4 or newer.

    ``app = install(app)``: what is returned is what to serve, and the sender.

    Args:
        app: The application. An error reporter that it has goes on being called; one that is
            set later takes the place of this one.
        echo_request_id: Whether responses carry the id of their request in ``X-Request-ID``.

    Raises:
        ArgumentError: If it is no Falcon application, or Falcon is older than 4.4.
        StateError: If they are installed already.
    """
    if not hasattr(falcon.App, "set_error_reporter"):
        msg = f"Falcon {falcon.__version__} tells nobody of its errors: install falcon>=4.4."
        raise ArgumentError(msg)
    check(app, falcon.App, installed=_has_router)
    before = app._report_error  # noqa: SLF001 - only one is kept, and nothing returns it.
    app.set_error_reporter(_Reporter(before))
    router: Any = _Router()  # One for both kinds of applications, which Falcon's types do not know.
    app.add_middleware(router)

    def undo() -> None:
        app._report_error = before  # noqa: SLF001 - None cannot be set otherwise.
        app._unprepared_middleware.remove(router)  # noqa: SLF001 - nothing else removes one.
        app.add_middleware([])  # Falcon prepares what is left.

    kind = ServingAsgi if isinstance(app, falcon.asgi.App) else ServingWsgi
    return kind(app, undo, echo_request_id=echo_request_id)


def _has_router(app: Any) -> bool:
    found: Any = app._unprepared_middleware  # noqa: SLF001 - nothing else lists what was added.
    return any(isinstance(it, _Router) for it in found)


def _given(request: Any) -> dict[str, Any]:
    """Return the scope or the environ of a request."""
    found: dict[str, Any] = request.env if hasattr(request, "env") else request.scope
    return found


class _Reporter:
    """Tells of exceptions before a response is made of them."""

    def __init__(self, before: Callable[..., None] | None) -> None:
        self._before = before

    def __call__(self, req: Any, error: Exception, params: dict[str, Any], handled: bool) -> None:
        """Be told of an error; those that are meant as a response are none."""
        meant = isinstance(error, falcon.HTTPStatus) or (
            isinstance(error, falcon.HTTPError)
            and error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
        )
        served = _given(req).get(SERVED)
        if served is not None and not meant:
            served.notice_now(error)
        if self._before is not None:
            self._before(req, error, params, handled)


class _Router:
    """Notes the framework's request and its route, once there is one."""

    # Twice the same: a call between them would be a tenth of what all this adds to a request.

    def process_resource(self, request: Any, _response: Any, _resource: Any, _params: Any) -> None:
        """Be called when the request was routed, under WSGI."""
        found = request.env.get(REQUEST)
        if found is not None:
            found.native = request
            found.route_by = _template_of, request

    async def process_resource_async(
        self, request: Any, _response: Any, _resource: Any, _params: Any
    ) -> None:
        """Do so under ASGI."""
        found = request.scope.get(REQUEST)
        if found is not None:
            found.native = request
            found.route_by = _template_of, request


def _template_of(request: Any) -> str | None:
    found: str | None = request.uri_template
    return found
