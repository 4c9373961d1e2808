"""Starts a server as a child process, waits until it listens, and always stops it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar
from urllib.request import urlopen

from tests.cli.children import HELIOGRAPH, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

T = TypeVar("T")

PATIENCE = 30
"""Seconds until a server that does not do what is awaited is given up."""


@contextmanager
def served(*command: str, cwd: Path, **more: str) -> Iterator[str]:
    """Run a server by `heliograph run`, on a port that the system chooses.

    Args:
        command: The server's own command.
        cwd: The folder to run it in.
        more: What else is in its environment.

    Yields:
        Its address, as it says it itself.
    """
    log = cwd / "server.log"
    # The home is where gunicorn puts its control socket.
    env = environment(PYTHONUNBUFFERED="1", HOME=str(cwd), **more)
    # What is killed may leave half of its measurements behind, which cannot be read.
    env.pop("COVERAGE_PROCESS_CONFIG", None)
    with log.open("wb") as output:
        server = subprocess.Popen(
            [HELIOGRAPH, "run", *command],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # It and all its workers can be stopped at once.
            start_new_session=True,
        )
    try:
        yield awaited(lambda: _address(server, log), log)
    finally:
        _tell(server.pid, signal.SIGTERM)
        try:
            server.wait(PATIENCE)
        finally:
            # Also what may have outlived it.
            _tell(server.pid, signal.SIGKILL)


def _address(server: subprocess.Popen[bytes], log: Path) -> str | None:
    text = log.read_text(encoding="utf-8")
    assert server.poll() is None, text
    found = re.search(r"(?i:running on|listening at:) (http://127\.0\.0\.1:[1-9]\d*)", text)
    return found and found[1]


def _tell(group: int, what: signal.Signals) -> None:
    # Nobody may be left of it.
    with suppress(ProcessLookupError):
        os.killpg(group, what)


def awaited(ask: Callable[[], T | None], log: Path) -> T:
    """Return the first answer that there is."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if answer := ask():
            return answer
        time.sleep(0.05)
    raise AssertionError(log.read_text(encoding="utf-8"))


def got(address: str) -> str:
    """Return what a server answers."""
    with urlopen(address, timeout=PATIENCE) as response:  # noqa: S310 - it is our own server.
        return str(response.read().decode())
