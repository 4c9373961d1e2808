"""WSGI servers and adapters, over real sockets: each start gets its end, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lifecycle.served import ADAPTERS, CHOICE, WSGI, request
from tests.lifecycle.test_asgi_servers import (
    FAILED,
    FINISHED,
    OVER,
    OVER_FAILED,
    STARTED,
    assert_errors_are_told,
    sent,
    shortened,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lifecycle.served import Served

APP = "tests.lifecycle.wsgi_app:app"

EXPECTED = {
    "/plain": [STARTED, FINISHED, sent(5), OVER],
    "/empty": [STARTED, ("request-finished", 204), sent(0, status=204), OVER],
    "/two": [STARTED, FINISHED, sent(10), OVER],
    "/stream": [STARTED, FINISHED, sent(12), OVER],
    "/error_at_once": [STARTED, FAILED, sent(0, "error", None), OVER_FAILED],
    "/error_after_start": [STARTED, FINISHED, FAILED, sent(0, "error"), OVER_FAILED],
    "/error_in_body": [STARTED, FINISHED, FAILED, sent(4, "error"), OVER_FAILED],
}

# Their `start_response` returns nothing that can be called, against PEP 3333.
WITHOUT_WRITE = ("granian-wsgi", "hypercorn-wsgi", "asgiref", "starlette")

servers = pytest.mark.parametrize("server", [*WSGI, *ADAPTERS])


@servers
@pytest.mark.parametrize("path", EXPECTED)
def test_a_request_is_told_in_order(
    serve: Callable[[str, str], Served], server: str, path: str
) -> None:
    """Whatever the server answers, and whether or not it closes what it was given."""
    it = serve(server, APP)
    with it.connect() as connection:
        connection.sendall(request(path, close=True))
        lines = it.lines(path)

    assert [shortened(line) for line in lines] == EXPECTED[path]
    assert_errors_are_told(lines)


@servers
def test_a_file_is_sent_as_the_server_can(serve: Callable[[str, str], Served], server: str) -> None:
    """Some have a way of their own for files."""
    it = serve(server, APP)
    answer = it.ask("/file")
    size = len(answer.partition(b"\r\n\r\n")[2])

    assert [shortened(line) for line in it.lines("/file")] == [STARTED, FINISHED, sent(size), OVER]


@servers
def test_what_is_written_is_counted(serve: Callable[[str, str], Served], server: str) -> None:
    """By the old way of WSGI, where a server has it."""
    if server in WITHOUT_WRITE:
        pytest.skip("It has no write().")
    it = serve(server, APP)
    it.ask("/written")

    assert [shortened(line) for line in it.lines("/written")] == [STARTED, FINISHED, sent(5), OVER]


@servers
def test_a_client_that_leaves_a_stream_ends_its_request(
    serve: Callable[[str, str], Served], server: str
) -> None:
    """Where the server lets the application see that: adapters take all that it has."""
    it = serve(server, APP)
    with it.connect() as connection:
        connection.sendall(request("/long"))
        it.lines("/long", last="request-finished")
    told = [line for line in it.lines("/long") if line["signal"] == "response-sent"]

    expected = ("complete", False) if server in ADAPTERS else ("disconnect", True)
    assert [(line["reason"], line["aborted"]) for line in told] == [expected]


@servers
def test_a_client_that_resets_the_connection_leaves_no_request_open(
    serve: Callable[[str, str], Served], server: str
) -> None:
    """After the last part: Werkzeug fails before it closes the body, then."""
    it = serve(server, APP)
    with it.connect() as connection:
        connection.sendall(request("/lingers"))
        it.lines("/lingers", last="request-finished")
        connection.recv(1)  # The rest is not read: closing resets the connection.

    assert [shortened(line)[0] for line in it.lines("/lingers")][2:] == [
        "response-sent",
        "request-tearing-down",
    ]


@servers
def test_a_head_request_tells_what_was_handed_over(
    serve: Callable[[str, str], Served], server: str
) -> None:
    """Some servers send it nevertheless, some read none of it."""
    it = serve(server, APP)
    it.ask("/head", "HEAD")
    end = shortened(it.lines("/head")[2])

    assert end in (sent(5), sent(0))


def test_a_worker_whose_time_is_up_tells_so(serve: Callable[[str, str], Served]) -> None:
    """Gunicorn lets it exit: an exception of the program, as it takes the client's response."""
    it = serve("gunicorn-timeout", APP)
    with it.connect() as connection:
        connection.sendall(request("/slow"))
        told = [shortened(line) for line in it.lines("/slow")]

    assert told == [
        STARTED,
        ("got-request-exception", "SystemExit"),
        sent(0, "error", None),
        ("request-tearing-down", "SystemExit"),
    ]


# The others close a connection after each response.
KEEPING = ("gunicorn-gthread", "gunicorn-gevent", "waitress", "granian-wsgi", *ADAPTERS)


@pytest.mark.parametrize("server", KEEPING)
@pytest.mark.parametrize("at_once", [True, False])
def test_requests_share_a_connection(
    serve: Callable[[str, str], Served], server: str, at_once: bool
) -> None:
    """One after the other, also when the second one was sent before the first was answered."""
    if server == "asgiref" and at_once:
        pytest.skip("It fails the second one: findings/asgiref-wsgi-pipelined-requests.sh.")
    if CHOICE == "oldest" and server == "gunicorn-gthread" and at_once:
        pytest.skip("It waits for the second one, which it has already.")
    it = serve(server, APP)
    paths = [f"/kept_{at_once}_{number}" for number in (1, 2)]
    with it.connect() as connection:
        connection.sendall(request(paths[0]))
        if not at_once:
            it.lines(paths[0])
        connection.sendall(request(paths[1], close=True))
        told = [[shortened(line) for line in it.lines(path)] for path in paths]

    assert told == [[STARTED, FINISHED, sent(5), OVER]] * 2


@servers
@pytest.mark.parametrize(("offered", "kept"), [("0123-abc", True), ("a b", False), ("", False)])
def test_a_request_id_is_kept_if_it_is_harmless(
    serve: Callable[[str, str], Served], server: str, offered: str, kept: bool
) -> None:
    """Otherwise there is a new one; either is sent back."""
    it = serve(server, APP)
    path = f"/id_{len(offered)}"
    answer = it.ask(path, headers=f"X-Request-ID: {offered}\r\n")
    used = it.lines(path)[0]["id"]

    assert (used == offered) is kept
    assert f"x-request-id: {used}\r\n".encode() in answer.lower()


@servers
def test_requests_of_one_connection_have_contexts_of_their_own(
    serve: Callable[[str, str], Served], server: str
) -> None:
    """A thread is used again; the request of its last one is not to be seen any more."""
    it = serve(server, APP)
    for number in range(3):
        it.ask(f"/again_{number}")
    seen = [it.lines(f"/again_{number}")[0]["id"] for number in range(3)]

    assert len(set(seen)) == 3
