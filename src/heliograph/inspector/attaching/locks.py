"""Claims that end with their process, however it ends: locked files."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self


class Claim:
    """A lock on a file, which no other process gets while this one lives.

    By `flock`, on a file that was opened here: locks of `lockf` are lost when anything in the
    process closes the file.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def on(cls, path: Path) -> Self | None:
        """Lock a file, which is made if it does not exist; None if another process has it.

        Raises:
            OSError: If the file cannot be made.
        """
        while True:
            descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                if not _lock(descriptor):
                    os.close(descriptor)
                    return None
                # Whoever had it may have removed it since it was opened: then another one can be
                # made and locked.
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    return cls(path, descriptor)
            except FileNotFoundError:
                pass
            os.close(descriptor)

    def release(self) -> None:
        """Remove the file, and let others have its name."""
        with suppress(OSError):
            self._path.unlink()
        self.leave()

    def leave(self) -> None:
        """Close the file alone: in a forked child the claim is still that of the parent."""
        os.close(self._descriptor)


def _lock(descriptor: int) -> bool:
    if sys.platform == "win32":  # pragma: no cover - numbers of processes are enough there.
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
