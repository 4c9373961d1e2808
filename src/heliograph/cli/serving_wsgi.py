"""Lets a WSGI application answer a request in this process (PEP 3333)."""

from __future__ import annotations

import sys
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any, TextIO

from heliograph.cli.client import HOST, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from heliograph.cli.client import Sent


def serve(app: Callable[..., Any], sent: Sent, *, logs: bool) -> Reply:
    """Let an application answer a request, and read its whole response."""
    reply = Reply()
    body: Any = ()

    def start_response(status: object, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        if not isinstance(status, str):
            msg = f"start_response() takes a status such as '200 OK', and not {status!r}."
            raise TypeError(msg)
        reply.status, reply.headers = status, headers
        if exc_info:
            reply.error = exc_info[1]
        return reply.take

    try:
        # To applications of WSGI, the errors of the server are a log.
        environ = environ_of(sent, sys.stderr if logs else StringIO())
        body = app(environ, start_response)
        try:
            for part in body:
                reply.take(part)
        finally:
            if hasattr(body, "close"):
                body.close()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the application may raise anything.
        reply.error = error
    return reply


def environ_of(sent: Sent, errors: TextIO) -> dict[str, Any]:
    """Return the environ that a server would make of a request."""
    environ = {
        "REQUEST_METHOD": sent.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": sent.path.decode("latin-1"),
        "QUERY_STRING": sent.query,
        "SERVER_NAME": HOST,
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(sent.body),
        "wsgi.errors": errors,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in sent.headers:
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        environ[key] = f"{environ[key]}, {value}" if key in environ else value
    return environ
