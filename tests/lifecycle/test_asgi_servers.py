"""ASGI servers, over real sockets: each start gets its end, once, and the end tells the truth."""

from __future__ import annotations

import time
from signal import SIGTERM
from socket import SO_LINGER, SOL_SOCKET
from struct import pack
from typing import TYPE_CHECKING, Any

import pytest

from tests.lifecycle.served import ASGI, CHOICE, ROOT, frame, request, served, text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lifecycle.served import Served

APP = "tests.lifecycle.asgi_app:app"

STARTED = ("request-started", None)
FINISHED = ("request-finished", 200)
OVER = ("request-tearing-down", None)
FAILED = ("got-request-exception", "LookupError")
OVER_FAILED = ("request-tearing-down", "LookupError")


def sent(size: int, reason: str = "complete", status: int | None = 200) -> tuple[Any, ...]:
    """Return what is told of the end of a response."""
    return ("response-sent", status, size, reason, reason != "complete")


def shortened(line: dict[str, Any]) -> tuple[Any, ...]:
    """Return what matters of a line of the diary."""
    name = line["signal"]
    if name == "response-sent":
        return (name, line["status"], line["bytes"], line["reason"], line["aborted"])
    return (name, line.get("status", line["error"]))


EXPECTED = {
    "/plain": [STARTED, FINISHED, sent(5), OVER],
    "/stream": [STARTED, FINISHED, sent(12), OVER],
    "/background": [STARTED, FINISHED, sent(5), OVER],
    "/error_at_once": [STARTED, FAILED, sent(0, "error", None), OVER_FAILED],
    "/error_after_start": [STARTED, FINISHED, FAILED, sent(0, "error"), OVER_FAILED],
    "/error_in_body": [STARTED, FINISHED, FAILED, sent(4, "error"), OVER_FAILED],
    "/error_in_background": [STARTED, FINISHED, sent(5), FAILED, OVER_FAILED],
    "/unfinished": [STARTED, FINISHED, sent(4, "incomplete"), OVER],
}

servers = pytest.mark.parametrize("server", ASGI)


@servers
@pytest.mark.parametrize("path", EXPECTED)
def test_a_request_is_told_in_order(
    serve: Callable[[str, str], Served], server: str, path: str
) -> None:
    """Whatever the server answers: some send another status, some send nothing at all."""
    it = serve(server, APP)
    with it.connect() as connection:
        connection.sendall(request(path, close=True))
        # What no server ends is not waited for.
        lines = it.lines(path)

    assert [shortened(line) for line in lines] == EXPECTED[path]
    assert_errors_are_told(lines)


def assert_errors_are_told(lines: list[dict[str, Any]]) -> None:
    """The end has the exception if that is its reason."""
    [end] = [line for line in lines if line["signal"] == "response-sent"]
    assert end["error"] == ("LookupError" if end["reason"] == "error" else None)


@servers
def test_background_work_is_not_part_of_the_response(
    serve: Callable[[str, str], Served], server: str
) -> None:
    """The duration is that of the response, and the teardown comes after all of it."""
    it = serve(server, APP)
    it.ask("/background/timed")
    told = {line["signal"]: line for line in it.lines("/background/timed")}

    assert told["response-sent"]["duration"] < 0.5


@servers
@pytest.mark.parametrize(
    ("path", "body"),
    [("/endless", ""), ("/waits", ""), ("/uploads", "Content-Length: 1000\r\n")],
)
def test_a_client_that_leaves_ends_its_request(
    serve: Callable[[str, str], Served], server: str, path: str, body: str
) -> None:
    """In a stream, while the application waits, and in its upload."""
    if server == "daphne" and body:
        pytest.skip("It calls the application once it has all of an upload.")
    it = serve(server, APP)
    with it.connect() as connection:
        connection.sendall(request(path, "POST" if body else "GET", body))
        if body:
            connection.sendall(b"x" * 10)
        it.lines(path, last="request-finished" if path == "/endless" else "request-started")
    told = [line for line in it.lines(path) if line["signal"] == "response-sent"]

    assert [(line["reason"], line["aborted"]) for line in told] == [("disconnect", True)]
    assert not any(line["error"] for line in it.lines(path))


