"""Serves a WSGI application where a server has no command: how, `module:app` and a port."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any
from wsgiref.simple_server import make_server


def serve(how: str, app: Any, port: int) -> None:
    """Serve for ever."""
    if how == "wsgiref":
        make_server("127.0.0.1", port, app).serve_forever()
    elif how == "werkzeug":
        from werkzeug.serving import run_simple

        run_simple("127.0.0.1", port, app, threaded=True)
    else:
        import uvicorn

        uvicorn.run(adapted(how, app), port=port, log_level="warning", lifespan="off")


def adapted(how: str, app: Any) -> Any:
    """Return a WSGI application as an ASGI application."""
    if how == "a2wsgi":
        from a2wsgi import WSGIMiddleware

        return WSGIMiddleware(app)
    if how == "asgiref":
        from asgiref.wsgi import WsgiToAsgi

        return WsgiToAsgi(app)  # type: ignore[no-untyped-call]  # It tells no types.
    from starlette.middleware.wsgi import WSGIMiddleware as OfStarlette

    return OfStarlette(app)


if __name__ == "__main__":
    how, name, port = sys.argv[1:]
    module, _, attribute = name.partition(":")
    serve(how, getattr(import_module(module), attribute), int(port))
