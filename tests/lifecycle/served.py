"""Starts real servers, talks to them over real sockets, and reads what the served app wrote."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
# `make matrix` sets it: to "all", or to "oldest", whose releases have ways of their own.
CHOICE = os.environ.get("HELIOGRAPH_MATRIX", "chosen")

ASGI = {
    "uvicorn": "uvicorn {app} --port {port} --log-level warning --timeout-graceful-shutdown 1",
    "uvicorn-h11": "uvicorn {app} --http h11 --port {port} --timeout-graceful-shutdown 1",
    "hypercorn": "hypercorn {app} --bind 127.0.0.1:{port} --graceful-timeout 1",
    "granian": "granian {app} --interface asgi --port {port} --workers-kill-timeout 10",
    "daphne": "daphne {app} --port {port}",
    "gunicorn-asgi": "gunicorn {app} -k asgi --bind 127.0.0.1:{port} --graceful-timeout 10",
}
"""ASGI servers: the command of each, for an application and a port."""

if not (find_spec("gunicorn") and find_spec("gunicorn.asgi")):  # Older ones have no such worker.
    del ASGI["gunicorn-asgi"]

WSGI = {
    "gunicorn": "gunicorn {app} --bind 127.0.0.1:{port} --graceful-timeout 1",
    "gunicorn-gthread": "gunicorn {app} --threads 4 --bind 127.0.0.1:{port} --graceful-timeout 1",
    "gunicorn-gevent": "gunicorn {app} -k gevent --bind 127.0.0.1:{port} --graceful-timeout 1",
    "waitress": "waitress --listen=127.0.0.1:{port} {app}",
    "granian-wsgi": "granian {app} --interface wsgi --port {port} --workers-kill-timeout 10",
    "wsgiref": "tests.lifecycle.serving wsgiref {app} {port}",
    "werkzeug": "tests.lifecycle.serving werkzeug {app} {port}",
}
"""WSGI servers, likewise."""

ADAPTERS = {
    "uvicorn-wsgi": "uvicorn {app} --interface wsgi --port {port} --log-level warning",
    "hypercorn-wsgi": "hypercorn wsgi:{app} --bind 127.0.0.1:{port} --graceful-timeout 1",
    "a2wsgi": "tests.lifecycle.serving a2wsgi {app} {port}",
    "asgiref": "tests.lifecycle.serving asgiref {app} {port}",
    "starlette": "tests.lifecycle.serving starlette {app} {port}",
}
"""What serves a WSGI application on an ASGI server."""

OWN = {"aiohttp": "tests.lifecycle.apps.aiohttp_app {port}"}
"""What comes with its framework."""

IMPATIENT = {
    "gunicorn-timeout": "gunicorn {app} --timeout 1 --bind 127.0.0.1:{port}",
}
"""What ends a worker that takes too long."""

COMMANDS = ASGI | WSGI | ADAPTERS | OWN | IMPATIENT


@dataclass
class Served:
    """An application that a server serves in a process of its own."""

    port: int
    process: subprocess.Popen[bytes]
    diary: Path

    def connect(self) -> socket.socket:
        """Open a connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    @contextmanager
    def websocket(self, path: str) -> Iterator[socket.socket]:
        """Open a connection and ask for a websocket; gives the connection, once it is answered."""
        headers = (
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: aGVsaW9ncmFwaC10ZXN0cw==\r\n"
        )
        with self.connect() as connection:
            connection.sendall(request(path, headers=headers))
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += connection.recv(1024)
            yield connection

    def ask(self, path: str, method: str = "GET", headers: str = "") -> bytes:
        """Send a request, and return all that comes until the server closes the connection."""
        with self.connect() as connection:
            connection.sendall(request(path, method, headers, close=True))
            found = b""
            while part := connection.recv(65_536):
                found += part
        return found

    def lines(self, path: str, *, last: str = "tearing-down") -> list[dict[str, Any]]:
        """Return what was written of the request for a path, once that is over."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = [it for it in self.all() if it.get("path") == path]
            if any(it["signal"].endswith(last) for it in found):
                return found
            time.sleep(0.02)
        raise TimeoutError(path, [it["signal"] for it in self.all() if it.get("path") == path])

    def all(self) -> list[dict[str, Any]]:
        """Return all that was written."""
        text = self.diary.read_text() if self.diary.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    def ask_to_stop(self) -> None:
        """Ask the server to stop, as an operator does."""
        self.process.send_signal(signal.SIGTERM)


def request(path: str, method: str = "GET", headers: str = "", *, close: bool = False) -> bytes:
    """Return a request as it goes over the wire."""
    ending = "Connection: close\r\n" if close else ""
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}{ending}\r\n".encode()


def text(content: str) -> bytes:
    """Return a message of a websocket as it goes over the wire."""
    return frame(1, content.encode())


def frame(kind: int, content: bytes) -> bytes:
    """Return a frame of a websocket, as clients send them: masked, by nothing (RFC 6455)."""
    return bytes([0x80 | kind, 0x80 | len(content)]) + bytes(4) + content


@contextmanager
def served(server: str, app: str, folder: Path) -> Iterator[Served]:
    """Serve an application."""
    port = free_port()
    command = COMMANDS[server].format(app=app, port=port)
    diary = folder / "diary"
    out = (folder / "out").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", *command.split()],
        cwd=ROOT,
        env={
            **os.environ,
            "DIARY": str(diary),
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore",
        },
        stdout=out,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    out.close()
    try:
        wait_for(port, process, folder)
        yield Served(port, process, diary)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        port: int = it.getsockname()[1]
        return port


def wait_for(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait until somebody listens on a port."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError((folder / "out").read_text())
