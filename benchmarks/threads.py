"""Rows that show how a second sending thread changes the throughput."""

from __future__ import annotations

from threading import Thread
from time import perf_counter_ns
from typing import TYPE_CHECKING

from benchmarks.harness import Work
from benchmarks.rows import sending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmarks.engines import Engine

# Many times as long as a thread keeps the interpreter when another one wants it.
BATCH_NS = 60_000_000
# Sends per item, so that a batch is long although it has few items.
SENDS = 1_000


def sending_in(threads: int) -> Callable[[Engine], Work]:
    """Return the work of sending `SENDS` times in each of so many threads."""

    def prepare(engine: Engine) -> Work:
        work = sending(1)(engine)

        def run(items: Iterable[object]) -> None:
            senders = [Thread(target=work.run, args=(items,)) for _ in range(threads)]
            for sender in senders:
                sender.start()
            for sender in senders:
                sender.join()

        return Work(
            run,
            items=lambda count: range(count * SENDS),
            alive=work.alive,
            clock=perf_counter_ns,
        )

    return prepare
