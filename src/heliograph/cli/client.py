"""Sends requests to any application in this process, as one visitor who keeps cookies."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import quote, unquote_to_bytes
from urllib.request import Request as UrlRequest

from heliograph.cli.frameworks import Kind, framework_of
from heliograph.describe import describe_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from http.client import HTTPResponse

    from flask import Flask

    from heliograph.cli.application import Found
    from heliograph.cli.request import Request

HOST = "localhost"

# What may stand in a path or a query as it is (RFC 3986), what is quoted already among it.
_SAFE = "/%:?&=+,;@!$'()*~[]"
# Bytes of a response that are kept to be shown; a download may be larger than the memory.
_KEPT = 100_000


@dataclass(frozen=True)
class Answer:
    """What the application returned for a request: a response, or the error that it raised.

    Attributes:
        status: The status line, or what happened instead.
        failed: Whether it is a failure of the application.
        location: Where it redirects to.
        error: The error that it raised.
        headers: The headers of the response.
        body: The beginning of the body.
        size: The length of the whole body.
    """

    status: str
    failed: bool
    location: str | None = None
    error: BaseException | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    size: int = 0


@dataclass(frozen=True)
class Sent:
    """A request as it goes to an application."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def path(self) -> bytes:
        """The path, unquoted."""
        return unquote_to_bytes(self.raw_path)

    @property
    def raw_path(self) -> str:
        """The path, quoted."""
        return quote(self.target.partition("?")[0], safe=_SAFE)

    @property
    def query(self) -> str:
        """The query, quoted."""
        return quote(self.target.partition("?")[2], safe=_SAFE)


@dataclass
class Reply:
    """What an application has answered so far.

    Attributes:
        status: The status line, without the version; empty before it was announced.
        headers: The headers.
        error: What the application has raised.
        body: The beginning of the body.
        size: The length of the body.
    """

    status: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    error: BaseException | None = None
    body: bytes = b""
    size: int = 0

    def take(self, part: bytes) -> None:
        """Take a part of the body."""
        self.size += len(part)
        self.body += part[: _KEPT - len(self.body)]

    def answer(self) -> Answer:
        """Return what there is to tell of it."""
        if self.status:
            failed = self.status >= "500" or self.error is not None
            where = next((it for name, it in self.headers if str(name).lower() == "location"), None)
            headers = tuple((str(name), str(value)) for name, value in self.headers)
            return Answer(self.status, failed, where, self.error, headers, self.body, self.size)
        if self.error is None:
            return Answer("no response", failed=True)
        return Answer(f"raised {describe_error(self.error)}", failed=True, error=self.error)


def status_line(code: int) -> str:
    """Return a status as servers write it."""
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)


class Client(Protocol):
    """Sends requests to one application."""

    def open(self, request: Request) -> Answer:
        """Send a request, and return what came of it."""
        ...


@contextmanager
def serving(found: Found, *, logs: bool) -> Iterator[Client]:
    """Start an application, and return who sends its requests; *logs* lets it log."""
    match found.kind:
        case Kind.WSGI if framework_of(found.app) == "flask":
            yield FlaskClient(found.app)
        case Kind.WSGI:
            from heliograph.cli.serving_wsgi import serve

            yield Visitor(lambda sent: serve(found.app, sent, logs=logs))
        case Kind.ASGI:
            from heliograph.cli.serving_asgi import Server

            with Server(found.app) as server:
                yield Visitor(server.serve)
        case _:
            from heliograph.cli.serving_aiohttp import served

            with served(found.app) as serve_one:
                yield Visitor(serve_one)


class FlaskClient:
    """Flask's own client: it knows the settings and the sessions of the application."""

    def __init__(self, app: Flask) -> None:
        self._client = app.test_client()

    def open(self, request: Request) -> Answer:
        """Send a request, and return what came of it."""
        try:
            with self._client.open(
                request.target,
                method=request.method,
                headers=[*request.headers],
                data=request.body,
                buffered=False,
            ) as response:
                reply = Reply(response.status, [*response.headers])
                for part in response.iter_encoded():
                    reply.take(part)
                return reply.answer()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - an app that is being tested raises them.
            return Reply(error=error).answer()


class Visitor:
    """Sends requests by a function, and keeps the cookies that come back.

    Args:
        serve: Lets the application answer a request.
    """

    def __init__(self, serve: Callable[[Sent], Reply]) -> None:
        self._serve = serve
        # There is no TLS here, and applications in production ask for it.
        self._cookies = CookieJar(DefaultCookiePolicy(secure_protocols=("http", "https")))

    def open(self, request: Request) -> Answer:
        """Send a request, and return what came of it."""
        headers = [*request.headers]
        given = {name.lower(): value for name, value in headers}
        host = given.get("host", HOST)
        headers += [("Host", host)] if "host" not in given else []
        if request.body and "content-length" not in given:
            headers.append(("Content-Length", str(len(request.body))))
        url = UrlRequest(f"http://{host}{quote(request.target, safe=_SAFE)}")
        self._cookies.add_cookie_header(url)
        cookies = url.get_header("Cookie")
        headers += [("Cookie", cookies)] if cookies and "cookie" not in given else []
        reply = self._serve(Sent(request.method, request.target, headers, request.body))
        self._cookies.extract_cookies(cast("HTTPResponse", _Headers(reply.headers)), url)
        return reply.answer()


class _Headers:
    """The headers of a response, as the standard library's jar wants to read them."""

    def __init__(self, headers: Any) -> None:
        self._message = Message()
        for name, value in headers:
            self._message[str(name)] = str(value)

    def info(self) -> Message:
        return self._message
