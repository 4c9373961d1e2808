"""What Flask's own signals lack: the end of a response, and a request as in all frameworks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flask
from flask import Flask

import heliograph.blinker
from heliograph.lifecycle import wsgi
from heliograph.lifecycle.described import EnvironRequest
from heliograph.lifecycle.flask_commands import watch
from heliograph.lifecycle.installing import Installation, check
from heliograph.lifecycle.native import Joined, noted
from heliograph.lifecycle.request import current_request

if TYPE_CHECKING:
    from heliograph.lifecycle.request import RequestInfo

_NAMES = (
    "appcontext_popped",
    "appcontext_pushed",
    "appcontext_tearing_down",
    "before_render_template",
    "got_request_exception",
    "message_flashed",
    "request_finished",
    "request_started",
    "request_tearing_down",
    "template_rendered",
)


def install(app: Flask, *, echo_request_id: bool = False) -> Installation:
    """Complete the life-cycle signals of a Flask application; *app* is their sender.

    Flask's own signals and those of `heliograph.lifecycle` are the same from now on: whoever
    connects to one is called by both, and may take a ``request``. `heliograph.blinker.install`
    is called, if nobody has. Each of the application's commands is a job.

    Args:
        app: The application, before it has served anything.
        echo_request_id: Whether responses carry the id of their request in ``X-Request-ID``.

    Raises:
        ArgumentError: If it is no Flask application.
        StateError: If they are installed already, or the application has started.
        ReceiverError: If somebody is connected to one of Flask's signals who cannot take what it
            is sent with.
    """
    check(
        app,
        Flask,
        installed=lambda it: isinstance(it.wsgi_app, wsgi.Middleware),
        started=lambda it: it._got_first_request,  # noqa: SLF001 - nothing else tells.
    )
    heliograph.blinker.install()
    _JOINED.enter()
    forget_commands = watch(app)
    plain: Any = app.wsgi_app
    watched = wsgi.Middleware(plain, sender=app, echo_request_id=echo_request_id, native=True)
    app.wsgi_app = watched  # type: ignore[method-assign]  # Flask's documentation does so.

    def undo() -> None:
        watched.leave()
        forget_commands()
        if app.wsgi_app is watched:
            app.wsgi_app = plain  # type: ignore[method-assign]  # Put back.
        _JOINED.leave()

    return Installation(app, undo)


def _request() -> RequestInfo | None:
    if not flask.has_request_context():
        return current_request()
    proxy: Any = flask.request
    request = proxy._get_current_object()  # noqa: SLF001 - Werkzeug documents it.
    return noted(request, request.environ, EnvironRequest, _route_of)


def _route_of(request: flask.Request) -> str | None:
    if request.url_rule is None:
        return None
    # The outermost application may have mounted this one.
    here: str = request.environ.get("SCRIPT_NAME", "")
    prefix = here.removeprefix(request.environ.get(wsgi.MOUNTED, here))
    return f"{prefix}{request.url_rule.rule}"


_JOINED = Joined({name: getattr(flask, name) for name in _NAMES}, _request)
