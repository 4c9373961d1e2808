"""What is sent in a transaction is committed with it, and reaches the broker for certain."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import django
import pytest
from django.db import connections, transaction
from sqlalchemy import create_engine, event, insert, inspect, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

import tests.lifecycle.django_project  # noqa: F401 - Django's settings.
from heliograph import ArgumentError
from heliograph.relay.channels import Channel
from heliograph.relay.errors import FullError, RefusedError, RelayError, UnavailableError
from heliograph.relay.outbox import Outbox, OutboxHealth
from heliograph.relay.tables import schema as tables
from heliograph.relay.tables.unsent import values
from heliograph.transactions import NoTransactionError, SwallowedError
from heliograph.transactions.django import install as install_django
from heliograph.transactions.sqlalchemy import install
from tests.transactions.cutting import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from heliograph.relay.tables.unsent import Unsent

django.setup()

PAID = Channel("shop", "order-paid", "durable", 60.0, 1000)
VIEWED = Channel("shop", "viewed", "replay")
QUICK: dict[str, Any] = {"every": 0.05, "lease": 2.0}


@dataclass
class Broker:
    """Keeps what it is given, unless it was told to fail."""

    stored: list[tuple[Channel, str, bytes]] = field(default_factory=list)
    errors: dict[str, Exception] = field(default_factory=dict)
    times: list[float] = field(default_factory=list)

    async def store(self, channel: Channel, envelope_id: str, data: bytes) -> None:
        """Store something, or fail."""
        self.times.append(time.monotonic())
        if envelope_id in self.errors:
            raise self.errors[envelope_id]
        self.stored.append((channel, envelope_id, data))

    @property
    def ids(self) -> list[str]:
        """The ids of what is stored, in order."""
        return [it for _, it, _ in self.stored]


@pytest.fixture(autouse=True)
def watched() -> Iterator[None]:
    """Let sends know the sessions' transactions."""
    with install():
        yield


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """Give the engine of the program."""
    made = create_engine(database_url)
    yield made
    made.dispose()


@pytest.fixture
def outbox(database_url: str) -> Iterator[Outbox]:
    """Give an outbox with its tables."""
    made = Outbox(database_url, **QUICK)
    made.open()
    yield made
    made.close()


@contextmanager
def django_at(url: str) -> Iterator[str]:
    """Let Django know a database."""
    at = make_url(url)
    engine = "postgresql" if at.get_backend_name() == "postgresql" else "sqlite3"
    connections.settings["outboxed"] = {
        **connections.settings["default"],
        "ENGINE": f"django.db.backends.{engine}",
        "NAME": at.database,
        "USER": at.username or "",
        "HOST": at.host or "",
        "PORT": str(at.port or ""),
    }
    try:
        with install_django():
            yield "outboxed"
    finally:
        connections["outboxed"].close()
        del connections["outboxed"]
        del connections.settings["outboxed"]


def pay(session: Session, outbox: Outbox, n: int, channel: Channel = PAID) -> None:
    """Store an order, and send that it was paid."""
    session.execute(text("INSERT INTO orders VALUES (:n)"), {"n": n})
    outbox.add(channel, f"id-{n}", b"paid %d" % n, "the signal 'order-paid'")


def put(engine: Engine, outbox: Outbox, *several: int) -> None:
    """Put orders into an outbox, each in a transaction of its own."""
    for n in several:
        with Session(engine) as session, session.begin():
            pay(session, outbox, n)


def rows(engine: Engine) -> list[str]:
    """Return the ids that are in the outbox, as another connection sees them."""
    with engine.connect() as connection:
        return [*connection.scalars(select(tables.outbox.c.id).order_by(tables.outbox.c.number))]


@asynccontextmanager
async def forwarding(outbox: Outbox, broker: Broker, **options: Any) -> AsyncIterator[None]:
    """Forward meanwhile, to the end of a batch."""
    stopping = asyncio.Event()
    task = asyncio.create_task(outbox.forward(broker.store, stopping, **options))
    try:
        yield
    finally:
        stopping.set()
        await task


