"""The private folder in which the processes of a user lay down how they can be attached to."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from heliograph import ArgumentError
from heliograph.describe import short_repr
from heliograph.inspector.attaching.locks import Claim
from heliograph.inspector.attaching.messages import AttachError

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = "HELIOGRAPH_ATTACH_FOLDER"
"""The environment variable that names the folder."""

# What the kernel takes, with the zero at the end left out.
LONGEST_PATH = 103 if sys.platform == "darwin" else 107

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._]{0,31}")
_ENTRY = re.compile(rf"({_NAME.pattern})-(\d+)(?:-(\d+))?\.(sock|tcp)")
_LONGEST_ENTRY = len("/-4194304-99.sock") + 32


def check_name(name: object) -> str:
    """Return the name of an application.

    Raises:
        ArgumentError: If it could not be the name of a file.
    """
    if isinstance(name, str) and _NAME.fullmatch(name):
        return name
    msg = (
        f"{short_repr(name)} cannot be the name of an application to attach to: use up to 32 "
        "letters without accents, digits, dots and underscores."
    )
    raise ArgumentError(msg)


def usual_name() -> str:
    """Return the name of an application that has given none: that of the current folder."""
    try:
        found = re.sub(r"[^A-Za-z0-9._]+", "_", Path.cwd().name).strip("_.")
    except OSError:  # It was removed.
        found = ""
    return found[:32] or "application"


@dataclass(frozen=True)
class Entry:
    """Where one process can be attached to.

    Attributes:
        name: The name of its application.
        pid: The number of the process.
        path: Its socket, or the file that tells its port.
    """

    name: str
    pid: int
    path: Path

    @property
    def lock(self) -> Path:
        """The file that its process holds locked as long as it lives."""
        return self.path.with_suffix(".lock")


class Folder:
    """A folder that nobody else may look into.

    Args:
        path: Where it is; by default what the environment says, or a place of the system's for
            such things.
    """

    def __init__(self, path: Path | str | None = None) -> None:
        self.path: Path = _short_enough(_usual_path() if path is None else Path(path))

    def prepare(self) -> None:
        """Make the folder, if it does not exist.

        Raises:
            AttachError: If it is not private.
            OSError: If it cannot be made.
        """
        with suppress(FileExistsError):
            self.path.mkdir(0o700)
        self.check()

    def check(self) -> None:
        """Refuse a folder that others may change or look into.

        Raises:
            AttachError: If it is one.
            OSError: If it does not exist.
        """
        if sys.platform == "win32":  # pragma: no cover - its folders have no such modes.
            return
        found = self.path.lstat()
        if not stat.S_ISDIR(found.st_mode):
            why = "is no folder"
        elif found.st_uid != os.geteuid():
            why = f"belongs to user {found.st_uid}, and this is user {os.geteuid()}"
        elif stat.S_IMODE(found.st_mode) & 0o077:
            why = f"is open to others: its mode is {stat.S_IMODE(found.st_mode):o}, not 700"
        else:
            return
        msg = (
            f"{str(self.path)!r} {why}. Processes are attached to through a private folder: name "
            f"another one in {FOLDER}."
        )
        raise AttachError(msg)

    def entries(self) -> Iterator[Entry]:
        """Yield the processes that are or were there, by name and number.

        Raises:
            AttachError: If the folder is not private.
        """
        try:
            self.check()
            names = sorted(it.name for it in self.path.iterdir())
        except FileNotFoundError:
            return
        for file in names:
            found = _ENTRY.fullmatch(file)
            if found:
                yield Entry(found[1], int(found[2]), self.path / file)

    def claim(self, name: str, suffix: str) -> tuple[Entry, Claim]:
        """Take a name for this process.

        What is left there by a process of the same number is removed.

        Raises:
            OSError: If files cannot be made there.
            AttachError: If too many processes have the number: of other containers, perhaps.
        """
        pid = os.getpid()
        for at in range(100):
            stem = f"{name}-{pid}-{at}" if at else f"{name}-{pid}"
            entry = Entry(name, pid, self.path / f"{stem}{suffix}")
            claim = Claim.on(entry.lock)
            if claim is not None:
                entry.path.unlink(missing_ok=True)
                return entry, claim
        msg = f"A hundred processes of number {pid} are attached to through {str(self.path)!r}."
        raise AttachError(msg)

    def sweep(self, name: str) -> None:
        """Remove what processes of an application have left that were killed."""
        for entry in self.entries():
            # Without its lock nobody can tell: somebody may have cleaned up the folder.
            if entry.name == name and entry.lock.exists():
                remove_if_left(entry)


def remove_if_left(entry: Entry) -> bool:
    """Remove what a process has left that is gone; tell whether it was so."""
    claim = Claim.on(entry.lock)
    if claim is None:
        return False
    entry.path.unlink(missing_ok=True)
    claim.release()
    return True


def _usual_path() -> Path:
    named = os.environ.get(FOLDER)
    if named:
        return Path(named)
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and Path(runtime).is_dir():
        return Path(runtime) / "heliograph"
    user = os.geteuid() if sys.platform != "win32" else os.getlogin()
    return Path(tempfile.gettempdir()) / f"heliograph-{user}"


def _short_enough(path: Path) -> Path:
    """Return the folder, or one with a short name that both sides find for it."""
    path = path.absolute()
    if len(os.fsencode(path)) + _LONGEST_ENTRY <= LONGEST_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
    user = os.geteuid() if sys.platform != "win32" else ""
    return Path("/tmp") / f"heliograph-{user}-{digest}"  # noqa: S108 - it is checked before it is used.
