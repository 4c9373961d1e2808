"""After a commit: what is sent in a transaction crosses once that is committed, or never."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import StaticPool, create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from heliograph.relay import FullError, Limits, Relay
from heliograph.transactions import NoTransactionError
from heliograph.transactions.sqlalchemy import install
from tests.relay.processes import Process, declared, new_url, process, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

ROW = text("INSERT INTO orders VALUES (:n)")


@pytest.fixture
def engine() -> Iterator[Engine]:
    """Give a database with one table."""
    made = create_engine("sqlite://", poolclass=StaticPool)
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE orders (n INTEGER PRIMARY KEY)"))
    with install():
        yield made
    made.dispose()


def waiting(url: str, mode: str = "broadcast", **options: Any) -> Process:
    """Return a process whose signal crosses with a commit."""
    made = Process(Relay(url, app="shop", **options), declared())
    getattr(made.relay, mode)(made.signal, after_commit=True)
    made.signal.connect(made.hear, weak=False)
    return made


@pytest.mark.parametrize("mode", ["broadcast", "replay", "durable"])
def test_it_crosses_with_the_commit(engine: Engine, mode: str) -> None:
    """Receivers here are called at once, as ever; each savepoint decides for itself."""
    url = new_url()
    made, other = waiting(url, mode), process(url, mode, groups=["*"])
    if mode == "durable":
        other.relay.connect(other.signal, other.hear, group="billing")
    with made.relay, other.relay:
        with Session(engine) as session, session.begin():
            session.execute(ROW, {"n": 1})
            made.signal.send("shop", n=1)
            inner = session.begin_nested()
            made.signal.send("shop", n=2)
            inner.rollback()
            made.signal.send("shop", n=3)
            assert made.heard == [1, 2, 3]
            assert made.relay.health().sent == 0
        until(lambda: len(other.heard) == 2)

    assert other.heard == [1, 3]
    assert made.relay.health().sent == 2


def test_nothing_crosses_after_a_rollback(engine: Engine) -> None:
    """As nothing has happened."""
    url = new_url()
    made, other = waiting(url), process(url)
    with made.relay, other.relay:
        with Session(engine) as session:
            session.execute(ROW, {"n": 1})
            made.signal.send("shop", n=1)
            session.rollback()
        with Session(engine) as session, session.begin():
            session.execute(ROW, {"n": 1})
            made.signal.send("shop", n=2)
        until(lambda: other.heard)

    assert (other.heard, other.missed) == ([2], 0)


def test_what_cannot_cross_is_refused_by_the_send(engine: Engine) -> None:
    """And not by the commit."""
    made = waiting(new_url())
    with Session(engine) as session, session.begin():
        session.execute(ROW, {"n": 1})
        with pytest.raises(ValueError, match="which cannot cross"):
            made.signal.send(object(), n=1)

    assert made.heard == []


def test_without_a_transaction_nothing_crosses(engine: Engine) -> None:
    """It is refused before any receiver is called, unless another policy was chosen."""
    made = waiting(new_url())
    with pytest.raises(NoTransactionError):
        made.signal.send("shop", n=1)
    assert made.heard == []


def test_without_a_transaction_it_crosses_at_once_if_that_was_chosen() -> None:
    """For programs that send outside of them as well."""
    url = new_url()
    made, other = waiting(url), process(url)
    with install(no_transaction="now"), made.relay, other.relay:
        made.signal.send("shop", n=1)
        until(lambda: other.heard == [1])


async def test_an_async_session_lets_it_cross_too() -> None:
    """Once its commit is awaited; beside receivers that are awaited then, too."""
    made = waiting(new_url())
    awaited: list[int] = []

    async def hear(sender: object, *, n: int) -> None:
        awaited.append(n)

    made.signal.connect(hear, when="after_commit")
    engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
    with install():
        async with AsyncSession(engine) as session, session.begin():
            await session.execute(text("SELECT 1"))
            await made.signal.send_async("shop", n=1)
            made.signal.send("shop", n=2)
            assert made.relay.health().sent == 0
    await engine.dispose()

    assert made.relay.health().sent == 2
    assert awaited == [1, 2]


def test_what_there_is_no_room_for_is_counted(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """The transaction is committed by then, so nobody can be told by an error."""
    made = waiting(new_url(), "durable", limits=Limits(waiting=1))
    with Session(engine) as session, session.begin():
        session.execute(ROW, {"n": 1})
        for n in range(3):
            made.signal.send("shop", n=n)

    health = made.relay.health()
    assert (health.sent, health.waiting, health.dropped) == (3, 1, {"no room here": 2})
    assert FullError.__name__ in caplog.text