async def until(what: Any, seconds: float = 60.0) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "It did not come true."
        await asyncio.sleep(0.005)


# What gets into it.


def test_a_row_is_there_exactly_if_its_transaction_is(outbox: Outbox, engine: Engine) -> None:
    """Savepoint by savepoint, in the order of sending."""
    with Session(engine) as session:
        pay(session, outbox, 1)
        with session.begin_nested():
            pay(session, outbox, 2)
        lost = session.begin_nested()
        pay(session, outbox, 3)
        lost.rollback()
        pay(session, outbox, 4)
        session.commit()
        pay(session, outbox, 5)
        session.rollback()

    assert rows(engine) == ["id-1", "id-2", "id-4"]
    assert outbox.unsent() == 3


async def test_async_sessions_of_other_drivers_write_into_it_as_well(
    outbox: Outbox, engine: Engine, database_url: str
) -> None:
    """It is the database that has to be the same, and not the driver."""
    drivers = ["sqlite+aiosqlite"]
    if engine.dialect.name == "postgresql":
        drivers = ["postgresql+psycopg", "postgresql+asyncpg"]
    for n, driver in enumerate(drivers):
        program = create_async_engine(make_url(database_url).set(drivername=driver))
        async with AsyncSession(program) as session, session.begin():
            await session.execute(text("INSERT INTO orders VALUES (:n)"), {"n": n})
            outbox.add(PAID, f"id-{n}", b"", "it")
            outbox.add(PAID, f"more-{n}", b"", "it")
        await program.dispose()

    expected = [f"{it}-{n}" for n in range(len(drivers)) for it in ("id", "more")]
    assert rows(engine) == expected


def test_djangos_transactions_write_into_it_as_well(
    outbox: Outbox, engine: Engine, database_url: str
) -> None:
    """Block by block."""
    with django_at(database_url) as alias:
        with transaction.atomic(using=alias):
            outbox.add(PAID, "id-1", b"\x00\xff", "it")
            outbox.add(VIEWED, "id-2", b"", "it")
        with transaction.atomic(using=alias):
            outbox.add(PAID, "id-3", b"", "it")
            transaction.set_rollback(True, using=alias)
        with transaction.atomic(using=alias):
            outbox.add(PAID, "id-4", b"", "it")

    assert rows(engine) == ["id-1", "id-2", "id-4"]


def test_a_process_that_only_sends_need_not_open_it(
    outbox: Outbox, engine: Engine, database_url: str
) -> None:
    """Once its tables are there; another process may forward."""
    other = Outbox(database_url, create=False)
    put(engine, other, 1)
    other.close()

    assert rows(engine) == ["id-1"]


def test_without_a_transaction_nothing_is_added(outbox: Outbox, engine: Engine) -> None:
    """It would be there whatever becomes of the rest."""
    with pytest.raises(NoTransactionError, match="'order-paid' was sent where no transaction"):
        outbox.add(PAID, "id-1", b"", "the signal 'order-paid'")

    assert rows(engine) == []


def test_a_transaction_in_another_database_is_refused(
    outbox: Outbox, engine: Engine, tmp_path: Path
) -> None:
    """Its commit fails, and names both; they could not be committed together."""
    other = create_engine(f"sqlite:///{tmp_path / 'other.db'}")
    with other.begin() as connection:
        connection.execute(text("CREATE TABLE orders (n INTEGER)"))
    with Session(other) as session:
        pay(session, outbox, 1)
        with pytest.raises(RelayError) as caught:
            session.commit()
        session.rollback()
        assert [*session.scalars(text("SELECT n FROM orders"))] == []
    other.dispose()

    assert f"The transaction is in {other.url}, and the outbox is in {engine.url}" in str(
        caught.value
    )


def test_a_transaction_that_does_nothing_else_is_enough(outbox: Outbox, engine: Engine) -> None:
    """It gets its connection for the row."""
    with Session(engine) as session, session.begin():
        outbox.add(PAID, "1", b"{}", "order-paid")

    assert outbox.unsent() == 1


