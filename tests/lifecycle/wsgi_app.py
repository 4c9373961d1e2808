"""A WSGI application without a framework, in which everything goes as a path says."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tests.lifecycle.diary  # noqa: F401 - begins to write.
from heliograph.lifecycle.wsgi import Middleware

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HEADERS = [("Content-Type", "text/plain")]


def application(environ: Any, start_response: Any) -> Iterable[bytes]:
    """Serve: the path chooses how."""
    return WAYS.get(environ["PATH_INFO"], plain)(environ, start_response)


def plain(environ: Any, start_response: Any) -> Iterable[bytes]:
    """Answer."""
    start_response("200 OK", HEADERS)
    return [b"hello"]


def empty(environ: Any, start_response: Any) -> Iterable[bytes]:
    """Answer without a body."""
    start_response("204 No Content", [])
    return []


def two(environ: Any, start_response: Any) -> Iterable[bytes]:
    """Answer in two parts."""
    start_response("200 OK", [*HEADERS, ("Content-Length", "10")])
    return [b"hello", b"world"]


def stream(environ: Any, start_response: Any) -> Iterator[bytes]:
    """Answer in parts."""
    start_response("200 OK", HEADERS)
    for _ in range(3):
        yield b"part"


def written(environ: Any, start_response: Any) -> Iterable[bytes]:
    """Answer by the old way."""
    write = start_response("200 OK", HEADERS)
    write(b"hello")
    return []


def long(environ: Any, start_response: Any) -> Iterator[bytes]:
    """Answer for a while."""
    start_response("200 OK", HEADERS)
    for _ in range(100):
        time.sleep(0.02)
        yield b"x" * 100_000


def lingers(environ: Any, start_response: Any) -> Iterator[bytes]:
    """Take a while to end when the last part is sent."""
    start_response("200 OK", HEADERS)
    yield b"hello"
    time.sleep(0.3)


def slow(environ: Any, start_response: Any) -> Iterable[bytes]:
    """Answer after a long while."""
    time.sleep(30)
    return plain(environ, start_response)


def error_at_once(environ: Any, start_response: Any) -> Iterable[bytes]:
    """Raise."""
    raise LookupError


def error_after_start(environ: Any, start_response: Any) -> Iterator[bytes]:
    """Raise when the response is announced."""
    start_response("200 OK", HEADERS)
    raise LookupError
    yield b""


def error_in_body(environ: Any, start_response: Any) -> Iterator[bytes]:
    """Raise in the middle of the body."""
    start_response("200 OK", HEADERS)
    yield b"part"
    raise LookupError


def file(environ: Any, start_response: Any) -> Iterable[bytes]:
    """Answer with a file."""
    path = Path(__file__)
    start_response("200 OK", [*HEADERS, ("Content-Length", str(path.stat().st_size))])
    made = environ.get("wsgi.file_wrapper", lambda it: iter(lambda: it.read(8192), b""))
    return made(path.open("rb"))  # type: ignore[no-any-return]  # What the server has for it.


WAYS = {
    f"/{it.__name__}": it
    for it in (
        plain,
        empty,
        two,
        stream,
        written,
        long,
        lingers,
        slow,
        error_at_once,
        error_after_start,
        error_in_body,
        file,
    )
}

app = Middleware(application, echo_request_id=True)
