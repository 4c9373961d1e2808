"""Databases that can be killed, and disks that can be filled."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
from sqlalchemy import create_engine, text

from heliograph.audit import Trail
from tests.lifecycle.served import free_port
from tests.transactions.postgres import installed

if TYPE_CHECKING:
    from collections.abc import Iterator


class Place(Protocol):
    """Where a program keeps its rows and its trail.

    Attributes:
        business: The database of the program, and of its transactional entries.
        trail: That of the other entries.
    """

    business: str
    trail: str

    def kill(self) -> None:
        """Kill the database."""
        ...

    def start(self) -> None:
        """Start it again."""
        ...

    def fill(self) -> None:
        """Fill the disk."""
        ...

    def make_room(self) -> None:
        """Make room again."""
        ...

    def clear(self) -> None:
        """Begin with empty tables."""
        ...


def make_tables(place: Place) -> None:
    """Make the tables of the program and of its trails."""
    for url in {place.business, place.trail}:
        Trail(url).start().stop()
    engine = create_engine(place.business)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS orders"))
        connection.execute(text("CREATE TABLE orders (n INTEGER PRIMARY KEY)"))
    engine.dispose()


class Files:
    """Two files of SQLite, on a disk of their own if *disk* is one."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self.business = f"sqlite:///{folder / 'shop.db'}"
        self.trail = f"sqlite:///{folder / 'trail.db'}"
        self._disk = disk
        make_tables(self)

    def fill(self) -> None:
        """Fill the disk."""
        assert self._disk is not None
        self._disk.fill()

    def make_room(self) -> None:
        """Make room again."""
        assert self._disk is not None
        self._disk.make_room()

    def kill(self) -> None:
        """There is nobody to kill: it is the program that writes."""

    def start(self) -> None:
        """There is nobody to start."""

    def clear(self) -> None:
        """Each run has files of its own."""


class Server:
    """A PostgreSQL of its own, on a disk of its own if *disk* is one."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self._disk = disk
        self._port = free_port()
        self._data = folder / "data"
        self._programs, self._user = installed(folder)
        self.business = f"postgresql+psycopg://postgres@127.0.0.1:{self._port}/postgres"
        self.trail = self.business
        self._data.mkdir()
        if self._user:
            folder.chmod(0o755)
            shutil.chown(self._data, "nobody", "nogroup")
        initdb = [str(self._programs / "bin/initdb"), "-D", str(self._data), "-U", "postgres"]
        options = ["-A", "trust", "-N", "--wal-segsize=1"]
        subprocess.run([*initdb, *options], check=True, **self._quiet())
        self.start()
        make_tables(self)

    def _quiet(self) -> dict[str, Any]:
        nothing = subprocess.DEVNULL
        return {"stdout": nothing, "stderr": nothing, "cwd": "/", **self._user}

    def start(self) -> None:
        """Start it, again maybe."""
        with suppress(FileNotFoundError):
            (self._data / "postmaster.pid").unlink()
        settings = {
            "fsync": "off", "listen_addresses": "127.0.0.1", "max_wal_size": "8MB",
            "min_wal_size": "2MB", "shared_buffers": "8MB",
        }  # fmt: skip
        options = [part for name, it in settings.items() for part in ("-c", f"{name}={it}")]
        command = [str(self._programs / "bin/postgres"), "-D", str(self._data), "-k", ""]
        self._server = subprocess.Popen(
            [*command, "-p", str(self._port), *options], start_new_session=True, **self._quiet()
        )
        until = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(f"host=127.0.0.1 port={self._port} user=postgres").close()
            except psycopg.OperationalError:
                assert time.monotonic() < until
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        """Kill it with all its processes."""
        with suppress(ProcessLookupError):
            os.killpg(self._server.pid, signal.SIGKILL)
        self._server.wait()

    def clear(self) -> None:
        """Begin with empty tables."""
        engine = create_engine(self.business)
        with engine.begin() as connection:
            names = "orders, audit_entry, audit_seal, audit_schema"
            connection.execute(text(f"DROP TABLE {names}"))
        engine.dispose()
        make_tables(self)

    def fill(self) -> None:
        """Fill the disk."""
        assert self._disk is not None
        self._disk.fill()

    def make_room(self) -> None:
        """Make room again; start it if it has given up."""
        assert self._disk is not None
        self._disk.make_room()
        time.sleep(0.1)
        if self._server.poll() is not None:
            self.start()


class Disk:
    """A small disk in memory, mounted for as long as a test runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Leave no room."""
        file = os.open(self.folder / "filler", os.O_WRONLY | os.O_CREAT)
        with suppress(OSError):
            while True:
                os.write(file, bytes(65536))
        with suppress(OSError):
            while True:
                os.write(file, bytes(512))
        os.close(file)

    def make_room(self) -> None:
        """Leave room again."""
        (self.folder / "filler").unlink()


@contextmanager
def disk(folder: Path, megabytes: int) -> Iterator[Disk]:
    """Mount a disk of its own; only root can."""
    folder.mkdir()
    size = f"size={megabytes}m"
    mount = [str(shutil.which("mount")), "-t", "tmpfs", "-o", size, "tmpfs", str(folder)]
    subprocess.run(mount, check=True)
    try:
        yield Disk(folder)
    finally:
        subprocess.run([str(shutil.which("umount")), "-l", str(folder)], check=True)


def can_mount() -> bool:
    """Tell whether a disk can be mounted here."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    probe = Path("/tmp") / f"heliograph-probe-{os.getpid()}"  # noqa: S108 - an empty folder.
    try:
        with disk(probe, 1):
            return True
    except subprocess.CalledProcessError:
        return False
    finally:
        with suppress(OSError):
            probe.rmdir()
