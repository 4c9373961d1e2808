"""The page that Prometheus scrapes, as a WSGI and as an ASGI application."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from prometheus_client import REGISTRY, CollectorRegistry

from heliograph.describe import describe_error
from heliograph.metrics.prometheus import export, page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from heliograph.metrics.metrics import Metrics

    Answer = tuple[int, str, bytes]

_TEXT = "text/plain; charset=utf-8"


class Page:
    """Answers requests for metrics, and leaves all others to an application.

    Args:
        metrics: The metrics.
        app: What serves all other paths; None to serve metrics at every path.
        path: The path of the page.
        registry: As for `heliograph.metrics.prometheus.export`.
    """

    def __init__(
        self, metrics: Metrics, app: Any, path: str, registry: CollectorRegistry = REGISTRY
    ) -> None:
        self._metrics = metrics
        self._app = app
        self._path = path
        self._registry = registry
        export(metrics, registry)

    def is_asked_for(self, path: str) -> bool:
        """Tell whether a path is that of the page."""
        return self._app is None or path == self._path

    def answer(self, method: str, accept: str) -> Answer:
        """Return status, type and content."""
        if method not in ("GET", "HEAD"):
            return 405, _TEXT, b"Metrics are read with GET.\n"
        try:
            content_type, content = page(self._metrics, self._registry, accept)
        except Exception as error:  # noqa: BLE001 - some collector's, of whoever registered it.
            self._metrics.problems.report(
                f"The page of metrics could not be made: {describe_error(error)}.", error
            )
            return 500, _TEXT, b"The metrics could not be read. The log says why.\n"
        return 200, content_type, b"" if method == "HEAD" else content


class WsgiPage(Page):
    """The page over WSGI."""

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Serve a request."""
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        if not self.is_asked_for(path):
            return self._app(environ, start)  # type: ignore[no-any-return]  # Of the application.
        accept = environ.get("HTTP_ACCEPT", "")
        status, content_type, content = self.answer(environ["REQUEST_METHOD"], accept)
        reason = {200: "OK", 405: "Method Not Allowed", 500: "Internal Server Error"}[status]
        length = str(len(content))
        start(f"{status} {reason}", [("Content-Type", content_type), ("Content-Length", length)])
        return [content]


class AsgiPage(Page):
    """The page over ASGI."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve a request, or whatever else comes."""
        is_http = scope["type"] == "http"
        if self._app is not None and not (is_http and self.is_asked_for(scope["path"])):
            await self._app(scope, receive, send)
        elif is_http:
            await self._serve(scope, send)
        elif scope["type"] == "lifespan":
            await _live(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _serve(self, scope: Any, send: Any) -> None:
        accept = dict(scope["headers"]).get(b"accept", b"").decode("latin-1")
        # Thousands of label sets take a while.
        answer = await asyncio.to_thread(self.answer, scope["method"], accept)
        status, content_type, content = answer
        headers = [
            (b"content-type", content_type.encode("latin-1")),
            (b"content-length", str(len(content)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})


async def _live(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        kind = message["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return
