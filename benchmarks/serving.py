"""A server in a process of its own, and a client that asks it for one page.

``python -m benchmarks.serving waitress flask plain`` prints its port.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self

from benchmarks import served_apps
from benchmarks.harness import Work

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
AT_ONCE = 20
# Seconds: connections wait while others are asked.
PATIENCE = 600


@contextmanager
def served(
    server: str, name: str, ways: Iterable[str] = served_apps.WAYS
) -> Iterator[dict[str, Work]]:
    """Serve a framework in every way; give the work to ask each server once.

    Args:
        server: A function of this module.
        name: A function that returns an application: of `served_apps`, or `module:function`.
        ways: What that is passed, one after the other.
    """
    with ExitStack() as stack:
        # All at once, as most of the time goes into their imports.
        started = {way: _started(stack, server, name, way) for way in ways}
        yield {way: _work(stack, process) for way, process in started.items()}


def _started(stack: ExitStack, server: str, name: str, way: str) -> subprocess.Popen[str]:
    # Of one process, instruments and joined signals would reach the plain application, too.
    process = stack.enter_context(
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.serving", server, name, way],
            stdout=subprocess.PIPE,
            text=True,
            # Or dictionaries lie another way in each of them.
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
    )
    stack.callback(process.terminate)
    return process


def _work(stack: ExitStack, process: subprocess.Popen[str]) -> Work:
    assert process.stdout is not None  # noqa: S101 - it was asked for.
    client = stack.enter_context(_Client(int(process.stdout.readline())))
    # Processor time of the server alone, with that of the system on its behalf.
    clock = (~process.pid << 3) | 2
    return Work(client.ask, clock=lambda: time.clock_gettime_ns(clock) // AT_ONCE)


class _Client:
    """Keeps its connections, and asks on all of them before it reads what comes back.

    A server that sleeps between two requests spends its time on waking up.
    """

    def __init__(self, port: int) -> None:
        self._open = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(AT_ONCE)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._open:
            connection.close()

    def ask(self, items: Iterable[object]) -> None:
        """Ask once on every connection for each item."""
        for _ in items:
            for connection in self._open:
                connection.sendall(REQUEST)
            for connection in self._open:
                _read(connection)


def _read(connection: socket.socket) -> None:
    found = b""
    # JSON has it in quotes.
    while not found.rstrip(b'"').endswith(b"done"):
        more = connection.recv(65536)
        if not more:
            msg = f"The server closed the connection after {found!r}."
            raise ConnectionError(msg)
        found += more
    if not found.startswith(b"HTTP/1.1 200"):
        msg = f"The page answered {found!r}."
        raise RuntimeError(msg)


def waitress(app: Any, listening: socket.socket) -> None:
    """Serve by waitress."""
    # By name, as it has no types.
    create_server = import_module("waitress.server").create_server

    # It warns whenever its only thread is at work.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    create_server(app, sockets=[listening], threads=1, channel_timeout=PATIENCE).run()


def uvicorn(app: Any, listening: socket.socket, http: str = "h11") -> None:
    """Serve by uvicorn, as it is without other packages."""
    from uvicorn import Config, Server

    config = Config(app, http=http, loop="asyncio", log_level="error", timeout_keep_alive=PATIENCE)
    Server(config).run([listening])


def httptools(app: Any, listening: socket.socket) -> None:
    """Serve by uvicorn with the faster one of its parsers."""
    uvicorn(app, listening, "httptools")


def aiohttp(app: Any, listening: socket.socket) -> None:
    """Serve by aiohttp."""
    from aiohttp import web

    web.run_app(app, sock=listening, access_log=None, print=None, keepalive_timeout=PATIENCE)


def _main(server: str, name: str, way: str) -> None:
    module, _, function = name.rpartition(":")
    app = getattr(import_module(module or "benchmarks.served_apps"), function)(way)
    # With the protocol named: asyncio turns Nagle's algorithm off for such sockets alone, and
    # responses in two parts would wait for the client's acknowledgement.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    print(listening.getsockname()[1], flush=True)
    globals()[server](app, listening)


if __name__ == "__main__":
    _main(*sys.argv[1:])
