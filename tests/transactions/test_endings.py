"""A commit has three endings: the third is that nobody knows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from heliograph import Signal
from heliograph.transactions import Health, commit_unknown
from heliograph.transactions.sqlalchemy import install
from tests.transactions.cutting import Wire, wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture
def line(postgres_port: int) -> Iterator[Wire]:
    """Give a wire to the server."""
    with wire(postgres_port) as made:
        yield made


@pytest.fixture
def direct(postgres_port: int) -> Iterator[Engine]:
    """Give the database by a way that is never cut, with an empty table."""
    made = create_engine(f"postgresql+psycopg://postgres@127.0.0.1:{postgres_port}/postgres")
    with made.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS orders"))
        connection.execute(text("CREATE TABLE orders (n INTEGER)"))
    yield made
    made.dispose()


def stored(engine: Engine) -> int:
    """Return how many rows everybody sees."""
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM orders")).scalar_one())


@pytest.mark.parametrize(("policy", "calls"), [("drop", 0), ("deliver", 1), ("ask", 1)])
def test_a_lost_answer_is_told_and_settled_by_policy(
    policy: Any, calls: int, line: Wire, direct: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """The row is there, the program got an error: in the log, by a signal, and in the counts."""
    paid, heard, told = Signal("order-paid"), list[object](), list[dict[str, Any]]()
    paid.connect(heard.append, when="after_commit", weak=False)
    engine = create_engine(f"postgresql+psycopg://postgres@127.0.0.1:{line.port}/postgres")
    with (
        install(unknown=policy) as commits,
        commit_unknown.connected_to(lambda _, **payload: told.append(payload)),
        Session(engine) as session,
    ):
        session.execute(text("INSERT INTO orders VALUES (1)"))
        paid.send("shop")
        line.armed = True
        with pytest.raises(DBAPIError):
            session.commit()
        session.rollback()

    assert stored(direct) == 1
    assert len(heard) == calls
    assert commits.health() == Health(unknown=1, delivered=calls)
    assert [(it["signals"], it["policy"]) for it in told] == [(("order-paid",), policy)]
    assert "Nobody knows whether a transaction was committed: OperationalError" in caplog.text
    engine.dispose()


def test_a_server_that_rolled_back_is_believed(line: Wire, direct: Engine) -> None:
    """Asked for a transaction that it has not committed, it says so."""
    paid, heard = Signal("order-paid"), list[object]()
    paid.connect(heard.append, when="after_commit", weak=False)
    engine = create_engine(f"postgresql+psycopg://postgres@127.0.0.1:{line.port}/postgres")
    with install(unknown="ask") as commits, Session(engine) as session:
        session.execute(text("INSERT INTO orders VALUES (1)"))
        number = session.execute(text("SELECT pg_backend_pid()")).scalar()
        paid.send("shop")
        with direct.begin() as connection:
            connection.execute(text("SELECT pg_terminate_backend(:number)"), {"number": number})
        with pytest.raises(DBAPIError):
            session.commit()
        session.rollback()

    assert (stored(direct), heard) == (0, [])
    assert commits.health() == Health(dropped=1)
    engine.dispose()


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
async def test_a_commit_that_was_cancelled_is_unknown(
    driver: str, line: Wire, direct: Engine
) -> None:
    """The server has carried it out, and nobody waits for the answer."""
    paid, heard = Signal("order-paid"), list[object]()
    paid.connect(heard.append, when="after_commit", weak=False)
    engine = create_async_engine(f"postgresql+{driver}://postgres@127.0.0.1:{line.port}/postgres")
    with install(unknown="ask") as commits:
        session = AsyncSession(engine)
        await session.execute(text("INSERT INTO orders VALUES (1)"))
        paid.send("shop")
        line.hold = 1.0
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(session.commit(), 0.2)
        line.hold = 0.0
        await session.close()

    assert stored(direct) == 1
    assert commits.health() == Health(unknown=1, delivered=1)
    assert heard == ["shop"]
    await engine.dispose()


def test_a_receiver_that_fails_hides_no_error_of_the_commit(
    line: Wire, direct: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """One of the signal that tells that nobody knows."""
    paid = Signal("order-paid")
    paid.connect(print, when="after_commit")
    engine = create_engine(f"postgresql+psycopg://postgres@127.0.0.1:{line.port}/postgres")

    def fail(sender: object, **extra: object) -> None:
        raise OSError

    with install(), commit_unknown.connected_to(fail), Session(engine) as session:
        session.execute(text("INSERT INTO orders VALUES (1)"))
        paid.send("shop")
        line.armed = True
        with pytest.raises(DBAPIError):
            session.commit()
        session.rollback()

    assert "A receiver of 'commit-unknown' failed." in caplog.text
    engine.dispose()


def test_what_wrote_nothing_cannot_be_asked_for(line: Wire) -> None:
    """The server gives no id to it, so nothing is delivered."""
    paid, heard = Signal("order-paid"), list[object]()
    paid.connect(heard.append, when="after_commit", weak=False)
    engine = create_engine(f"postgresql+psycopg://postgres@127.0.0.1:{line.port}/postgres")
    with install(unknown="ask") as commits, Session(engine) as session:
        session.execute(text("SELECT 1"))
        paid.send("shop")
        line.armed = True
        with pytest.raises(DBAPIError):
            session.commit()
        session.rollback()

    assert (heard, commits.health()) == ([], Health(unknown=1))
    engine.dispose()


def test_a_server_that_stays_away_is_asked_for_a_while(line: Wire, direct: Engine) -> None:
    """Then it is left at what is unknown."""
    paid, heard = Signal("order-paid"), list[object]()
    paid.connect(heard.append, when="after_commit", weak=False)
    engine = create_engine(f"postgresql+psycopg://postgres@127.0.0.1:{line.port}/postgres")
    with install(unknown="ask", ask_for=0.3) as commits, Session(engine) as session:
        session.execute(text("INSERT INTO orders VALUES (1)"))
        paid.send("shop")
        line.armed = True
        line.close()
        with pytest.raises(DBAPIError):
            session.commit()
        session.rollback()

    assert (heard, stored(direct)) == ([], 1)
    assert commits.health() == Health(unknown=1)
    engine.dispose()


def test_sqlite_has_nothing_to_be_asked_for() -> None:
    """Its commits are known."""
    paid, heard = Signal("order-paid"), list[object]()
    paid.connect(heard.append, when="after_commit", weak=False)
    engine = create_engine("sqlite://")
    with install(unknown="ask"), Session(engine) as session, session.begin():
        session.execute(text("SELECT 1"))
        paid.send("shop")

    assert heard == ["shop"]
    engine.dispose()


class Base(DeclarativeBase):
    """What the tables have in common."""


class Order(Base):
    """A row."""

    __tablename__ = "orders"
    n: Mapped[int] = mapped_column(primary_key=True)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Engine]:
    """Give a file of SQLite whose writers wait for nobody."""
    made = create_engine(f"sqlite:///{tmp_path / 'orders.db'}", connect_args={"timeout": 0})
    Base.metadata.create_all(made)
    yield made
    made.dispose()


def test_a_commit_whose_flush_fails_delivers_nothing(file: Engine) -> None:
    """The server was never told to commit."""
    paid, heard = Signal("order-paid"), list[object]()
    paid.connect(heard.append, when="after_commit", weak=False)
    with install() as commits, Session(file) as session:
        session.execute(text("INSERT INTO orders VALUES (1)"))
        paid.send("shop")
        session.add(Order(n=1))
        with pytest.raises(IntegrityError):
            session.commit()
        session.rollback()

    assert (heard, stored(file), commits.health()) == ([], 0, Health(dropped=1))


def test_a_commit_that_sqlite_refuses_delivers_nothing(file: Engine) -> None:
    """Somebody reads, and it is known that nothing was committed."""
    paid, heard = Signal("order-paid"), list[object]()
    paid.connect(heard.append, when="after_commit", weak=False)
    with file.begin() as connection:
        connection.execute(text("INSERT INTO orders VALUES (1), (2)"))
    with install() as commits, Session(file) as session, file.connect() as reader:
        reader.execute(text("BEGIN"))
        reader.execute(text("SELECT n FROM orders")).fetchall()
        session.execute(text("INSERT INTO orders VALUES (3)"))
        paid.send("shop")
        with pytest.raises(OperationalError, match="database is locked"):
            session.commit()
        session.rollback()
        reader.rollback()

    assert (heard, stored(file), commits.health()) == ([], 2, Health(dropped=1))


async def test_a_commit_of_sqlite_that_was_cancelled_is_unknown(
    file: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """It goes on in its thread, and the row is there."""
    paid, heard = Signal("order-paid"), list[object]()
    paid.connect(heard.append, when="after_commit", weak=False)
    engine = create_async_engine(f"sqlite+aiosqlite:///{file.url.database}")
    with file.begin() as connection:
        connection.execute(text("INSERT INTO orders VALUES (1), (2)"))
    with install() as commits, file.connect() as reader:
        session = AsyncSession(engine)
        await session.execute(text("INSERT INTO orders VALUES (3)"))
        paid.send("shop")
        reader.execute(text("BEGIN"))
        reader.execute(text("SELECT n FROM orders")).fetchall()
        asyncio.get_running_loop().call_later(0.3, reader.rollback)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(session.commit(), 0.1)
        await session.close()
        await engine.dispose()

    assert stored(file) == 3
    assert (heard, commits.health()) == ([], Health(unknown=1))
    assert "Nobody knows whether a transaction was committed" in caplog.text


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
async def test_a_lost_answer_is_told_to_async_sessions(
    driver: str, line: Wire, direct: Engine
) -> None:
    """With each driver; the server knows."""
    paid, heard = Signal("order-paid"), list[object]()
    paid.connect(heard.append, when="after_commit", weak=False)
    engine = create_async_engine(f"postgresql+{driver}://postgres@127.0.0.1:{line.port}/postgres")
    with install(unknown="ask") as commits:
        session = AsyncSession(engine)
        await session.execute(text("INSERT INTO orders VALUES (1)"))
        paid.send("shop")
        line.armed = True
        with pytest.raises(DBAPIError):
            await session.commit()
        await session.close()
    await engine.dispose()

    assert (stored(direct), heard) == (1, ["shop"])
    assert commits.health() == Health(unknown=1, delivered=1)


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
async def test_a_statement_that_was_cancelled_is_no_commit(
    driver: str, line: Wire, direct: Engine
) -> None:
    """Nobody has told the server to commit, so nothing is unknown."""
    paid, heard = Signal("order-paid"), list[object]()
    paid.connect(heard.append, when="after_commit", weak=False)
    engine = create_async_engine(f"postgresql+{driver}://postgres@127.0.0.1:{line.port}/postgres")
    with install() as commits:
        session = AsyncSession(engine)
        await session.execute(text("INSERT INTO orders VALUES (1)"))
        paid.send("shop")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(session.execute(text("SELECT pg_sleep(60)")), 0.1)
        await session.close()
    await engine.dispose()

    assert (stored(direct), heard, commits.health()) == (0, [], Health(dropped=1))


async def test_a_shielded_commit_delivers_when_it_has_ended(line: Wire, direct: Engine) -> None:
    """Whoever waits for it may give up meanwhile."""
    paid, heard = Signal("order-paid"), list[object]()
    paid.connect(heard.append, when="after_commit", weak=False)
    engine = create_async_engine(f"postgresql+asyncpg://postgres@127.0.0.1:{line.port}/postgres")
    with install() as commits:
        session = AsyncSession(engine)
        await session.execute(text("INSERT INTO orders VALUES (1)"))
        paid.send("shop")
        line.hold = 0.3
        commit = asyncio.ensure_future(session.commit())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(commit), 0.1)
        assert heard == []
        line.hold = 0.0
        await commit
        await session.close()
    await engine.dispose()

    assert (stored(direct), heard, commits.health()) == (1, ["shop"], Health(delivered=1))