@servers
def test_a_client_that_leaves_after_the_response_has_it_whole(
    serve: Callable[[str, str], Served], server: str
) -> None:
    """While a background task runs."""
    it = serve(server, APP)
    with it.connect() as connection:
        connection.sendall(request("/background_long"))
        it.lines("/background_long", last="response-sent")
    told = [line for line in it.lines("/background_long") if line["signal"] == "response-sent"]

    assert [(line["reason"], line["bytes"]) for line in told] == [("complete", 5)]


@servers
def test_requests_share_a_connection(serve: Callable[[str, str], Served], server: str) -> None:
    """One after the other, also when the second one was sent before the first was answered."""
    it = serve(server, APP)
    with it.connect() as connection:
        connection.sendall(request("/kept_1"))
        connection.sendall(request("/kept_2", close=True))
        ends = [shortened(it.lines(f"/kept_{number}")[2]) for number in (1, 2)]

    assert ends == [sent(5), sent(5)]


@servers
def test_a_head_request_tells_what_was_handed_over(
    serve: Callable[[str, str], Served], server: str
) -> None:
    """The server sends none of it."""
    it = serve(server, APP)
    it.ask("/head", "HEAD")

    assert shortened(it.lines("/head")[2]) == sent(5)


@servers
@pytest.mark.parametrize(
    ("offered", "kept"),
    [
        ("0123-abc", True),
        ("a" * 128, True),
        ("a" * 129, False),
        ("a b", False),
        ("<script>", False),
        ("", False),
        ("\xff", False),
    ],
)
def test_a_request_id_is_kept_if_it_is_harmless(
    serve: Callable[[str, str], Served], server: str, offered: str, kept: bool
) -> None:
    """Otherwise there is a new one; either is sent back."""
    it = serve(server, APP)
    path = f"/id_{abs(hash(offered))}"
    answer = it.ask(path, headers=f"X-Request-ID: {offered}\r\n")
    used = it.lines(path)[0]["id"]

    assert (used == offered) is kept
    assert f"x-request-id: {used}\r\n".encode() in answer.lower().replace(
        b"x-request-id", b"x-request-id"
    )


# They do not stop before their clients have what they wait for; past their time limits they kill
# the process, and nobody can tell of that.
WAITING = ("granian", "gunicorn-asgi")

# Uvicorn lets the signal end it after the life span: no `atexit` runs, and nothing may need it.
STATUSES = {"uvicorn": -SIGTERM, "uvicorn-h11": -SIGTERM}


@servers
def test_a_server_that_stops_ends_what_is_open(server: str, tmp_path: Path) -> None:
    """Once, whatever the server does to it; where there is a life span, the application stops."""
    with served(server, APP, tmp_path) as it, it.connect() as connection:
        connection.sendall(request("/endless"))
        it.lines("/endless", last="request-finished")
        it.ask_to_stop()
        if server in WAITING:
            time.sleep(0.3)
            connection.close()
        # Not asked a second time: some are killed by that.
        it.process.wait(60)
        told = it.all()

    assert it.process.returncode == STATUSES.get(server, 0)
    names = [line["signal"] for line in told]
    ends = [line for line in told if line["signal"] == "response-sent"]
    if server == "daphne":  # It has no life span, and drops the request.
        assert names[0] == "app-started"
        assert told[0]["lazy"]
        assert len(ends) <= 1
        return
    assert (names.count("app-started"), names.count("app-stopping")) == (1, 1), names
    assert [line["aborted"] for line in ends] == [True]


