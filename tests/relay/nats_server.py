"""Starts NATS servers, which can be killed, stopped and started again."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lifecycle.served import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

# It is a program, not a package: the wheel puts it beside Python.
COMMAND = shutil.which("nats-server", path=Path(sys.executable).parent) or "nats-server"


class NatsServer:
    """A NATS server in a process of its own, with a store that outlives the process.

    Attributes:
        port: Where it listens.
        folder: Where it stores.
    """

    def __init__(self, folder: Path, *options: str, jetstream: bool = True) -> None:
        self.port: int = free_port()
        self.folder: Path = folder
        self._options = [*options, *(["-js", "-sd", str(folder)] if jetstream else [])]
        self._process: subprocess.Popen[bytes] | None = None
        self.start_again()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"nats://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid if self._process else 0

    def start_again(self) -> None:
        """Start it, with what it has stored before."""
        command = [COMMAND, "-a", "127.0.0.1", "-p", str(self.port), *self._options]
        log = self.folder / "log"
        self._process = subprocess.Popen([*command, "-l", str(log)])
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            time.sleep(0.01)
        raise AssertionError(log.read_text() if log.exists() else command)

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Let it end in good order."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)


@contextmanager
def nats_server(*options: str, jetstream: bool = True) -> Iterator[NatsServer]:
    """Run a server."""
    with tempfile.TemporaryDirectory() as folder:
        server = NatsServer(Path(folder), *options, jetstream=jetstream)
        try:
            yield server
        finally:
            server.kill()
