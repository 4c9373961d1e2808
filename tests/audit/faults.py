"""Kills databases and writers, and fills disks, at random moments, and looks what is there then.

`make faults` runs a hundred of each kind, `make test` ten: HELIOGRAPH_FAULTS says how many.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, text

from heliograph.audit import Trail

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.audit.places import Place

RUNS = int(os.environ.get("HELIOGRAPH_FAULTS", "10"))


@dataclass(frozen=True)
class Found:
    """What a run has left.

    Attributes:
        acknowledged: How many things the program was told are done.
        missing: Those that are not there.
        undone: How many things it has rolled back.
        rolled_back: Those of them that are there.
        halves: Business rows without an entry, and entries without a row.
        sent: How many buffered entries the program says it has sent; None if it was killed.
        stored: How many of them are in the trail.
        spooled: How many of them wait in the spool, and are not in the trail.
        lost: How many of them are in counted gaps.
    """

    acknowledged: int
    missing: list[str]
    undone: int
    rolled_back: list[str]
    halves: set[str]
    sent: int | None
    stored: int
    spooled: int
    lost: int

    @property
    def unexplained(self) -> int:
        """Buffered entries that are neither stored, spooled nor counted as a gap."""
        return 0 if self.sent is None else self.sent - self.stored - self.spooled - self.lost


class Told:
    """Adds up what all runs of a kind have left, for a line that `make faults` shows."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._runs: list[Found] = []

    def add(self, found: Found) -> None:
        """Compare a run with what is promised, and add it.

        Raises:
            AssertionError: If it is not so.
        """
        assert (found.missing, found.rolled_back, found.halves) == ([], [], set())
        assert found.unexplained == 0
        self._runs.append(found)

    def acknowledged(self) -> int:
        """Return how many things the program was told are done."""
        return sum(it.acknowledged for it in self._runs)

    def tell(self) -> None:
        """Print the line of a table."""
        known = [it for it in self._runs if it.sent is not None]
        buffered = [
            f"{sum(several):,}" if known else ""
            for several in (
                [it.sent or 0 for it in known],
                [it.stored for it in known],
                [it.spooled for it in known],
                [it.lost for it in known],
            )
        ]
        undone = sum(it.undone for it in self._runs)
        cells = [self._what, str(len(self._runs)), f"{self.acknowledged():,}", f"{undone:,}"]
        sys.stdout.write(f"| {' | '.join(cells + buffered)} |\n")


@contextmanager
def writing(place: Place, folder: Path, seed: int) -> Iterator[subprocess.Popen[str]]:
    """Run the program; wait for its last words unless it was killed."""
    command = [
        sys.executable, "-m", "tests.audit.fault_writer", place.business, place.trail,
        str(folder / "acknowledged"), str(seed),
    ]  # fmt: skip
    with (folder / "err").open("w") as err:
        program = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=err, text=True
        )
    assert program.stdin is not None
    assert program.stdout is not None
    try:
        assert program.stdout.readline() == "ready\n", (folder / "err").read_text()
        yield program
    finally:
        with suppress(ProcessLookupError):
            program.kill()
        program.wait()
        program.stdout.close()
        with suppress(BrokenPipeError):
            program.stdin.close()


def killed_writer(place: Place, folder: Path, seed: int) -> Found:
    """Kill the program at a random moment."""
    with writing(place, folder, seed) as program:
        time.sleep(random.Random(seed).uniform(0.02, 0.5))
        program.send_signal(signal.SIGKILL)
        program.wait()
    return look(place, folder, None)


def killed_database(place: Place, folder: Path, seed: int) -> Found:
    """Kill the database at a random moment, start it again, and let the program go on."""
    return _disturbed(place, folder, seed, place.kill, place.start)


def full_disk(place: Place, folder: Path, seed: int) -> Found:
    """Fill the disk at a random moment, make room again, and let the program go on."""
    return _disturbed(place, folder, seed, place.fill, place.make_room)


def _disturbed(place: Place, folder: Path, seed: int, disturb: Any, mend: Any) -> Found:
    chance = random.Random(seed)
    with writing(place, folder, seed) as program:
        time.sleep(chance.uniform(0.02, 0.4))
        disturb()
        time.sleep(chance.uniform(0.05, 0.3))
        mend()
        time.sleep(0.2)
        out, _ = program.communicate("", timeout=60)
    return look(place, folder, int(json.loads(out.splitlines()[-1])["views"]))


def look(place: Place, folder: Path, sent: int | None) -> Found:
    """Compare what was acknowledged with what is there."""
    acknowledged: dict[str, set[str]] = {"T": set(), "D": set(), "R": set()}
    for line in (folder / "acknowledged").read_text().splitlines():
        kind, number = line.split()
        acknowledged[kind].add(number)
    orders = _orders(place)
    paid = _entries(place.business, "paid")
    tried = _entries(place.trail, "tried")
    there = {"T": orders & paid, "D": tried}
    stored, spooled, lost = _buffered(place, folder)
    return Found(
        acknowledged=len(acknowledged["T"]) + len(acknowledged["D"]),
        missing=sorted(f"{kind} {it}" for kind in there for it in acknowledged[kind] - there[kind]),
        undone=len(acknowledged["R"]),
        rolled_back=sorted(acknowledged["R"] & (orders | paid)),
        halves=orders ^ paid,
        sent=sent,
        stored=stored,
        spooled=spooled,
        lost=lost,
    )


def _orders(place: Place) -> set[str]:
    engine = create_engine(place.business)
    with engine.connect() as connection:
        found = {str(it) for it in connection.scalars(text("SELECT n FROM orders"))}
    engine.dispose()
    return found


def _entries(url: str, name: str) -> set[str]:
    with Trail(url, create=False) as trail:
        return {it.header["target_id"] for it in trail.find(signal=name, limit=10**9)}


def _buffered(place: Place, folder: Path) -> tuple[int, int, int]:
    spool = folder / "acknowledged.spool"
    spooled = spool.read_text().splitlines() if spool.exists() else []
    with Trail(place.trail, create=False) as trail:
        stored = {it.header["id"] for it in trail.find(signal="viewed", limit=10**9)}
        gaps = [it.data or {} for it in trail.find(signal="trail.gap", limit=10**9)]
    waiting = {json.loads(it)["id"] for it in spooled if '"viewed"' in it}
    lost = sum(int(it["payload"]["lost"]) for it in gaps)
    return len(stored), len(waiting - stored), lost
