"""The WSGI middleware, call by call: whatever a server leaves out, each start has its end."""

from __future__ import annotations

import gc
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from wsgiref.util import FileWrapper, setup_testing_defaults

import pytest

from heliograph.lifecycle import current_request, request_tearing_down, wsgi
from heliograph.lifecycle.exchange import SERVED
from tests.lifecycle.calling import ask_wsgi, heard, names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEADERS = [("Content-Type", "text/plain")]


def answering(
    body: Callable[[], Any], status: str = "200 OK", *headers: tuple[str, str]
) -> wsgi.Middleware:
    """Return an application that answers so."""

    def application(environ: Any, start_response: Any) -> Any:
        start_response(status, [*HEADERS, *headers])
        return body()

    return wsgi.Middleware(application)


def called(app: wsgi.Middleware, method: str = "GET", wrapper: Any = None) -> Any:
    """Call an application as a server does, and return the body."""
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    environ["wsgi.file_wrapper"] = wrapper
    environ["REQUEST_METHOD"] = method
    return app(environ, lambda status, headers, exc_info=None: lambda data: None)


def end_of(kept: list[tuple[str, dict[str, Any]]]) -> tuple[Any, ...]:
    """Return what was told of the only end; the teardown comes last."""
    ends = [it for name, it in kept if name == "response-sent"]
    assert len(ends) == 1
    assert names(kept)[-1] == "request-tearing-down"
    return ends[0]["reason"], ends[0]["bytes"]


def three() -> Iterator[bytes]:
    """Give three parts."""
    yield from (b"one", b"two", b"six")


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (three, [], ("disconnect", 3)),
        (lambda: [b"one", b"two"], [], ("disconnect", 3)),
        # Some stop there and do not ask for more.
        (lambda: [b"one"], [("Content-Length", "3")], ("complete", 3)),
        (three, [("Content-Length", "x")], ("disconnect", 3)),
    ],
)
def test_a_body_that_is_closed_early_is_whole_if_its_length_was_announced(
    body: Callable[[], Any], headers: list[tuple[str, str]], expected: tuple[str, int]
) -> None:
    """Otherwise nobody can know that there was no more."""
    with heard() as kept:
        found = called(answering(body, "200 OK", *headers))
        assert next(iter(found)) == b"one"
        found.close()
        found.close()

    assert end_of(kept) == expected


@pytest.mark.parametrize(
    ("method", "status"),
    [("HEAD", "200 OK"), ("GET", "204 No Content"), ("GET", "304 Not Modified")],
)
def test_a_response_without_a_body_is_whole_unread(method: str, status: str) -> None:
    """Servers close it and read none of it."""
    with heard() as kept:
        called(answering(list, status), method).close()

    assert end_of(kept) == ("complete", 0)


def test_a_body_that_nobody_closes_is_lost() -> None:
    """As under some servers and adapters; the request of the thread is not seen any longer."""
    with heard() as kept:
        found = called(answering(three))
        assert next(iter(found)) == b"one"
        assert current_request() is not None
        del found
        gc.collect()

    assert end_of(kept) == ("lost", 3)
    assert current_request() is None


def test_a_body_is_no_list() -> None:
    """Not all servers close a list. A length says that there is one part, so it is kept."""
    sized = called(answering(lambda: [b"one"]))
    assert (len(sized), isinstance(sized, list), list(sized)) == (1, False, [b"one"])
    sized.close()

    parts = called(answering(three))
    assert (hasattr(parts, "__len__"), list(parts)) == (False, list(three()))
    parts.close()


class Closing:
    """A body that fails when it is closed."""

    def __iter__(self) -> Iterator[bytes]:
        return three()

    def close(self) -> None:
        """Raise."""
        raise LookupError


def test_a_body_that_cannot_be_closed_is_an_exception() -> None:
    """The server is told of it as well."""
    with heard() as kept:
        assert ask_wsgi(answering(Closing), "/")[0] == "raised"

    assert end_of(kept) == ("complete", 9)
    assert names(kept).count("got-request-exception") == 1


def test_a_framework_that_answers_an_exception_tells_of_it() -> None:
    """It hands `exc_info` on, as PEP 3333 says, and takes back what it has announced."""

    def application(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", HEADERS)
        error = LookupError()
        start_response("500 Sorry", HEADERS, (LookupError, error, None))
        return [b"sorry"]

    with heard() as kept:
        assert ask_wsgi(wsgi.Middleware(application), "/") == ("500 Sorry", b"sorry")

    assert names(kept).count("got-request-exception") == 1
    assert dict(kept)["response-sent"]["status"] == 500
    assert end_of(kept) == ("complete", 5)


class Unclosable:
    """What a server has for files may have no `close`, before it is given one."""

    def __init__(self, file: Any) -> None:
        self.file = file


@pytest.mark.parametrize("wrapper", [FileWrapper, Unclosable])
def test_a_file_of_the_server_stays_what_it_is(wrapper: type[Any]) -> None:
    """Servers send only their own class in their own way; closing it is the end."""

    def application(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [*HEADERS, ("Content-Length", "7")])
        return environ["wsgi.file_wrapper"](FileWrapper)

    app = wsgi.Middleware(application)
    with heard() as kept:
        found = called(app, wrapper=wrapper)
        assert type(found) is wrapper
        found.close()

    assert end_of(kept) == ("complete", 7)


def test_what_was_told_of_is_not_told_again() -> None:
    """An error that comes by twice is one."""

    def application(environ: Any, start_response: Any) -> Any:
        error = LookupError()
        environ[SERVED].notice_now(error)
        raise error

    with heard() as kept:
        assert ask_wsgi(wsgi.Middleware(application), "/")[0] == "raised"

    assert names(kept).count("got-request-exception") == 1
    assert end_of(kept) == ("error", 0)


def test_a_list_is_whole_when_its_last_part_is_taken() -> None:
    """A server need not ask for more than its length says; of other bodies nobody can know."""
    ends = []
    for taken in (1, 2):
        with heard() as kept:
            found = called(answering(lambda: [b"one", b"two"]))
            parts = iter(found)
            for _ in range(taken):
                next(parts)
            found.close()
        ends.append(end_of(kept))

    assert ends == [("disconnect", 3), ("complete", 6)]


def test_a_server_that_fails_before_it_closes_a_body_leaves_no_request_open() -> None:
    """As Werkzeug's does where the client has reset the connection: at once, not some day."""

    def application(environ: Any, start_response: Any) -> list[bytes]:
        try:
            HEADERS[7]
        except LookupError as error:
            environ[SERVED].notice_now(error)  # As a framework does, which makes a page of it.
        start_response("500 Internal Server Error", [])
        return [b"sorry"]

    def serve() -> None:
        body = called(wsgi.Middleware(application))
        assert list(body) == [b"sorry"]
        raise ConnectionResetError

    told: list[str] = []

    def note(sender: Any, *, request: Any, **extra: Any) -> None:
        told.append(request.path)  # And not the exception, whose traceback would keep the body.

    gc.collect()
    gc.disable()
    try:
        with request_tearing_down.connected_to(note), suppress(ConnectionResetError):
            serve()
    finally:
        gc.enable()

    assert told == ["/"]
