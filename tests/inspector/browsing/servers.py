"""Serves the shop by real servers, on free ports and with a folder for their sockets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.lifecycle.served import free_port, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

ROOT = Path(__file__).parents[3]
APPS = "tests.inspector.browsing.apps"

COMMANDS = {
    "gunicorn": "gunicorn {app} --bind 127.0.0.1:{port}",
    "gunicorn-gthread": "gunicorn {app} --threads 4 --bind 127.0.0.1:{port}",
    "waitress": "waitress --listen=127.0.0.1:{port} {app}",
    "werkzeug": "tests.lifecycle.serving werkzeug {app} {port}",
    "granian-wsgi": "granian {app} --interface wsgi --port {port} --no-ws",
    "uvicorn": "uvicorn {app} --port {port} --log-level warning",
    "hypercorn": "hypercorn {app} --bind 127.0.0.1:{port}",
    "granian": "granian {app} --interface asgi --port {port}",
    "daphne": "daphne {app} --port {port}",
}


@dataclass
class Server:
    """An application that is served.

    Attributes:
        address: Where.
        process: By which process.
        folder: Where its files are.
    """

    address: str
    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def page(self) -> str:
        """Where its page is."""
        return f"{self.address}/_signals/"

    def ask(self, path: str, *, method: str = "GET") -> tuple[int, str]:
        """Send a request, and return the status and the body."""
        try:
            with urlopen(Request(self.address + path, method=method), timeout=60) as answer:  # noqa: S310 - it is our own server.
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    def news(self, after: str = "") -> Any:
        """Ask for news, as the page does."""
        return json.loads(self.ask(f"/_signals/news?after={after}")[1])


@contextmanager
def serving(
    server: str, app: str, folder: Path, *more: str, cwd: Path = ROOT, **env: str
) -> Iterator[Server]:
    """Serve an application until the block ends.

    Args:
        server: A name in `COMMANDS`.
        app: The module of the application and its variable.
        folder: For its log and its sockets.
        more: Further arguments of the server.
        cwd: The folder to start it in.
        env: Environment variables.
    """
    port = free_port()
    command = [sys.executable, "-m", *COMMANDS[server].format(app=app, port=port).split(), *more]
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={
                **os.environ,
                "PYTHONPATH": f"{cwd}:{ROOT}",
                "PYTHONWARNINGS": "ignore",
                "HELIOGRAPH_ATTACH_FOLDER": str(folder / "sockets"),
                **env,
            },
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_for(port, process, folder)
        yield Server(f"http://127.0.0.1:{port}", process, folder)
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes], patience: float = 10) -> None:
    """Stop a server as an operator does, and then as a kernel does."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def awaited(ask: Callable[[], T | None], patience: float = 60) -> T:
    """Return the first answer that there is."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if answer := ask():
            return answer
        time.sleep(0.05)
    raise TimeoutError


def comes_to(ask: Callable[[], object], wanted: object, patience: float = 60) -> None:
    """Wait until the answer is as it is wanted: a page shows things a moment after they are so."""
    end = time.monotonic() + patience
    while (answer := ask()) != wanted and time.monotonic() < end:
        time.sleep(0.05)
    assert answer == wanted
