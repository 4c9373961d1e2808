"""What only some ASGI servers do, over real sockets: lengths, files, HTTP/2 and its trailers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import h2.connection
import h2.events
import pytest

from tests.lifecycle.served import ASGI
from tests.lifecycle.test_asgi_servers import APP, FINISHED, OVER, STARTED, sent, shortened

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lifecycle.served import Served

# They raise in `send`; the others take what they get.
STRICT = ("uvicorn", "uvicorn-h11", "hypercorn")


@pytest.mark.parametrize("server", ASGI)
@pytest.mark.parametrize("path", ["/shorter", "/longer"])
def test_a_body_that_is_not_as_long_as_announced_is_what_the_server_says(
    serve: Callable[[str, str], Served], server: str, path: str
) -> None:
    """What a server refuses was not handed over."""
    it = serve(server, APP)
    with it.connect() as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        it.lines(path, last="response-sent")
    told = it.lines(path)
    ends = [shortened(line) for line in told if line["signal"] == "response-sent"]

    assert ends == [sent(0, "error") if server in STRICT else sent(5)]


def test_a_file_that_the_server_sends_is_counted(serve: Callable[[str, str], Served]) -> None:
    """Granian does, under ASGI."""
    it = serve("granian", APP)
    size = (Path(__file__).parent / "asgi_app.py").stat().st_size
    answer = it.ask("/path")

    assert len(answer.partition(b"\r\n\r\n")[2]) >= size
    assert [shortened(line) for line in it.lines("/path")] == [STARTED, FINISHED, sent(size), OVER]


def ask_http2(it: Served, path: str) -> list[type[h2.events.Event]]:
    """Send a request over HTTP/2; return what came of it."""
    client = h2.connection.H2Connection()
    client.initiate_connection()
    # Without `te` hypercorn sends no trailers.
    pseudo = {"method": "GET", "scheme": "http", "authority": "localhost", "path": path}
    headers = [*((f":{name}", value) for name, value in pseudo.items()), ("te", "trailers")]
    client.send_headers(1, headers, end_stream=True)
    found: list[type[h2.events.Event]] = []
    with it.connect() as connection:
        connection.sendall(client.data_to_send())
        while h2.events.StreamEnded not in found:
            found += [type(event) for event in client.receive_data(connection.recv(65_536))]
            connection.sendall(client.data_to_send())
    return found


@pytest.mark.parametrize("path", ["/stream/over_http2", "/trailers"])
def test_a_request_over_http2_is_told_in_order(
    serve: Callable[[str, str], Served], path: str
) -> None:
    """A response with trailers ends with them, and not with its body."""
    it = serve("hypercorn", APP)
    found = ask_http2(it, path)
    told = it.lines(path)

    size = 5 if path == "/trailers" else 12
    assert [shortened(line) for line in told] == [STARTED, FINISHED, sent(size), OVER]
    assert (h2.events.TrailersReceived in found) is (path == "/trailers")
    if path == "/trailers":
        assert told[2]["duration"] >= 0.1
