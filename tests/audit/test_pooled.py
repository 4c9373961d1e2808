"""A trail behind PgBouncer, which gives the connections of PostgreSQL away by transaction.

`HELIOGRAPH_POOLED=1 pytest tests/audit tests/transactions` runs all tests behind it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from heliograph import Signal
from heliograph.audit import Trail
from heliograph.transactions import Health
from heliograph.transactions.sqlalchemy import install
from tests.transactions.postgres import pooled

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMES = 10  # psycopg gives a name to a statement that has run five times.


@pytest.fixture
def pooled_url(postgres_port: int, postgres_url: str) -> Iterator[str]:
    """Give a pooler, and behind it a PostgreSQL in which no trail is."""
    assert postgres_url
    with pooled(postgres_port) as port:
        yield f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"


def test_a_trail_is_written_sealed_and_verified_behind_a_pooler(pooled_url: str) -> None:
    """By several at once: no name of a statement and no lock stays on a connection of others."""
    paid = Signal("order-paid")
    with Trail(pooled_url) as one, Trail(pooled_url) as other:
        one.record(paid, actor="user")
        other.record(paid, mode="buffered")

        def work() -> None:
            for n in range(TIMES):
                paid.send("shop", n=n, user="ada")
                one.seal(3)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for it in threads:
            it.start()
        for it in threads:
            it.join()
        assert other.flush(30)
        other.seal()
        assert one.erase("ada", reason="asked for it") == 4 * TIMES
        assert one.prune(1) == 0
        verdict = one.verify()

    assert (verdict.problems, verdict.entries, verdict.erased) == ((), 8 * TIMES + 2, 4 * TIMES)


def test_a_transactional_entry_is_committed_behind_a_pooler(pooled_url: str) -> None:
    """With the row of the program, whose transaction the server can be asked for."""
    paid, heard = Signal("order-paid"), list[int]()
    engine = create_engine(pooled_url, connect_args={"prepare_threshold": None})
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS orders"))
        connection.execute(text("CREATE TABLE orders (n INTEGER PRIMARY KEY)"))

    @paid.connect(when="after_commit")
    def hear(sender: object, *, n: int) -> None:
        heard.append(n)

    with Trail(pooled_url, mode="transactional") as trail, install(unknown="ask") as commits:
        trail.record(paid, target="n")
        for n in range(TIMES):
            with Session(engine) as session:
                session.execute(text("INSERT INTO orders VALUES (:n)"), {"n": n})
                paid.send("shop", n=n)
                if n % 2 == 0:
                    session.commit()
        found = [it.header["target_id"] for it in trail.find(newest_first=False)]
        assert commits.health() == Health(delivered=TIMES // 2, dropped=TIMES // 2)
    engine.dispose()

    assert heard == [*range(0, TIMES, 2)]
    assert found == [str(n) for n in range(0, TIMES, 2)]
