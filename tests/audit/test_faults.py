"""Nothing acknowledged is missing, nothing rolled back is there, whatever was killed or full."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import pytest

from tests.audit.faults import RUNS, Told, full_disk, killed_database, killed_writer
from tests.audit.places import Files, Server, can_mount, disk

if TYPE_CHECKING:
    from collections.abc import Iterator

NEEDS_ROOT = pytest.mark.skipif(
    not can_mount(), reason="needs a disk of its own: run it as root, with mount"
)


@pytest.fixture
def seen_by_all() -> Iterator[Path]:
    """Give a folder that other users see: pytest's own are closed to them."""
    folder = Path(mkdtemp(prefix="heliograph-faults-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.timeout(1800)
def test_a_program_that_is_killed_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """On SQLite, where the program is the database; business rows are all or none."""
    told = Told("the program is killed, on SQLite")
    for run in range(RUNS):
        folder = tmp_path / str(run)
        folder.mkdir()
        told.add(killed_writer(Files(folder), folder, run))

    told.tell()
    assert told.acknowledged() > 0


@pytest.mark.timeout(1800)
def test_a_database_that_is_killed_loses_nothing_that_was_acknowledged(
    tmp_path: Path, seen_by_all: Path
) -> None:
    """On PostgreSQL; what was buffered is stored, spooled, or counted as a gap."""
    place, told = Server(seen_by_all), Told("PostgreSQL is killed")
    try:
        for run in range(RUNS):
            folder = tmp_path / str(run)
            folder.mkdir()
            told.add(killed_database(place, folder, run))
            place.clear()
    finally:
        place.kill()

    told.tell()
    assert told.acknowledged() > 0


@NEEDS_ROOT
@pytest.mark.timeout(1800)
def test_files_on_a_full_disk_lose_nothing_that_was_acknowledged(
    tmp_path: Path, seen_by_all: Path
) -> None:
    """SQLite ends the whole transaction by itself then, whatever the program makes of it."""
    told = Told("the disk of SQLite is full")
    for run in range(RUNS):
        folder = tmp_path / str(run)
        folder.mkdir()
        with disk(seen_by_all / str(run), 6) as small:
            told.add(full_disk(Files(small.folder, small), folder, run))

    told.tell()


@NEEDS_ROOT
@pytest.mark.timeout(1800)
def test_a_server_on_a_full_disk_loses_nothing_that_was_acknowledged(
    tmp_path: Path, seen_by_all: Path
) -> None:
    """PostgreSQL refuses, or gives up and is started again."""
    told = Told("the disk of PostgreSQL is full")
    with disk(seen_by_all / "disk", 130) as small:
        place = Server(small.folder, small)
        try:
            for run in range(RUNS):
                folder = tmp_path / str(run)
                folder.mkdir()
                told.add(full_disk(place, folder, run))
                place.clear()
        finally:
            place.kill()

    told.tell()
