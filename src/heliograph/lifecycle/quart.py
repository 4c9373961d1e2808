"""What Quart's own signals lack: the end of a response, and a request as in all frameworks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import quart
from quart import Quart

import heliograph.blinker
from heliograph.hearing import is_heard
from heliograph.lifecycle import asgi
from heliograph.lifecycle.described import ScopeRequest
from heliograph.lifecycle.installing import Installation, check
from heliograph.lifecycle.native import Joined, noted, ours
from heliograph.lifecycle.request import current_request
from heliograph.lifecycle.signals import (
    request_started,
    response_sent,
    websocket_finished,
    websocket_started,
)

if TYPE_CHECKING:
    from heliograph import Signal
    from heliograph.lifecycle.request import RequestInfo

# Not `websocket_finished`, which Quart sends with a response and without a code, nor those of
# messages, of which the message is the sender.
_NAMES = (
    "appcontext_popped",
    "appcontext_pushed",
    "appcontext_tearing_down",
    "before_render_template",
    "got_request_exception",
    "got_websocket_exception",
    "message_flashed",
    "request_finished",
    "request_started",
    "request_tearing_down",
    "template_rendered",
    "websocket_started",
    "websocket_tearing_down",
)


def install(app: Quart, *, echo_request_id: bool = False) -> Installation:
    """Complete the life-cycle signals of a Quart application; *app* is their sender.

    Quart's own signals and those of `heliograph.lifecycle` are the same from now on, but for
    those of messages and of the end of a websocket: whoever connects to one is called by
    both, and may take a ``request``. `heliograph.blinker.install` is called, if nobody has.

    Args:
        app: The application, before it has served anything.
        echo_request_id: Whether responses carry the id of their request in ``X-Request-ID``.

    Raises:
        ArgumentError: If it is no Quart application.
        StateError: If they are installed already, or the application has started.
        ReceiverError: If somebody is connected to one of Quart's signals who cannot take what it
            is sent with.
    """
    check(
        app,
        Quart,
        installed=lambda it: isinstance(it.asgi_app, asgi.Middleware),
        started=lambda it: it._got_first_request,  # noqa: SLF001 - nothing else tells.
    )
    heliograph.blinker.install()
    _JOINED.enter()
    plain: Any = app.asgi_app
    watched = _Middleware(
        plain, sender=app, echo_request_id=echo_request_id, native=[ours(it) for it in _NAMES]
    )
    vars(app)["asgi_app"] = watched  # As in Quart's documentation.

    def undo() -> None:
        watched.leave()
        if app.asgi_app is watched:
            vars(app)["asgi_app"] = plain
        _JOINED.leave()

    return Installation(app, undo)


class _Middleware(asgi.Middleware):
    """Tells of no end where Quart has told of no start: of a client that left before that."""

    async def tell(self, signal: Signal[...], **payload: Any) -> None:
        """Send a signal, unless Quart does, or has left out what comes before it."""
        first = _STARTS.get(signal)
        if first is None or not is_heard(first) or payload["request"].begun:
            await super().tell(signal, **payload)


_STARTS: dict[Signal[...], Signal[...]] = {
    response_sent: request_started,
    websocket_finished: websocket_started,
}


def _request() -> RequestInfo | None:
    proxy: Any = quart.request if quart.has_request_context() else None
    if quart.has_websocket_context():
        proxy = quart.websocket
    if proxy is None:
        return current_request()
    request = proxy._get_current_object()  # noqa: SLF001 - Werkzeug documents it.
    return noted(request, request.scope, ScopeRequest, _route_of)


def _route_of(request: Any) -> str | None:
    if request.url_rule is None:
        return None
    # An application of Starlette may have mounted this one, and says what was there before.
    here: str = request.scope.get("root_path", "")
    prefix = here.removeprefix(request.scope.get("app_root_path", here))
    return f"{prefix}{request.url_rule.rule}"


_JOINED = Joined({name: getattr(quart, name) for name in _NAMES}, _request)
