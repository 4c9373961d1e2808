"""A file beside the trail that keeps entries while their database is away."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

import msgspec

from heliograph import ArgumentError
from heliograph.audit.entry import Entry

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LINE = msgspec.json.Encoder()
_READ = msgspec.json.Decoder(Entry)


class Spool:
    """Entries in a file, a line each, safe on the disk before `keep` returns.

    Args:
        path: The file. It is there only while something waits in it.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._lock = RLock()

    @property
    def path(self) -> str:
        """The file."""
        return str(self._path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other threads out, and other processes that have the same file."""
        with self._lock:
            lock = os.open(f"{self._path}.lock", os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                if sys.platform != "win32":  # pragma: no branch - it has no such lock.
                    fcntl.flock(lock, fcntl.LOCK_EX)
                yield
            finally:
                os.close(lock)

    def waits(self) -> bool:
        """Tell whether something waits."""
        return self._path.exists()

    def keep(self, several: Iterable[Entry]) -> None:
        """Append entries.

        Raises:
            OSError: If the file cannot be written.
        """
        lines = b"".join(_LINE.encode(it) + b"\n" for it in several)
        with self.locked():
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                _write_all(file, lines)
                os.fsync(file)
            finally:
                os.close(file)

    def read(self) -> tuple[list[Entry], int]:
        """Return what waits, and how many lines are broken: those are put aside.

        The last line of a process that was killed may be half of one. The caller holds the lock
        until all of it is in the trail.
        """
        found: list[Entry] = []
        broken: list[bytes] = []
        lines = self._path.read_bytes().split(b"\n") if self.waits() else []
        for line in filter(None, lines):
            try:
                found.append(_READ.decode(line))
            except msgspec.MsgspecError:
                broken.append(line)
        if broken:
            with Path(f"{self._path}.broken").open("ab") as aside:
                aside.write(b"\n".join(broken) + b"\n")
        return found, len(broken)

    def clear(self) -> None:
        """Forget what waited: all of it is in the trail."""
        with suppress(FileNotFoundError):
            self._path.unlink()


def spool_for(path: str | None, trail: str | None, on_failure: str) -> Spool | None:
    """Return the spool of a trail, or None.

    Args:
        path: What was asked for, or None.
        trail: The file of SQLite that the trail is kept in, beside which it is then, or None.
        on_failure: What a durable entry does that cannot be written.

    Raises:
        ArgumentError: If such an entry is to be spooled, and there is no place for it.
    """
    file = path or (None if trail is None else f"{trail}.spool")
    if on_failure == "spool" and file is None:
        msg = "on_failure='spool' needs spool='…', the path of a file: PostgreSQL has none."
        raise ArgumentError(msg)
    return None if file is None else Spool(file)


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