@servers
@pytest.mark.parametrize(("ending", "code"), [("close", 4001), ("fail", None)])
def test_an_application_ends_a_websocket(
    serve: Callable[[str, str], Served], server: str, ending: str, code: int | None
) -> None:
    """With its own code, whatever the server makes of it."""
    it = serve(server, APP)
    path = f"/ws_{ending}"
    with it.websocket(path) as socket:
        socket.sendall(text("hello"))
        socket.sendall(text(ending))
        if code is not None:
            # Older servers wait for the answer to theirs.
            while b"\x88" not in socket.recv(1024):
                pass
            socket.sendall(frame(8, b"\x0f\xa1"))
        lines = it.lines(path)

    assert end_of_socket(lines) == (code, "application")
    messages = [line["message"] for line in lines if line["signal"] == "websocket-sent"]
    assert messages == ["HELLO"]
    errors = [line["error"] for line in lines if line["signal"] == "got-websocket-exception"]
    assert errors == (["LookupError"] if ending == "fail" else [])


CODES: dict[str, tuple[int | None, ...]] = {
    "uvicorn": (1001, 1005, 1005, 1005),
    "uvicorn-h11": (1001, 1005, 1005, 1005),
    "hypercorn": (1006, 1006, 1006, 1006),
    "granian": (1001, 1005, 1005, 1005),
    "daphne": (1001, None, 1006, 1006),
    "gunicorn-asgi": (1001, 1005, 1006, 1006),
}
"""What servers tell of clients that close with 1001, that close without a code, and whose
connections end, in order or not."""

LEAVING = {"away": b"\x03\xe9", "silently": b"", "dropping": None, "resetting": None}


@servers
@pytest.mark.parametrize("how", LEAVING)
def test_a_client_ends_a_websocket(
    serve: Callable[[str, str], Served], server: str, how: str
) -> None:
    """With the code that the server tells: none of 1005, 1006 and None says that it was lost."""
    it = serve(server, APP)
    path = f"/ws_{how}"
    with it.websocket(path) as socket:
        socket.sendall(text("hello"))
        it.lines(path, last="websocket-sent")
        closing = LEAVING[how]
        if closing is not None:
            socket.sendall(frame(8, closing))
            it.lines(path, last="websocket-finished")
        elif how == "resetting":
            socket.setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
    lines = it.lines(path)

    code, who = end_of_socket(lines)
    assert who == "client"
    if CHOICE != "oldest":
        assert code == CODES[server][list(LEAVING).index(how)]
    assert not any(line["error"] for line in lines)


def test_the_docs_have_the_codes_of_clients() -> None:
    """Of each server; it makes no difference how a connection is dropped."""
    page = (ROOT / "docs" / "lifecycle.md").read_text(encoding="utf-8")
    table = page.partition("| server | the client")[2].partition("\n\n")[0]
    rows = [[it.strip() for it in line.split("|")[1:-1]] for line in table.splitlines()[2:]]

    assert rows == [
        [server, *map(str, codes[:3])]
        for server, codes in CODES.items()
        if server != "uvicorn-h11"  # As uvicorn.
    ]
    assert {codes[2] == codes[3] for codes in CODES.values()} == {True}


def end_of_socket(lines: list[dict[str, Any]]) -> tuple[int | None, str]:
    """Return the only end that was told of a websocket."""
    [end] = [line for line in lines if line["signal"] == "websocket-finished"]
    return end["code"], end["who"]


@servers
def test_a_websocket_that_is_refused_has_an_end(
    serve: Callable[[str, str], Served], server: str
) -> None:
    """With the code that the application gave."""
    it = serve(server, APP)
    with it.websocket("/denied"):
        told = it.lines("/denied", last="websocket-tearing-down")

    names = ["websocket-started", "websocket-finished", "websocket-tearing-down"]
    assert [line["signal"] for line in told] == names
    assert (told[1]["code"], told[1]["who"]) == (4403, "application")
