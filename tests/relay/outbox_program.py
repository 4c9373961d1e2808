"""Programs of the fault tests: some write orders, some forward, until they are killed.

It reads lines. `write URL FIRST SEED` begins to store orders from FIRST on, and to send each in its
transaction; some are rolled back, some in a savepoint. `forward URL FILE SEED` begins to hand over
what is in the outbox, to a file that stands for the broker: a line for each envelope. Both answer
with the number of a process, and `kill NUMBER` kills it.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from heliograph.relay.channels import Channel
from heliograph.relay.errors import UnavailableError
from heliograph.relay.outbox import Outbox
from heliograph.transactions.sqlalchemy import install

if TYPE_CHECKING:
    from sqlalchemy import Engine

PAID = Channel("shop", "order-paid", "durable")
AWAY = UnavailableError("Away.")
LOST = UnavailableError("The answer was lost.")


def write(url: str, first: int, chance: random.Random) -> None:
    """Store orders, from a number on."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda it, _: setattr(it, "isolation_level", None))
        event.listen(engine, "begin", lambda it: it.exec_driver_sql("BEGIN IMMEDIATE"))
    outbox = Outbox(url)
    with install():
        for n in range(first, first + 1_000_000, 10):
            try:
                _transaction(engine, outbox, n, chance)
            except OperationalError:  # SQLite's lock was held too long: nothing is committed.
                continue
            time.sleep(chance.random() * 0.02)  # The lock of SQLite is free meanwhile.


def _transaction(engine: Engine, outbox: Outbox, n: int, chance: random.Random) -> None:
    with Session(engine) as session:
        _pay(session, outbox, n)
        if chance.random() < 0.3:
            with session.begin_nested() as savepoint:
                _pay(session, outbox, n + 1)
                if chance.random() < 0.5:
                    savepoint.rollback()
        time.sleep(chance.random() * 0.004)
        if chance.random() < 0.2:
            session.rollback()
        else:
            session.commit()


def _pay(session: Session, outbox: Outbox, n: int) -> None:
    session.execute(text("INSERT INTO orders VALUES (:n)"), {"n": n})
    outbox.add(PAID, f"id-{n}", str(n).encode(), "order-paid")


def forward(url: str, file: str, chance: random.Random) -> None:
    """Hand over what is in the outbox; the broker is slow, and away at times."""
    broker = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def store(_: Any, envelope_id: str, data: bytes) -> None:
        await asyncio.sleep(chance.random() * 0.01)
        if chance.random() < 0.02:
            raise AWAY
        os.write(broker, b"%s %s\n" % (envelope_id.encode(), data))
        await asyncio.sleep(chance.random() * 0.01)
        if chance.random() < 0.02:
            raise LOST

    asyncio.run(Outbox(url, every=0.05, batch=20, lease=0.5).forward(store))


def begin(verb: str, url: str, what: str, seed: str) -> int:
    """Fork a process, as importing all this takes a second; return its number."""
    create_engine(url)  # It imports the driver.
    number = os.fork()
    if number == 0:
        chance = random.Random(int(seed))
        if verb == "write":
            write(url, int(what), chance)
        else:
            forward(url, what, chance)
    return number


def kill(number: int) -> None:
    """Kill a process, as `kill -9` does."""
    os.kill(number, signal.SIGKILL)
    os.waitpid(number, 0)


def main() -> None:
    """Do what is asked until nobody asks any more."""
    going: set[int] = set()
    for line in sys.stdin:
        verb, *args = line.split()
        if verb == "kill":
            number = int(args[0])
            going.remove(number)
            kill(number)
        else:
            url, what, seed = args
            number = begin(verb, url, what, seed)
            going.add(number)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
    for number in going:
        kill(number)


if __name__ == "__main__":
    main()
