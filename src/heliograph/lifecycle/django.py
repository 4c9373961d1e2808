"""The life of a Django project, as signals, under WSGI and ASGI."""

from __future__ import annotations

import sys
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.management.base import BaseCommand
from django.core.signals import got_request_exception

from heliograph.lifecycle.exchange import SERVED, request_in
from heliograph.lifecycle.installing import Installation, check
from heliograph.lifecycle.job_info import JobInfo
from heliograph.lifecycle.jobs import Run, running
from heliograph.lifecycle.serving import Serving, ServingAsgi, ServingWsgi

if TYPE_CHECKING:
    from django.core.handlers.base import BaseHandler
    from django.http import HttpRequest


def install(application: BaseHandler, *, echo_request_id: bool = False) -> Serving:
    """Send the life-cycle signals of a Django project.

    In its ``wsgi.py`` or ``asgi.py``: ``application = install(get_wsgi_application())``. What is
    returned is what to serve, and the sender. Django's own test client asks neither.

    Args:
        application: What ``get_wsgi_application()`` or ``get_asgi_application()`` returns.
        echo_request_id: Whether responses carry the id of their request in ``X-Request-ID``.

    Raises:
        ArgumentError: If it is no application of Django.
        StateError: If they are installed already.
    """
    # Django's own signals are no ends: under ASGI, some requests have a start and no finish.
    kind = ASGIHandler if isinstance(application, ASGIHandler) else WSGIHandler
    check(
        application,
        kind,
        installed=lambda it: "get_response" in vars(it),
        instead="what get_wsgi_application() or get_asgi_application() returns, not yet wrapped",
    )
    plain, plain_async = application.get_response, application.get_response_async

    def get_response(request: HttpRequest) -> Any:
        _note(request)
        return plain(request)

    def get_response_async(request: HttpRequest) -> Any:
        _note(request)
        return plain_async(request)

    vars(application).update(get_response=get_response, get_response_async=get_response_async)
    got_request_exception.connect(_notice)

    def undo() -> None:
        del vars(application)["get_response"], vars(application)["get_response_async"]

    serving = _ServingAsgi if kind is ASGIHandler else ServingWsgi
    return serving(application, undo, echo_request_id=echo_request_id)


class _ServingAsgi(ServingAsgi):
    """Answers the life span itself, which Django refuses."""

    async def _live(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG002 - as in the base class.
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await self.start()
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})


def _note(request: HttpRequest) -> None:
    found = request_in(_given(request))
    if found is not None:
        found.native = request
        found.route_by = route_of, request


def _given(request: Any) -> dict[str, Any]:
    """Return the scope or the environ of a request."""
    found = getattr(request, "environ", None)
    return getattr(request, "scope", {}) if found is None else found


def route_of(request: HttpRequest) -> str | None:
    """Return the template of the route that matched, with those of all that include it."""
    match = request.resolver_match
    return None if match is None else f"/{match.route}"


def _notice(*, request: Any, **_: Any) -> None:
    # It is sent in the `except` clause that handles the error, in a thread under ASGI.
    served, error = _given(request).get(SERVED), sys.exc_info()[1]
    if served is not None and error is not None:
        served.notice_now(error)


def install_commands() -> Installation:
    """Send a job's signals around each management command; its sender is the command.

    Once, in ``manage.py`` before ``execute_from_command_line``, or where the settings are ready.
    A command that a signal ends (SIGTERM) tells of no end: nothing of Python runs then.

    Raises:
        StateError: If they are installed already.
    """
    command_class: Any = BaseCommand
    execute = command_class.execute
    check(BaseCommand(), BaseCommand, installed=lambda it: hasattr(it.execute, "__wrapped__"))

    @wraps(execute)
    def execute_watched(command: BaseCommand, *args: Any, **options: Any) -> Any:
        name = type(command).__module__.rpartition(".")[2]
        with running(Run(JobInfo("django", name), command)):
            return execute(command, *args, **options)

    def undo() -> None:
        command_class.execute = execute

    command_class.execute = execute_watched
    return Installation(BaseCommand, undo)
