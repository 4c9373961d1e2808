"""Serves the page and the Server-Timing header in front of a WSGI application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from heliograph.inspector.page.headers import with_timings
from heliograph.inspector.page.visits import LONGEST_BODY, PAGE, Visit, as_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from heliograph.inspector.page.timings import Stopwatch
    from heliograph.inspector.page.visits import Answer, Visited

    Environ = dict[str, Any]
    StartResponse = Callable[..., Callable[[bytes], object]]
    Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class PageOverWSGI:
    """A WSGI application with the page in front of it, or the page alone.

    Args:
        app: The application, or None for the page alone, mounted by something else.
        site: The page.
        path: The page's own path in front of the application.
        stopwatch: What times receivers for the Server-Timing header, or None without it.
    """

    def __init__(
        self, app: Application | None, site: Visited, path: str, stopwatch: Stopwatch | None
    ) -> None:
        self.app = app
        self._site = site
        self._path = path if app is not None else ""
        self._stopwatch = stopwatch

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve the page, or what the application serves."""
        runs = self._site.attend()
        path = environ.get("PATH_INFO", "")
        if path == self._path or path.startswith(f"{self._path}/"):
            found = self._answer(environ, path[len(self._path) :])
            if found is not None:
                start_response(_status(found), list(found.headers))
                return [b"" if environ["REQUEST_METHOD"] == "HEAD" else found.body]
        if self.app is None:
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"There is nothing here.\n"]
        environ[PAGE] = f"{environ.get('SCRIPT_NAME', '')}{self._path}/"
        if not runs or self._stopwatch is None or not self._site.welcomes(visit_of(environ, "")):
            return self.app(environ, start_response)
        return _serve_timed(self.app, self._stopwatch, environ, start_response)

    def _answer(self, environ: Environ, path: str) -> Answer | None:
        length = environ.get("CONTENT_LENGTH") or "0"
        size = int(length) if length.isdigit() else 0
        if size > LONGEST_BODY:
            return as_text("That is too large.\n", status=413)
        body = environ["wsgi.input"].read(size)
        base = f"{environ.get('SCRIPT_NAME', '')}{self._path}"
        return self._site.answer(visit_of(environ, path, base, body))


def _serve_timed(
    app: Application, stopwatch: Stopwatch, environ: Environ, start_response: StartResponse
) -> Iterable[bytes]:
    with stopwatch.timed() as timings:

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start_response(status, with_timings(headers, timings), *more)

        return app(environ, start)


def _status(answer: Answer) -> str:
    from http import HTTPStatus

    return f"{answer.status} {HTTPStatus(answer.status).phrase}"


def visit_of(environ: Environ, path: str, base: str = "", body: bytes = b"") -> Visit:
    """Return the visit that an environ describes."""
    whole = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}"
    return Visit(
        method=environ["REQUEST_METHOD"],
        path=path,
        called=whole.rpartition("/")[2],
        base=base,
        query=dict(parse_qsl(environ.get("QUERY_STRING", ""))),
        host=environ.get("HTTP_HOST", ""),
        client=environ.get("REMOTE_ADDR") or None,
        secure=environ.get("wsgi.url_scheme") == "https",
        cookie=environ.get("HTTP_COOKIE", ""),
        authorization=environ.get("HTTP_AUTHORIZATION", ""),
        content_type=environ.get("CONTENT_TYPE", ""),
        body=body,
    )
