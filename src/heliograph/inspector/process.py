"""Names this process, so that it is not taken for an earlier one of the same number."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

_LOADED = int(time.time())


def process_name() -> str:
    """Return the number and the start of this process: ``"4711-1a2b3c"``.

    Another process gets the number again one day, and then both together are still different.
    """
    return _name_of(os.getpid())


def is_running(process: str) -> bool:
    """Tell whether a process of this machine, by its name, has not ended."""
    if os.name != "posix":  # pragma: no cover - there, this would end the process.
        return True
    try:
        with suppress(PermissionError):  # It is somebody else's.
            os.kill(int(process.partition("-")[0]), 0)
    except ProcessLookupError:
        return False
    return True


@cache
def _name_of(pid: int) -> str:
    # By number, as a fork leaves everything else as it is.
    return f"{pid}-{_start():x}"


def _start() -> int:
    """Return when this process began: in ticks since the machine did, or else about then."""
    try:
        told = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace")
        return int(told.rpartition(")")[2].split()[19])
    except (OSError, IndexError, ValueError):  # pragma: no cover - Linux alone has that file.
        return _LOADED
