"""Runs a job until it is killed, in this process or in a child, and prints which one that is."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from heliograph.lifecycle import job
from heliograph.lifecycle.leases import Leases

if TYPE_CHECKING:
    from collections.abc import Callable


@job(name="wait")
def wait() -> None:
    """Say which process this is, and wait to be killed."""
    print(os.getpid(), flush=True)  # noqa: T201 - the test reads it.
    time.sleep(60)


def main(folder: str, where: str) -> None:
    """Run it here, while a child does nothing, or the other way round."""
    leases = Leases(folder)
    leases.start()
    reading, writing = os.pipe()
    is_child = os.fork() == 0
    if is_child:
        os.write(writing, b"!")  # It holds nothing of its parent any more.
    else:
        os.read(reading, 1)
    if is_child == (where == "child"):
        wait()
    time.sleep(60)


def leave(folder: str) -> None:
    """Let children stop what was started here, and print what is left of it, twice."""
    leases = Leases(folder)
    leases.start()
    in_child(leases.stop)
    print(*Path(folder).glob("*.process"), sep="\n")  # noqa: T201 - the test reads it.
    leases.stop()
    del leases
    in_child(lambda: None)


def in_child(call: Callable[[], None]) -> None:
    """Do something in a child."""
    child = os.fork()
    if child == 0:
        call()
        os._exit(0)
    os.waitpid(child, 0)


if __name__ == "__main__":
    if sys.argv[2] == "nowhere":
        leave(sys.argv[1])
    else:
        main(*sys.argv[1:])
