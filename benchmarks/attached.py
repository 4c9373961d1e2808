"""How much of a core it takes to be watched at a rate that a busy server has."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, cast

from heliograph import Emission, Signal, add_instrument
from heliograph.inspector.attaching.folder import Folder
from heliograph.inspector.attaching.workers import Workers
from heliograph.inspector.filters import Only
from heliograph.inspector.inspector import Inspector

if TYPE_CHECKING:
    from collections.abc import Iterator

RATE = 1_000
"""Sends in each second, ten at a time: each of them finds the processor's caches cold."""

WAYS = ("unwatched", "an instrument that does nothing", "counts left on", "heliograph watch")
_ASKING = 0.25


@dataclass(frozen=True)
class Share:
    """What a process takes of one core while it sends.

    Attributes:
        way: Who watches it.
        percent: Of one core, in the median round, without what sending takes unwatched.
        minimum: The same in the best round.
    """

    way: str
    percent: float
    minimum: float


def shares(rounds: int, seconds: float) -> list[Share]:
    """Let processes send for some seconds, each of `WAYS` in turn."""
    found = [{way: _share(way, seconds) for way in WAYS} for _ in range(rounds)]
    return [_summary(way, [it[way] - it["unwatched"] for it in found]) for way in WAYS[1:]]


def _summary(way: str, percents: list[float]) -> Share:
    return Share(way, median(percents), min(percents))


def _share(way: str, seconds: float) -> float:
    with TemporaryDirectory() as place:
        folder = Path(place) / "f"
        command = [sys.executable, "-m", "benchmarks.attached", way, str(seconds), str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            told = cast("IO[str]", child.stdout)
            told.readline()  # It begins.
            if way == "heliograph watch":
                _follow(child, folder)
            return float(told.readline())


def _follow(child: subprocess.Popen[str], folder: Path) -> None:
    workers, cursor = Workers(folder=Folder(folder)), None
    while child.poll() is None:
        picture = workers.after(cursor, only=Only(heard=True))
        cursor = picture.cursor or cursor
        time.sleep(_ASKING)


# --- the process that sends ------------------------------------------------------------


class Sender:
    """What sends."""


def _receive(sender: object, **payload: object) -> None:
    """Do nothing."""


def _nothing(emission: Emission) -> None:
    """Do nothing."""


@contextmanager
def _watched(way: str, folder: str) -> Iterator[None]:
    with ExitStack() as stack:
        if way == "an instrument that does nothing":
            add_instrument(_nothing)
        elif way == "counts left on":
            stack.enter_context(Inspector(counts=True, attach=False))
        elif way == "heliograph watch":
            inspector = stack.enter_context(Inspector(attach="benchmark", folder=folder))
            sys.stdout.write("\n")
            sys.stdout.flush()
            while not inspector.health().recording:
                time.sleep(0.01)
        yield


def _send(seconds: float) -> float:
    """Send at the rate, and return what part of the time the processor was used."""
    signal, sender, sent = Signal("order-paid"), Sender(), 0
    signal.connect(_receive)
    used, begun = time.process_time(), time.perf_counter()
    while (now := time.perf_counter() - begun) < seconds:
        while sent < now * RATE:
            signal.send(sender, order=1, total=2)
            sent += 1
        time.sleep(10 / RATE)
    return (time.process_time() - used) / (time.perf_counter() - begun)


def main(way: str, seconds: str, folder: str) -> None:
    """Send, watched in one way, and print the share in percent."""
    with _watched(way, folder):
        share = _send(float(seconds))
    if way != "heliograph watch":
        sys.stdout.write("\n")
    sys.stdout.write(f"{share * 100}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
