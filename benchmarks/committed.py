"""What an entry costs that is committed before its send returns: alone, and by threads at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from benchmarks.cost import Cost, micros
from benchmarks.harness import OWN_TIME, Work, measure
from benchmarks.opened import PAYLOAD, open_trail, row, tables
from benchmarks.tables import factor, number
from heliograph import Signal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from benchmarks.harness import Timings

    Run = Callable[[Iterable[object]], None]

BY_HAND, DURABLE, BLINKER, AUDITLOG = (
    "Core insert and commit, by hand",
    "durable",
    "Blinker receiver that does so",
    "django-auditlog",
)
THREADS = 8
# Each waits for the disk many times.
_ROUND_NS, _THREADS_NS = 20_000_000, 100_000_000


class Committed:
    """Timings of each one by one, without waiting for the disk, and in threads."""

    def __init__(self, folder: Path, rounds: int) -> None:
        self.full: Timings = _measured(folder, "FULL", rounds)
        self._off = _measured(folder, "OFF", rounds)
        self._threads = _measured(folder, "FULL", max(1, rounds // 5), THREADS)

    def costs(self) -> Iterator[Cost]:
        """Give what comes of it."""
        for name, timing in self.full.items():
            yield Cost(f"{name}: one, committed", timing.median / 1000, micros)
        yield _by_hand_over(self.full, "in entries a second", 0.8)
        yield from _auditlog_over(self.full, "in entries a second")
        for name, timing in self._off.items():
            yield Cost(f"{name}: one, without the disk", timing.median / 1000, micros)
        yield _by_hand_over(self._off, "without the disk")
        yield from _auditlog_over(self._off, "without the disk")
        for name, timing in self._threads.items():
            what = f"{name}: {THREADS} threads, entries a second"
            yield Cost(what, 1e9 / timing.median, number)
        yield _by_hand_over(self._threads, f"{THREADS} threads")
        yield from _auditlog_over(self._threads, f"{THREADS} threads", 5)


def _by_hand_over(timings: Timings, how: str, goal: float | None = None) -> Cost:
    times = timings[BY_HAND].over(timings[DURABLE])
    return Cost(f"durable ÷ by hand, {how}", times, factor, goal)


def _auditlog_over(timings: Timings, how: str, goal: float | None = None) -> Iterator[Cost]:
    if AUDITLOG in timings:
        times = timings[AUDITLOG].over(timings[DURABLE])
        yield Cost(f"durable ÷ django-auditlog, {how}", times, factor, goal)


def _measured(folder: Path, synchronous: str, rounds: int, threads: int = 1) -> Timings:
    inside = folder / f"{synchronous}-{threads}"
    inside.mkdir()
    with ExitStack() as open_ones:
        runs = {
            BY_HAND: _by_hand(inside, synchronous),
            DURABLE: open_ones.enter_context(_durable(inside, synchronous)),
            BLINKER: _by_blinker(inside, synchronous),
        }
        if find_spec("auditlog") is not None:
            from benchmarks.peers.auditlog import entering

            runs[AUDITLOG] = entering(inside / "auditlog.db", synchronous)
        works = {}
        for name, run in runs.items():
            if threads > 1:
                pool = open_ones.enter_context(ThreadPoolExecutor(threads))
                run = _in_threads(pool, threads, run)  # noqa: PLW2901 - the same, in threads.
            # Where nothing is waited for, the time of other programs does not count.
            clock = OWN_TIME if synchronous == "OFF" else time.perf_counter_ns
            works[name] = Work(run, clock=clock)
        return measure(works, rounds, _ROUND_NS if threads == 1 else _THREADS_NS)


def _in_threads(pool: ThreadPoolExecutor, threads: int, run: Run) -> Run:
    """Return what does the same by threads that stay, as those of a server do."""

    def run_all(items: Iterable[object]) -> None:
        several = [*items]
        for it in [pool.submit(run, several[at::threads]) for at in range(threads)]:
            it.result()

    return run_all


@contextmanager
def _durable(folder: Path, synchronous: str) -> Iterator[Run]:
    paid = Signal("order-paid")
    with open_trail(folder, "durable", "durable", paid, synchronous):

        def run(items: Iterable[object]) -> None:
            for _ in items:
                paid.send("shop", **PAYLOAD)

        yield run


def _inserting(folder: Path, name: str, synchronous: str) -> Callable[[], None]:
    from heliograph.audit.schema import entries

    engine = tables(folder, name, synchronous)

    def insert() -> None:
        with engine.begin() as connection:
            connection.execute(entries.insert(), row())

    return insert


def _by_hand(folder: Path, synchronous: str) -> Run:
    insert = _inserting(folder, "hand", synchronous)

    def run(items: Iterable[object]) -> None:
        for _ in items:
            insert()

    return run


def _by_blinker(folder: Path, synchronous: str) -> Run:
    from blinker import Signal as Blinked

    insert, paid = _inserting(folder, "blinker", synchronous), Blinked()

    def receive(sender: object, **payload: object) -> None:
        insert()

    paid.connect(receive, weak=False)

    def run(items: Iterable[object]) -> None:
        for _ in items:
            paid.send("shop", **PAYLOAD)

    return run
