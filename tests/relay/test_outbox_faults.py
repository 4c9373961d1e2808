"""Programs are killed at random moments: what was committed has arrived, and nothing else has."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Self

import pytest
from sqlalchemy import create_engine, text

from heliograph.relay.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_FEW = 20
RUNS = int(os.environ.get("HELIOGRAPH_OUTBOX_FAULTS", "1"))


class Programs:
    """Processes that write, and processes that forward."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.relay.outbox_program"]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._program = subprocess.Popen(command, text=True, **pipes)
        return self

    def __exit__(self, *_: object) -> None:
        self._program.communicate(timeout=60)

    def tell(self, *words: object) -> int:
        """Say what to do; return the number of the process."""
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write(" ".join(map(str, words)) + "\n")
        self._program.stdin.flush()
        return int(self._program.stdout.readline())


def disturb(url: str, broker: Path, chance: random.Random) -> None:
    """Let two processes write and two forward, and kill one after the other."""
    # The numbers tell who has written an order; the last digit is left for savepoints.
    first = iter(range(0, 1_000_000_000, 10_000_000))
    going: dict[str, list[int]] = {"write": [], "forward": []}
    others = chance.sample(["write", "forward"] * 5, 10)
    with Programs() as programs:
        for kind in ["write", "write", "forward", "forward", *others]:
            if len(going[kind]) > 1:
                programs.tell("kill", going[kind].pop(0))
            what = next(first) if kind == "write" else broker
            going[kind].append(programs.tell(kind, url, what, chance.randrange(10**6)))
            time.sleep(chance.uniform(0.02, 0.4))
        wait(lambda: len(broker.read_text().splitlines()) >= _FEW)


def wait(what: Callable[[], bool]) -> None:
    """Wait until something is true."""
    until = time.monotonic() + 60
    while not what():
        assert time.monotonic() < until, "It did not come true."
        time.sleep(0.02)


def rest(url: str, broker: Path) -> None:
    """Forward what is left, once those who died have lost it."""
    outbox = Outbox(url, every=0.05)
    stopping = asyncio.Event()

    async def store(_: Any, envelope_id: str, data: bytes) -> None:
        with broker.open("ab") as file:
            file.write(b"%s %s\n" % (envelope_id.encode(), data))

    async def empty() -> None:
        task = asyncio.create_task(outbox.forward(store, stopping))
        await asyncio.to_thread(wait, lambda: outbox.unsent() == 0)
        stopping.set()
        await task

    asyncio.run(empty())
    outbox.close()


def orders(url: str) -> list[str]:
    """Return the orders that are there, as another connection sees them."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = [str(it) for it in connection.scalars(text("SELECT n FROM orders"))]
    engine.dispose()
    return found


@pytest.mark.timeout(120 * RUNS)
def test_what_was_committed_arrives_whoever_is_killed(database_url: str, tmp_path: Path) -> None:
    """And what was rolled back does not; what arrives twice has the same id."""
    outbox = Outbox(database_url)
    outbox.open()
    broker = tmp_path / "broker"
    for run in range(RUNS):
        seed = random.randrange(10**6) if RUNS > 1 else run
        broker.write_bytes(b"")
        disturb(database_url, broker, random.Random(seed))
        rest(database_url, broker)

        arrived = [line.split() for line in broker.read_text().splitlines()]
        stored = orders(database_url)
        numbers = {n for _, n in arrived}
        assert {it for it, n in arrived if it != f"id-{n}"} == set()
        assert set(stored) - numbers == set(), f"missing, seed {seed}"
        assert numbers - set(stored) == set(), f"ghosts, seed {seed}"
        clear(database_url)
    outbox.close()


def clear(url: str) -> None:
    """Begin with no orders."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM orders"))
    engine.dispose()