def test_what_a_session_has_for_some_classes_is_another_database(
    outbox: Outbox, engine: Engine, tmp_path: Path
) -> None:
    """The row would be committed beside the rest, and not with it."""

    class Base(DeclarativeBase):
        pass

    class Order(Base):
        __tablename__ = "orders"
        n: Mapped[int] = mapped_column(primary_key=True)

    other = create_engine(f"sqlite:///{tmp_path / 'other.db'}")
    Base.metadata.create_all(other)
    with Session(engine, binds={Order: other}) as session:
        session.add(Order(n=7))
        session.flush()
        outbox.add(PAID, "1", b"{}", "order-paid")
        with pytest.raises(RelayError, match="what is not in one database"):
            session.commit()
        session.rollback()
    other.dispose()

    assert outbox.unsent() == 0


def test_another_database_with_an_outbox_of_its_own_is_refused(
    outbox: Outbox, engine: Engine, tmp_path: Path
) -> None:
    """Nobody would look for the row there."""
    url = f"sqlite:///{tmp_path / 'other.db'}"
    theirs = Outbox(url)
    theirs.open()
    other = create_engine(url)
    with Session(other) as session:
        session.execute(text("SELECT 1"))
        outbox.add(PAID, "id-1", b"", "it")
        with pytest.raises(RelayError, match="Use the same database for both"):
            session.commit()
    with django_at(url) as alias:
        with (
            pytest.raises(RelayError, match="Django's 'outboxed'"),
            transaction.atomic(using=alias),
        ):
            outbox.add(PAID, "id-1", b"", "it")
        with transaction.atomic(using=alias):
            theirs.add(PAID, "id-1", b"", "it")

    assert rows(other) == ["id-1"]
    assert rows(engine) == []
    other.dispose()
    theirs.close()


def test_django_without_the_tables_is_refused(outbox: Outbox, tmp_path: Path) -> None:
    """The other database is named."""
    with (
        django_at(f"sqlite:///{tmp_path / 'other.db'}") as alias,
        pytest.raises(RelayError, match="no such table"),
        transaction.atomic(using=alias),
    ):
        outbox.add(PAID, "id-1", b"", "it")


def test_what_cannot_be_written_is_committed_by_nobody(
    outbox: Outbox, engine: Engine, database_url: str
) -> None:
    """The business row neither."""
    with Session(engine) as session:
        pay(session, outbox, 1)
        outbox.add(PAID, "id-2", None, "it")  # type: ignore[arg-type]  # No data: as if it failed.
        with pytest.raises(RelayError, match=r"committed: (IntegrityError|NotNullV)"):
            session.commit()
        with pytest.raises(SwallowedError):
            session.commit()
        session.rollback()
        assert [*session.scalars(text("SELECT n FROM orders"))] == []
    with (
        django_at(database_url) as alias,
        pytest.raises(RelayError, match="cannot be written"),
        transaction.atomic(using=alias),
    ):
        outbox.add(PAID, "id-2", None, "it")  # type: ignore[arg-type]  # As above.

    assert rows(engine) == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_session_that_looks_into_another_schema_writes_into_the_same_table(
    outbox: Outbox, engine: Engine
) -> None:
    """Though a migration may have made one for each tenant: nobody looks there."""
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA IF EXISTS tenant CASCADE"))
        connection.execute(text("CREATE SCHEMA tenant"))
        connection.execute(text("CREATE TABLE tenant.heliograph_outbox (id TEXT)"))
    moved = engine.execution_options(schema_translate_map={None: "tenant"})
    with Session(moved) as session, session.begin():
        session.execute(text("SET LOCAL search_path TO tenant, public"))
        pay(session, outbox, 1)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA tenant CASCADE"))

    assert rows(engine) == ["id-1"]


# What becomes of it.


async def test_the_broker_gets_what_was_committed_in_order(outbox: Outbox, engine: Engine) -> None:
    """With its channel, and no row is left."""
    broker = Broker()
    put(engine, outbox, 1, 2)
    with Session(engine) as session, session.begin():
        pay(session, outbox, 3, VIEWED)
    before = outbox.health()
    async with forwarding(outbox, broker):
        await until(lambda: outbox.unsent() == 0)
        during = outbox.health()

    assert (before.unsent, before.stored) == (3, 0)
    assert during == OutboxHealth(0, None, 0, 3, None)
    assert broker.stored == [
        (PAID, "id-1", b"paid 1"),
        (PAID, "id-2", b"paid 2"),
        (VIEWED, "id-3", b"paid 3"),
    ]
    assert outbox.health() == during


