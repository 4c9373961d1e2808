"""An application of the tests of the life cycle, with metrics and their page: of any framework.

``WATCHED`` names it, as ``module:attribute``.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

from heliograph.metrics import Metrics

metrics = Metrics([])
metrics.http(active=True)
metrics.start()

_module, _, _attribute = os.environ["WATCHED"].partition(":")
app: Any = getattr(import_module(_module), _attribute)
over_wsgi = metrics.wsgi(app)
over_asgi = metrics.asgi(app)


def serve_with_aiohttp(port: int) -> None:
    """Serve an application of aiohttp, which is neither WSGI nor ASGI."""
    from aiohttp import web

    async def page(request: web.Request) -> web.Response:
        status, content_type, content = over_wsgi.answer("GET", "")
        return web.Response(status=status, body=content, headers={"Content-Type": content_type})

    app.router.add_get("/metrics", page)
    web.run_app(app, host="127.0.0.1", port=port)


if __name__ == "__main__":
    serve_with_aiohttp(int(sys.argv[1]))
