"""What an entry of the trail costs, beside rows that are written by hand and other trails."""

from __future__ import annotations

import time
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks.committed import AUDITLOG, Committed
from benchmarks.cost import Cost, micros
from benchmarks.harness import OWN_TIME, Timing
from benchmarks.opened import BATCH, PAYLOAD, open_trail, row, tables
from benchmarks.tables import Table, factor, hundredths, number
from heliograph import Signal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from heliograph.audit import Trail

NEEDED = ("msgspec", "sqlalchemy")
_ACTORS, _REQUESTS, _ASKED = 1_000, 10, 20


def costs(rounds: int, entries: int) -> Iterator[Cost]:
    """Measure everything; nothing without what a trail needs."""
    if any(find_spec(it) is None for it in NEEDED):
        return
    with TemporaryDirectory() as folder:
        committed = Committed(Path(folder), rounds)
        yield from committed.costs()
        yield from _in_batches(Path(folder), max(1, rounds // 5), committed.full.get(AUDITLOG))
        yield from _of_many(Path(folder), entries)


def table(measured: Iterable[Cost]) -> Table:
    """One line per figure."""
    met = {None: "", True: "yes", False: "**no**"}
    lines = []
    for it in measured:
        goal = "" if it.goal is None else it.shown(it.goal)
        lines.append([it.what, it.shown(it.figure), goal, met[it.is_met]])
    return Table("The trail", ["", "measured", "goal", "met"], lines)


def _millis(value: float) -> str:
    return f"{hundredths(value)} ms"


def _in_batches(folder: Path, rounds: int, auditlog: Timing | None) -> Iterator[Cost]:
    """Processor time of the whole process, in the least disturbed of the rounds."""
    insert, paid = _inserting_many(folder), Signal("order-paid")
    bare, buffered, sender = Timing(), Timing(), Timing()
    several = 10 * BATCH
    with open_trail(folder, "buffered", "buffered", paid) as trail:

        def send(many: int) -> None:
            for _ in range(many):
                paid.send("shop", **PAYLOAD)

        for _ in range(rounds):
            rows = [row() for _ in range(several)]
            began = time.process_time_ns()
            insert(rows)
            bare.rounds.append((time.process_time_ns() - began) / several)
            began = time.process_time_ns()
            send(several)
            trail.flush(60)
            buffered.rounds.append((time.process_time_ns() - began) / several)
            # Less than a batch: nobody writes meanwhile.
            mine = OWN_TIME()
            send(BATCH - 1)
            sender.rounds.append((OWN_TIME() - mine) / (BATCH - 1))
            trail.flush(60)
    ratio = bare.minimum / buffered.minimum
    yield Cost("bare batch insert, entries a second", 1e9 / bare.minimum, number)
    yield Cost("buffered, entries a second, sending included", 1e9 / buffered.minimum, number)
    yield Cost("buffered ÷ bare batch insert, in entries a second", ratio, factor, 0.75)
    if auditlog is not None:
        times = auditlog.median / buffered.minimum
        yield Cost("buffered ÷ django-auditlog, in entries a second", times, factor, 5)
    yield Cost("buffered: the sender", sender.minimum / 1000, micros, 12, more_is_better=False)


def _inserting_many(folder: Path) -> Callable[[list[dict[str, Any]]], None]:
    from heliograph.audit.schema import entries

    engine = tables(folder, "bare")

    def insert(rows: list[dict[str, Any]]) -> None:
        for at in range(0, len(rows), BATCH):
            with engine.begin() as connection:
                connection.execute(entries.insert(), rows[at : at + BATCH])

    return insert


def _of_many(folder: Path, entries: int) -> Iterator[Cost]:
    from heliograph.audit import Search

    with open_trail(folder, "many", "buffered", Signal("nothing")) as trail:
        _fill(trail, entries)
        began = time.process_time()
        trail.seal()
        yield Cost("sealed, entries a second", entries / (time.process_time() - began), number)
        asked: dict[tuple[str, float], Callable[[int], Search]] = {
            ("the newest 50 of an actor", 10): lambda at: Search(actor=f"u{at}"),
            ("all of a request", 2): lambda at: Search(request=f"r{at}"),
        }
        for (what, goal), search in asked.items():
            took = []
            for at in range(_ASKED):
                began = time.perf_counter()
                trail.find(search(at))
                took.append((time.perf_counter() - began) * 1000)
            of = f"{what}, of {number(entries)}"
            yield Cost(of, median(took), _millis, goal, more_is_better=False)
        began = time.process_time()
        verdict = trail.verify()
        speed = verdict.entries / (time.process_time() - began)
        yield Cost("verified, entries a second", speed, number, 100_000)


def _fill(trail: Trail, several: int) -> None:
    from heliograph.audit.entry import Entry
    from heliograph.lifecycle.request import new_id

    for start in range(0, several, 10 * BATCH):
        made = [
            Entry(
                id=new_id(), occurred_at=time.time_ns() // 1000, signal="order-paid",
                action="order-paid", actor_id=f"u{at % _ACTORS}", target_type="order",
                target_id=str(at), request_id=f"r{at // _REQUESTS}", pid=1, source="shop.py:7",
                data={"payload": PAYLOAD},
            )
            for at in range(start, min(several, start + 10 * BATCH))
        ]  # fmt: skip
        trail._store.write(made)  # noqa: SLF001 - many at once, as no program does.
