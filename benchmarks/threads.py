"""Shows how much more two threads send than one: one signal, or a signal each.

For builds without a GIL, which many packages that other sections need do not support, it runs by
itself. Windows in which the system interrupted a thread do not count:

    python -m benchmarks.threads [ROUNDS]
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from queue import SimpleQueue
from statistics import median
from threading import Thread
from time import perf_counter_ns
from typing import TYPE_CHECKING

from benchmarks.engines import Engine, Loop, Sender, UnsupportedError
from benchmarks.roster import ENGINES
from benchmarks.tables import Table, factor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import ModuleType

    from benchmarks.receivers import Receiver

resource: ModuleType | None
try:
    import resource
except ModuleNotFoundError:  # There is none on Windows.
    resource = None

WITH_GIL: bool = getattr(sys, "_is_gil_enabled", lambda: True)()

# With a GIL, a window is many times as long as a thread keeps the interpreter when another one
# wants it. Without, it is so short that many pass before the system interrupts one.
WINDOW_NS = 60_000_000 if WITH_GIL else 200_000
WINDOWS_PER_ROUND = 1 if WITH_GIL else 100

THREADS = 2
# How much of a window all threads must be at work; the spin that lets them begin together.
OVERLAP = 0.8
APART = 200
HEAD_START_NS = 100_000
CALIBRATIONS = 1 if WITH_GIL else 10

SHARED, OWN = "one signal", "a signal each"


@dataclass(frozen=True)
class Case:
    """What the threads send: one signal or one each, to so many receivers."""

    title: str
    own: bool
    receivers: int


# With a GIL they take turns, whatever they send.
CASES = (
    (Case("2 threads\n÷ 1 thread", own=False, receivers=1),)
    if WITH_GIL
    else tuple(
        Case(f"{signals},\n{count} receiver{'s' * (count > 1)}", signals is OWN, count)
        for signals in (SHARED, OWN)
        for count in (1, 10)
    )
)


@dataclass(frozen=True)
class Turn:
    """When one thread sent, and whether the system interrupted it."""

    start: int
    end: int
    interrupted: bool


class Worker:
    """A thread that stays, as those of a server do, and sends when it is told to.

    It has made nothing of what it uses, as in a server, where the main thread imports everything.
    """

    def __init__(self, place: int) -> None:
        self._place = place
        self._tasks: SimpleQueue[tuple[Loop, int, int] | None] = SimpleQueue()
        self._turns: SimpleQueue[Turn] = SimpleQueue()
        self._thread = Thread(target=self._work)
        self._thread.start()

    def begin(self, loop: Loop, count: int, at: int) -> None:
        """Let it run a loop so many times, from that time on."""
        self._tasks.put((loop, count, at))

    def end(self) -> Turn:
        """Wait until it has."""
        return self._turns.get()

    def stop(self) -> None:
        """End the thread."""
        self._tasks.put(None)
        self._thread.join()

    def _work(self) -> None:
        if hasattr(os, "sched_setaffinity"):  # Of this thread alone, so that they never meet.
            cpus = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(0, {cpus[self._place % len(cpus)]})
        while (task := self._tasks.get()) is not None:
            loop, count, at = task
            items = range(count)
            before = _interruptions()
            while perf_counter_ns() < at:
                pass
            start = perf_counter_ns()
            loop(items)
            end = perf_counter_ns()
            self._turns.put(Turn(start, end, _interruptions() != before))


def _interruptions() -> int:
    if resource is None or not hasattr(resource, "RUSAGE_THREAD"):
        return 0
    found: int = resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw
    return found


@dataclass(frozen=True)
class Contest:
    """One case on one engine: a loop for each thread, and what nobody else would keep alive."""

    loops: Sequence[Loop]
    alive: object


def gains(engines: Sequence[type[Engine]], rounds: int) -> dict[str, dict[str, float]]:
    """Return how many times as much two threads send as one: by case, then by engine."""
    return {case.title: _gains_of(case, engines, rounds) for case in CASES}


def gains_table(gains: Mapping[str, Mapping[str, float]]) -> Table:
    """Return a table with one line per engine."""
    engines = dict.fromkeys(name for found in gains.values() for name in found)
    lines = [[name, *(factor(found.get(name)) for found in gains.values())] for name in engines]
    return Table("Two threads that send", ["throughput", *gains], lines)


def _gains_of(case: Case, engines: Sequence[type[Engine]], rounds: int) -> dict[str, float]:
    contests = dict(_contests(case, engines))
    workers = [Worker(place) for place in range(THREADS)]
    try:
        counts = {name: _calibrate(workers, it) for name, it in contests.items()}
        found: dict[str, list[float]] = {name: [] for name in contests}
        for _ in range(rounds * WINDOWS_PER_ROUND):
            for name, contest in contests.items():
                found[name] += _gain(workers, contest, counts[name])
    finally:
        for worker in workers:
            worker.stop()
    return {name: median(several) for name, several in found.items() if several}


def _contests(case: Case, engines: Sequence[type[Engine]]) -> Iterator[tuple[str, Contest]]:
    for kind in engines:
        try:
            yield kind.name, _contest(case, kind)
        except UnsupportedError:
            continue


def _contest(case: Case, kind: type[Engine]) -> Contest:
    # Only the last ones of many are used: what two threads use should not lie in the same lines of
    # the processor's caches by chance, where the memory had room for one more object.
    made = [_signal(case.receivers, kind) for _ in range(THREADS * APART)][APART - 1 :: APART]
    # A loop for each thread, as what a loop refers to would be shared as well.
    loops = [
        signal.sending(sender=sender)
        for signal, sender, _ in (made if case.own else made[:1] * THREADS)
    ]
    return Contest(loops, made)


def _signal(receivers: int, kind: type[Engine]) -> tuple[Engine, Sender, list[Receiver]]:
    signal = kind()
    heard_by = [signal.new_receiver() for _ in range(receivers)]
    for receiver in heard_by:
        signal.hear(receiver)
    return signal, Sender(), heard_by


def _calibrate(workers: Sequence[Worker], contest: Contest) -> int:
    """Return how often one thread sends in a window; running both warms the interpreter up."""
    count = 1
    while True:
        turns = _turns(workers, contest, count)
        if min(it.end - it.start for it in turns) >= WINDOW_NS:
            break
        count *= 2
    # The least disturbed of some.
    alone = [_turns(workers[:1], contest, count)[0] for _ in range(CALIBRATIONS)]
    return max(1, count * WINDOW_NS // min(it.end - it.start for it in alone))


def _gain(workers: Sequence[Worker], contest: Contest, count: int) -> Iterator[float]:
    """Yield how much more two threads send than one, unless one of them was disturbed."""
    [alone] = _turns(workers[:1], contest, count)
    together = _turns(workers, contest, count)
    if WITH_GIL or not (alone.interrupted or any(it.interrupted for it in together)):
        begun, ended = max(it.start for it in together), min(it.end for it in together)
        longest = max(it.end - it.start for it in together)
        if ended - begun >= OVERLAP * longest or WITH_GIL:
            yield sum((alone.end - alone.start) / (it.end - it.start) for it in together)


def _turns(workers: Sequence[Worker], contest: Contest, count: int) -> list[Turn]:
    at = perf_counter_ns() + HEAD_START_NS
    for worker, loop in zip(workers, contest.loops, strict=False):
        worker.begin(loop, count, at)
    return [worker.end() for worker in workers]


if __name__ == "__main__":
    print(gains_table(gains(ENGINES, int(sys.argv[1]) if sys.argv[1:] else 15)).text())
