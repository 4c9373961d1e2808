"""A program that writes in all three modes until it is told to stop, or killed.

It appends a line to a file for each thing that it was told is done: `T` and `D` for transactional
and durable entries with their numbers, `R` for what it rolled back. At the end it prints what
became of its buffered entries.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
from dataclasses import asdict
from typing import Any

from sqlalchemy import create_engine, event, text
from sqlalchemy.orm import Session

from heliograph import Signal
from heliograph.audit import Limits, Trail
from heliograph.transactions.sqlalchemy import install

paid, tried, viewed = Signal("paid"), Signal("tried"), Signal("viewed")


def main(business: str, trail_url: str, acknowledged: str, seed: str) -> None:
    """Write until standard input ends."""
    chance = random.Random(int(seed))
    file = os.open(acknowledged, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    engine = create_engine(business, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        _begin_immediate(engine)
    limits = Limits(seconds=0.02, batch=50)
    spool = f"{acknowledged}.spool"
    with (
        install(),
        Trail(business, mode="transactional", create=False) as own,
        Trail(trail_url, spool=spool, limits=limits, create=False) as trail,
    ):
        own.record(paid, target="n")
        trail.record(tried, target="n")
        trail.record(viewed, target="n", mode="buffered")
        over = threading.Event()
        work = [
            threading.Thread(target=run, args=(over, file, random.Random(chance.random())))
            for run in (
                lambda *its: _pay(engine, *its),
                lambda *its: _pay(engine, *its),
                _try,
                _view,
            )
        ]
        for it in work:
            it.start()
        _say("ready")
        sys.stdin.read()
        over.set()
        for it in work:
            it.join()
        trail.flush(20)
        _say(json.dumps({**asdict(trail.health()), "views": len(VIEWS)}))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _begin_immediate(engine: Any) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA busy_timeout = 5000")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


VIEWS: list[int] = []
_NUMBERS = iter(range(1, 10_000_000))


def _pay(engine: Any, over: threading.Event, file: int, chance: random.Random) -> None:
    while not over.is_set():
        n = next(_NUMBERS)
        try:
            with Session(engine) as session:
                session.execute(text("INSERT INTO orders VALUES (:n)"), {"n": n})
                paid.send("shop", n=n)
                if chance.random() < 0.2:
                    session.rollback()
                    os.write(file, b"R %d\n" % n)
                else:
                    session.commit()
                    os.write(file, b"T %d\n" % n)
        except Exception:  # noqa: BLE001 - the database is away, or full: nothing is acknowledged.
            over.wait(0.01)


def _try(over: threading.Event, file: int, chance: random.Random) -> None:
    while not over.is_set():
        n = next(_NUMBERS)
        try:
            tried.send("shop", n=n)
        except Exception:  # noqa: BLE001 - likewise.
            over.wait(0.01)
        else:
            os.write(file, b"D %d\n" % n)


def _view(over: threading.Event, file: int, chance: random.Random) -> None:
    while not over.is_set():
        viewed.send("shop", n=next(_NUMBERS))
        VIEWS.append(1)
        over.wait(0.001)


if __name__ == "__main__":
    main(*sys.argv[1:])