async def test_a_row_that_nobody_has_told_of_is_found(outbox: Outbox, engine: Engine) -> None:
    """The process that has committed it may have been killed right after."""
    broker = Broker()
    async with forwarding(outbox, broker):
        await until(lambda: outbox.health().stored == 0)
        put(engine, outbox, 1)
        await until(lambda: broker.ids == ["id-1"])


async def test_who_is_woken_does_not_wait(database_url: str, engine: Engine) -> None:
    """From another thread, as after a commit; nobody is disturbed after the end."""
    outbox, broker = Outbox(database_url, every=3600.0), Broker()
    async with forwarding(outbox, broker):
        await until(lambda: inspect(engine).has_table("heliograph_outbox"))
        await asyncio.sleep(0.2)
        put(engine, outbox, 1)
        await asyncio.sleep(0.1)
        assert broker.ids == []
        await asyncio.to_thread(outbox.wake)
        await until(lambda: broker.ids == ["id-1"])
    outbox.wake()
    outbox.close()


def test_waking_a_loop_that_is_closed_is_no_error(outbox: Outbox, engine: Engine) -> None:
    """It may end at any time, and commits do not fail for it."""
    kept: list[Any] = []

    async def leave_behind() -> None:
        task = asyncio.create_task(outbox.forward(Broker().store))
        await asyncio.sleep(0.1)
        kept.extend(outbox._running)  # A loop that is killed removes nobody.
        task.cancel()

    asyncio.run(leave_behind())
    outbox._running.update(kept)
    outbox.wake()
    put(engine, outbox, 1)

    assert rows(engine) == ["id-1"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_transaction_that_began_earlier_and_commits_later_is_not_passed_over(
    database_url: str,
) -> None:
    """Its numbers are smaller than those that have gone already. SQLite has one writer."""
    outbox, broker, engine = Outbox(database_url, **QUICK), Broker(), create_engine(database_url)
    outbox.open()
    with engine.connect() as slow:
        outbox.write_by_sqlalchemy(slow, [values(PAID, "slow", b"")])
        put(engine, outbox, 2)
        async with forwarding(outbox, broker):
            await until(lambda: broker.ids == ["id-2"])
            await asyncio.sleep(0.2)
            slow.commit()
            await until(lambda: broker.ids == ["id-2", "slow"])
    engine.dispose()
    outbox.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_what_was_committed_without_an_answer_is_found(
    postgres_port: int, database_url: str
) -> None:
    """No event tells of such a commit, but its row is there."""
    outbox, broker = Outbox(database_url, **QUICK), Broker()
    outbox.open()
    with wire(postgres_port) as cut:
        engine = create_engine(make_url(database_url).set(port=cut.port))
        with Session(engine) as session:
            pay(session, outbox, 1)
            cut.armed = True
            with pytest.raises(OperationalError):
                session.commit()
            session.rollback()
        engine.dispose()
    async with forwarding(outbox, broker):
        await until(lambda: broker.ids == ["id-1"])
    outbox.close()


async def test_several_processes_share_the_work(outbox: Outbox, engine: Engine) -> None:
    """Nobody leads, and nothing is handed over twice while nobody dies."""
    brokers = [Broker(), Broker(), Broker()]
    put(engine, outbox, *range(60))
    others = [Outbox(engine.url, batch=5, **QUICK) for _ in brokers]
    async with (
        forwarding(others[0], brokers[0]),
        forwarding(others[1], brokers[1]),
        forwarding(others[2], brokers[2]),
    ):
        await until(lambda: outbox.unsent() == 0)
    for it in others:
        it.close()

    assert sorted(one for it in brokers for one in it.ids) == sorted(f"id-{n}" for n in range(60))


async def test_who_takes_only_its_own_program_leaves_the_others(
    outbox: Outbox, engine: Engine
) -> None:
    """Their broker may be another one."""
    broker, kiosk = Broker(), Channel("kiosk", "order-paid", "durable")
    with Session(engine) as session, session.begin():
        pay(session, outbox, 1, kiosk)
        pay(session, outbox, 2)
    async with forwarding(outbox, broker, app="shop"):
        await until(lambda: outbox.unsent() == 1)

    assert broker.ids == ["id-2"]
    assert rows(engine) == ["id-1"]


async def test_rows_of_a_process_that_died_are_free_after_a_while(
    outbox: Outbox, engine: Engine
) -> None:
    """As they were taken, and nobody gave them back."""
    broker = Broker()
    put(engine, outbox, 1, 2)
    before = time.monotonic()
    taken = outbox._rows.take("dead", 1.0, 1, None, [])  # By one that was killed.
    async with forwarding(outbox, broker):
        await until(lambda: sorted(broker.ids) == ["id-1", "id-2"])

    assert [it.id for it in taken] == ["id-1"]
    assert broker.times[broker.ids.index("id-1")] - before >= 1.0


async def test_what_is_cancelled_gives_its_rows_back_at_once(
    outbox: Outbox, engine: Engine
) -> None:
    """Others need not wait for it; what the broker has is not handed over again."""
    broker, hangs = Broker(), asyncio.Event()

    async def store(channel: Channel, envelope_id: str, data: bytes) -> None:
        if envelope_id == "id-2":
            hangs.set()
            await asyncio.sleep(3600)
        await broker.store(channel, envelope_id, data)

    put(engine, outbox, 1, 2)
    task = asyncio.create_task(outbox.forward(store))
    await hangs.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert rows(engine) == ["id-2"]
    async with forwarding(outbox, broker):
        await until(lambda: broker.ids == ["id-1", "id-2"], 1.0)


async def test_a_row_without_an_answer_stays(database_url: str, engine: Engine) -> None:
    """It is tried again before others may take it."""
    outbox, broker, calls = Outbox(database_url, every=0.05, lease=0.3), Broker(), []
    outbox.open()

    async def store(channel: Channel, envelope_id: str, data: bytes) -> None:
        calls.append(envelope_id)
        if len(calls) == 1:
            await asyncio.sleep(3600)
        await broker.store(channel, envelope_id, data)

    put(engine, outbox, 1)
    task = asyncio.create_task(outbox.forward(store))
    await until(lambda: outbox.unsent() == 0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    outbox.close()

    assert (calls, broker.ids) == (["id-1", "id-1"], ["id-1"])


async def test_a_broker_that_is_away_is_asked_seldom_and_for_ever(
    outbox: Outbox, engine: Engine
) -> None:
    """Its channel rests, longer each time; the others go on."""
    broker = Broker(errors={"id-0": UnavailableError("Away."), "id-1": UnavailableError("Away.")})
    put(engine, outbox, 0)
    async with forwarding(outbox, broker):
        await until(lambda: outbox.health().trouble)
        trouble = outbox.health()
        put(engine, outbox, 1)
        while len(broker.times) < 6:
            outbox.wake()
            await asyncio.sleep(0.005)
        with Session(engine) as session, session.begin():
            pay(session, outbox, 7, VIEWED)
        await until(lambda: broker.ids == ["id-7"])
        broker.errors.clear()
        await until(lambda: outbox.unsent() == 0)

    first, second, *_, later = broker.times[:6]
    assert (trouble.unsent, trouble.trouble) == (1, "UnavailableError: Away.")
    assert second - first >= 0.25
    assert later - second >= 0.5
    assert broker.ids == ["id-7", "id-0", "id-1"]
    assert outbox.put_aside() == []


async def test_a_stream_that_is_full_holds_up_no_other(database_url: str, engine: Engine) -> None:
    """Though what cannot go is in front."""
    outbox = Outbox(database_url, batch=2, **QUICK)
    outbox.open()
    broker = Broker(errors={f"id-{n}": FullError("Full.") for n in range(5)})
    put(engine, outbox, *range(5))
    with Session(engine) as session, session.begin():
        pay(session, outbox, 7, VIEWED)
    async with forwarding(outbox, broker):
        await until(lambda: broker.ids == ["id-7"])
    assert outbox.unsent() == 5
    outbox.close()


async def test_what_the_broker_refuses_for_ever_is_put_aside(
    database_url: str, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """The others go on; it is counted, listed, and can be tried again or deleted."""
    outbox = Outbox(database_url, tries=2, **QUICK)
    outbox.open()
    errors = {"id-1": RefusedError("Never."), "id-2": ValueError("a bug"), "id-4": KeyError("x")}
    broker = Broker(errors=errors)
    put(engine, outbox, 1, 2, 3, 4)
    async with forwarding(outbox, broker):
        await until(lambda: outbox.health().put_aside == 3)
        found = outbox.put_aside()
        health = outbox.health()
        assert outbox.forget(["id-4", "id-3"]) == 1
        del errors["id-1"]
        assert outbox.release(["id-1"]) == 1
        await until(lambda: broker.ids == ["id-3", "id-1"])
        errors.clear()
        assert outbox.release() == 1
        await until(lambda: broker.ids == ["id-3", "id-1", "id-2"])
    outbox.close()

    assert [shown(it) for it in found] == [
        ("id-1", PAID, b"paid 1", 2, "RefusedError: Never"),
        ("id-2", PAID, b"paid 2", 2, "ValueError: a bug"),
        ("id-4", PAID, b"paid 4", 2, "KeyError: 'x'"),
    ]
    assert (health.unsent, health.oldest, health.put_aside, health.stored) == (0, None, 3, 1)
    assert health.trouble is not None
    assert rows(engine) == []
    logged = [it.getMessage() for it in caplog.records if it.levelno == logging.ERROR]
    assert len(logged) == 3
    assert logged[0].startswith(
        "The envelope id-1 of 'order-paid' of 'shop' was put aside, as the broker has refused it "
        "2 times: RefusedError: Never. "
    )


def shown(it: Unsent) -> tuple[str, Channel, bytes, int, str | None]:
    """Return what is known of a row, apart from when and where."""
    return it.id, it.channel, it.data, it.tries, it.reason


def test_how_long_the_first_has_waited_is_told(outbox: Outbox, engine: Engine) -> None:
    """In seconds; clocks that differ make no negative ones."""
    nothing = outbox.oldest_unsent()
    put(engine, outbox, 1, 2)
    with engine.begin() as connection:
        second = tables.outbox.c.id == "id-2"
        connection.execute(update(tables.outbox).where(second).values(added_at=0))
    young = outbox.oldest_unsent()
    with engine.begin() as connection:
        now = time.time_ns() // 1000
        connection.execute(update(tables.outbox).values(added_at=now + 10**9))
    future = outbox.oldest_unsent()
    with engine.begin() as connection:
        connection.execute(update(tables.outbox).values(added_at=now - 90 * 10**6))
    old = outbox.health().oldest

    assert (nothing, future) == (None, 0.0)
    assert young is not None
    assert 0.0 <= young < 60.0
    assert old is not None
    assert 90.0 <= old < 150.0


def test_a_number_is_never_used_again(outbox: Outbox, engine: Engine) -> None:
    """Who deletes a row late would delete the next one for it."""
    numbers: list[Any] = []
    for n in (1, 2):
        put(engine, outbox, n)
        with engine.begin() as connection:
            numbers.append(connection.scalar(select(tables.outbox.c.number)))
            connection.execute(tables.outbox.delete())

    assert numbers[0] < numbers[1]


# What can go wrong with the database.


async def test_a_database_that_is_away_is_asked_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """At the start and later; it is told once, and nobody has to do anything."""
    file, broker = tmp_path / "later" / "shop.db", Broker()
    outbox = Outbox(f"sqlite:///{file}", **QUICK)
    before = outbox.health()
    async with forwarding(outbox, broker):
        await until(lambda: outbox.health().trouble)
        await asyncio.sleep(0.4)
        file.parent.mkdir()
        await until(lambda: outbox.health().unsent == 0)
        await until(lambda: outbox.health().trouble is None)
    outbox.close()

    told = f"The outbox in sqlite:///{file} cannot be used: OperationalError: unable to open"
    assert (before.unsent, before.oldest, before.put_aside, before.stored) == (None, None, None, 0)
    assert str(before.trouble).startswith(told)
    assert [it.getMessage()[: len(told)] for it in caplog.records] == [told]
    with pytest.raises(UnavailableError, match="cannot be used"):
        Outbox(f"sqlite:///{tmp_path / 'never' / 'shop.db'}").open()


@pytest.mark.parametrize("stop", [False, True], ids=["goes on", "stops"])
async def test_what_the_broker_has_is_deleted_as_soon_as_the_database_lets(
    outbox: Outbox, engine: Engine, stop: bool
) -> None:
    """It is not handed over again; a process that has to stop leaves it to be handed over twice."""
    broker, stopping = Broker(), asyncio.Event()
    renamed = threading.Event()

    async def store(channel: Channel, envelope_id: str, data: bytes) -> None:
        await broker.store(channel, envelope_id, data)
        if not renamed.is_set():
            rename(engine, "heliograph_outbox", "away")
            renamed.set()

    put(engine, outbox, 1)
    task = asyncio.create_task(outbox.forward(store, stopping))
    await until(renamed.is_set)
    await asyncio.sleep(0.4)
    if stop:
        stopping.set()
        await task
    rename(engine, "away", "heliograph_outbox")
    if not stop:
        await until(lambda: outbox.unsent() == 0)
        stopping.set()
        await task

    assert broker.ids == ["id-1"]
    assert rows(engine) == (["id-1"] if stop else [])


def rename(engine: Engine, before: str, after: str) -> None:
    """Give a table another name."""
    with engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {before} RENAME TO {after}"))


# The tables.


def test_tables_are_made_once_whoever_begins(database_url: str, engine: Engine) -> None:
    """Several processes may start at once."""
    several = [Outbox(database_url) for _ in range(6)]
    made: list[int] = []
    threads = [threading.Thread(target=lambda it=it: made.append(it.create())) for it in several]
    for it in threads:
        it.start()
    for it in threads:
        it.join()
    for each in several:
        each.close()

    assert sorted(made) == [0, 1, 1, 1, 1, 1]
    with engine.connect() as connection:
        assert connection.execute(select(tables.schema.c.version)).all() == [(1,)]


def test_tables_of_a_migration_are_completed(database_url: str, engine: Engine) -> None:
    """By create(), which a program without rights to make tables can call."""
    tables.metadata.create_all(engine)
    outbox = Outbox(database_url, create=False)
    with pytest.raises(RelayError, match="call create"):
        outbox.open()
    assert outbox.create() == 0
    outbox.open()
    outbox.close()


def test_without_tables_a_send_is_refused(database_url: str, engine: Engine) -> None:
    """Before anything has happened; it would be too late to make them in a transaction."""
    outbox = Outbox(database_url)
    with Session(engine) as session:
        session.execute(text("SELECT 1"))
        with pytest.raises(RelayError, match="There are no tables"):
            outbox.add(PAID, "id-1", b"", "it")
    outbox.open()
    with Session(engine) as session, session.begin():
        pay(session, outbox, 1)
    outbox.close()

    assert rows(engine) == ["id-1"]


def test_tables_of_another_version_are_refused(
    database_url: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Newer ones always, older ones until they are brought to this version."""
    outbox = Outbox(database_url)
    assert outbox.upgrade() == 0
    assert outbox.upgrade() == 1
    monkeypatch.setattr(tables, "VERSION", 2)
    monkeypatch.setitem(
        tables.STEPS, 1, lambda it: it.execute(text("ALTER TABLE orders ADD COLUMN more TEXT"))
    )
    old = Outbox(database_url)
    with pytest.raises(RelayError, match=r"older Heliograph \(schema 1.*call upgrade"):
        old.open()
    assert old.upgrade() == 1
    old.open()
    monkeypatch.setattr(tables, "VERSION", 1)
    new = Outbox(database_url)
    for call in (new.open, new.create, new.upgrade):
        with pytest.raises(RelayError, match=r"newer Heliograph \(schema 2.*upgrade Heliograph"):
            call()
    for it in (outbox, old, new):
        it.close()

    assert [it["name"] for it in inspect(engine).get_columns("orders")] == ["n", "more"]


async def test_tables_of_another_version_end_the_forwarding(outbox: Outbox, engine: Engine) -> None:
    """Somebody has to do something."""
    with engine.begin() as connection:
        connection.execute(update(tables.schema).values(version=99))
    late = Outbox(engine.url)
    with pytest.raises(RelayError, match="newer Heliograph"):
        await late.forward(Broker().store)
    late.close()


# How it is made.


def test_an_engine_is_taken_and_left_to_its_owner(database_url: str, engine: Engine) -> None:
    """Whatever isolation it has; SQLite's is only asked for its place."""
    given = create_engine(database_url, isolation_level="AUTOCOMMIT")
    with given.connect():
        outbox = Outbox(given)
        outbox.open()
        put(engine, outbox, 1)
        outbox.close()
        outbox.forked()
        assert outbox.unsent() == 1
    assert repr(outbox) == f"<Outbox in {engine.url}>"
    if engine.dialect.name == "postgresql":
        assert given.pool.checkedin() > 0  # type: ignore[attr-defined]  # Of this pool.
    outbox.close()
    given.dispose()


def test_other_places_are_refused() -> None:
    """With what to write instead."""
    refused: dict[Any, str] = {
        "mysql+pymysql://host/db": "SQLAlchemy has no driver|in SQLite or PostgreSQL",
        "oracle+oracledb://host/db": "in SQLite or PostgreSQL, and not in 'oracle'",
        "postgresql+asyncpg://host/db": "is an async driver",
        "nosuch://host/db": "SQLAlchemy has no driver 'nosuch'",
        "sqlite://": "Nobody else sees a database in memory",
        "sqlite:///:memory:": "Nobody else sees a database in memory",
        "sqlite:///file:shop?mode=memory&uri=true": "Nobody else sees a database in memory",
        "shop.db": "'shop.db' is no place for an outbox. Pass a URL",
        7: "7 is no place for an outbox",
    }
    for place, message in refused.items():
        with pytest.raises(ArgumentError, match=message):
            Outbox(place)
    with pytest.raises(RelayError, match="needs psycopg2, which is not installed"):
        Outbox("postgresql+psycopg2://host/db")


@pytest.mark.parametrize(
    "options", [{"every": 0}, {"batch": 0}, {"batch": 501}, {"lease": -1.0}, {"tries": 0}]
)
def test_numbers_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    """Before anything is opened."""
    with pytest.raises(ArgumentError, match="do not fit an outbox"):
        Outbox("sqlite:///shop.db", **options)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
async def test_a_process_that_was_forked_begins_afresh(outbox: Outbox, engine: Engine) -> None:
    """It uses no connection of its parent, and wakes nobody there."""
    put(engine, outbox, 1)
    broker = Broker(errors={"id-1": UnavailableError("Away.")})
    async with forwarding(outbox, broker):
        await until(lambda: broker.times)
        child = os.fork()
        if child == 0:
            fine = outbox.health() == OutboxHealth(1, outbox.health().oldest, 0, 0, None)
            outbox.forked()
            os._exit(0 if outbox.unsent() == 1 and not fine else 1)
        _, status = await asyncio.to_thread(os.waitpid, child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert outbox.unsent() == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_program_that_begins_its_transactions_itself_writes_into_it(
    outbox: Outbox, database_url: str, engine: Engine
) -> None:
    """As SQLite's savepoints need it."""
    event.listen(engine, "connect", lambda it, _: setattr(it, "isolation_level", None))
    event.listen(engine, "begin", lambda it: it.exec_driver_sql("BEGIN IMMEDIATE"))
    with Session(engine) as session, session.begin():
        with session.begin_nested():
            pay(session, outbox, 1)
        session.execute(insert(tables.inbox).values(team="t", id="1", part="", seen_at=0))

    assert rows(engine) == ["id-1"]
