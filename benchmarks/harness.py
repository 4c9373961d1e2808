"""Measures the same work on several engines, taking turns within one process.

Absolute times drift with the machine and its neighbours; engines that take turns every few
milliseconds drift together, so the ratio of two timings of one round holds where neither does.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import repeat
from statistics import median

from benchmarks.engines import Engine, Loop, UnsupportedError

BATCH_NS = 1_500_000
PATIENCE = 20
MOST_PER_BATCH = 50_000

# The time of other programs is not counted, if the system can tell it apart exactly.
OWN_TIME = (
    time.thread_time_ns
    if time.get_clock_info("thread_time").resolution < 1e-6  # noqa: PLR2004 - a microsecond
    else time.perf_counter_ns
)

Items = Iterable[object]


def _nothing(count: int) -> Items:
    return repeat(None, count)


def _leave(_items: Items) -> None:
    pass


@dataclass(frozen=True)
class Work:
    """One operation, ready to be repeated.

    Attributes:
        run: Does the operation once for each item; the only part that is timed.
        items: Makes that many items before the clock starts.
        after: Puts everything back once the clock has stopped.
        alive: What nobody else would keep alive, such as weakly held receivers.
        clock: Nanoseconds, of this thread alone unless others take part in the work.
    """

    run: Loop
    items: Callable[[int], Items] = _nothing
    after: Loop = _leave
    alive: object = None
    clock: Callable[[], int] = OWN_TIME


@dataclass(frozen=True)
class Row:
    """One line of a table: a name, and what an engine has to do for it.

    `size` is how much else exists in a row that asks whether that matters.
    """

    name: str
    prepare: Callable[[Engine], Work]
    size: int = 0


@dataclass
class Timing:
    """What one operation took on one engine: nanoseconds, one figure per round."""

    rounds: list[float] = field(default_factory=list)

    @property
    def minimum(self) -> float:
        """The least disturbed round."""
        return min(self.rounds)

    @property
    def median(self) -> float:
        """The ordinary round."""
        return median(self.rounds)

    def over(self, other: Timing) -> float:
        """Return how many times as long as *other* this took: the median over the rounds."""
        return median(a / b for a, b in zip(self.rounds, other.rounds, strict=True))

    def beyond(self, other: Timing) -> float:
        """Return how much longer than *other* this took: the median over the rounds."""
        return median(a - b for a, b in zip(self.rounds, other.rounds, strict=True))


Timings = dict[str, Timing]


def measure(works: Mapping[str, Work], rounds: int, batch_ns: int = BATCH_NS) -> Timings:
    """Time each of *works*, one batch of about *batch_ns* each per round."""
    timings = {name: Timing() for name in works}
    with _no_garbage_collection():
        counts = {name: _calibrate(work, batch_ns) for name, work in works.items()}
        empty = min(_time(Work(_empty_loop), MOST_PER_BATCH) for _ in range(5))
        turns = list(works.items())
        for _ in range(rounds):
            for name, work in turns:
                timings[name].rounds.append(_time(work, counts[name]) - empty)
            # Back and forth, so that no engine always runs after the one that empties the caches.
            turns.reverse()
    return timings


def prepared(row: Row, engines: Sequence[type[Engine]]) -> dict[str, Work]:
    """Return the work of *row* on each of *engines* that can do it."""
    return dict(_prepared(row, engines))


def _prepared(row: Row, engines: Sequence[type[Engine]]) -> Iterator[tuple[str, Work]]:
    for engine in engines:
        try:
            yield engine.name, row.prepare(engine())
        except UnsupportedError:
            continue


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _calibrate(work: Work, batch_ns: int) -> int:
    """Return how many operations fill a batch; running them warms the interpreter up."""
    count = 1
    while count < MOST_PER_BATCH:
        start = time.perf_counter_ns()
        if _time(work, count) * count >= batch_ns:
            break
        # Where putting things back takes a thousand times as long, a batch stays small.
        if time.perf_counter_ns() - start >= PATIENCE * batch_ns:
            break
        count *= 2
    return count


def _time(work: Work, count: int) -> float:
    items = work.items(count)
    start = work.clock()
    work.run(items)
    elapsed = work.clock() - start
    work.after(items)
    return elapsed / count


def _empty_loop(items: Items) -> None:
    for _ in items:
        pass
