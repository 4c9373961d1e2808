"""Starts real workers of Celery and RQ, and reads which signals their jobs have sent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heliograph.lifecycle.leases import Leases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
ENDS = ("job-finished", "job-failed")


@dataclass
class Working:
    """A worker in a process of its own."""

    process: subprocess.Popen[bytes]
    folder: Path

    def lines(self) -> list[dict[str, Any]]:
        """Return all that was written of jobs."""
        diary = self.folder / "diary"
        text = diary.read_text(encoding="utf-8") if diary.exists() else ""
        lines: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
        return [it for it in lines if it["signal"].startswith("job-")]

    def leases(self) -> Leases:
        """Return what it notes its open runs by, to be asked in this process."""
        return Leases(self.folder / "leases")

    def of(self, job: str) -> list[dict[str, Any]]:
        """Return what was written of one job, run by run.

        The next attempt may begin in another process before this one has told of its end.
        """
        found = [it for it in self.lines() if it["id"] == job]
        runs = list(dict.fromkeys(it["run_id"] for it in found))
        return sorted(found, key=lambda it: runs.index(it["run_id"]))

    def told(self, job: str) -> list[str]:
        """Return it in short: the signals without `job-`, and the outcomes."""
        names = [it["signal"].removeprefix("job-") for it in self.of(job)]
        outcomes = [it.get("outcome") for it in self.of(job)]
        return [" ".join(filter(None, it)) for it in zip(names, outcomes, strict=True)]

    def wait(self, done: Callable[[], bool]) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + 60
        while not done():
            out = (self.folder / "out").read_text(encoding="utf-8")
            assert time.monotonic() < deadline, (self.lines(), out[-5000:])
            time.sleep(0.05)

    def wait_for_ends(self, jobs: dict[str, int]) -> None:
        """Wait until each job has had this many ends."""

        def done() -> bool:
            ended = [it["id"] for it in self.lines() if it["signal"] in ENDS]
            return all(ended.count(job) >= count for job, count in jobs.items())

        self.wait(done)

    def stop(self, by: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to stop, and wait until it has."""
        self.process.send_signal(by)
        self.process.wait(60)


@contextmanager
def working(command: str, broker: str, folder: Path, queue: str) -> Iterator[Working]:
    """Run a worker."""
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *command.split()],
            cwd=ROOT,
            env={
                **os.environ,
                "DIARY": str(folder / "diary"),
                "LEASES": str(folder / "leases"),
                "BROKER": broker,
                "QUEUE": queue,
                "PYTHONPATH": str(ROOT),
                "PYTHONWARNINGS": "ignore",
            },
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Working(process, folder)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
