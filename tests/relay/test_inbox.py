"""What arrives twice has its effect once, as the mark of an envelope is committed with its work."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import django
import pytest
from django.db import connections, transaction
from sqlalchemy import create_engine, event, func, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import (
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import Session, scoped_session, sessionmaker

import tests.lifecycle.django_project  # noqa: F401 - Django's settings.
from heliograph import ArgumentError
from heliograph.relay.current import CURRENT, Delivered
from heliograph.relay.errors import RelayError, UnavailableError
from heliograph.relay.inbox import Inbox
from heliograph.relay.tables import schema as tables
from heliograph.transactions import NoTransactionError, SwallowedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

django.setup()

BILL = text("INSERT INTO orders VALUES (:n)")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """Give the engine of the program."""
    made = create_engine(database_url)
    yield made
    made.dispose()


@pytest.fixture
def inbox(database_url: str) -> Iterator[Inbox]:
    """Give an inbox with its tables."""
    made = Inbox(database_url)
    made.open()
    yield made
    made.close()


@contextmanager
def delivery(envelope_id: str = "id-1", group: str | None = "billing") -> Iterator[Delivered]:
    """Be a receiver that is called for an envelope."""
    delivered = Delivered(envelope_id, "order-paid", "web-1", "shop", group, 1, 0.0)
    token = CURRENT.set(delivered)
    try:
        yield delivered
    finally:
        CURRENT.reset(token)


@contextmanager
def django_at(url: str) -> Iterator[str]:
    """Let Django know a database."""
    at = make_url(url)
    engine = "postgresql" if at.get_backend_name() == "postgresql" else "sqlite3"
    connections.settings["inboxed"] = {
        **connections.settings["default"],
        "ENGINE": f"django.db.backends.{engine}",
        "NAME": at.database,
        "USER": at.username or "",
        "HOST": at.host or "",
        "PORT": str(at.port or ""),
    }
    try:
        yield "inboxed"
    finally:
        connections["inboxed"].close()
        del connections["inboxed"]
        del connections.settings["inboxed"]


def bill(engine: Engine, inbox: Inbox, n: int, part: str = "") -> bool:
    """Do the work of the current envelope: store a bill, the first time."""
    with Session(engine) as session, session.begin(), inbox.once(session, part) as first:
        if first:
            session.execute(BILL, {"n": n})
    return first


def bills(engine: Engine) -> list[int]:
    """Return the bills that are there, as another connection sees them."""
    with engine.connect() as connection:
        return [*connection.scalars(text("SELECT n FROM orders ORDER BY n"))]


def marks(engine: Engine) -> list[tuple[str, str, str]]:
    """Return the marks that are there, as another connection sees them."""
    them = tables.inbox.c
    with engine.connect() as connection:
        found = connection.execute(select(them.team, them.id, them.part).order_by(*them))
        return [(it.team, it.id, it.part) for it in found]


def test_an_envelope_that_comes_twice_is_worked_on_once(inbox: Inbox, engine: Engine) -> None:
    """By each group; another envelope is another one."""
    seen: list[bool] = []
    for envelope_id, group in [("a", "billing"), ("a", "billing"), ("b", "billing"), ("a", "mail")]:
        with delivery(envelope_id, group):
            seen.append(bill(engine, inbox, len(seen)))

    assert seen == [True, False, True, True]
    assert bills(engine) == [0, 2, 3]
    assert marks(engine) == [("billing", "a", ""), ("billing", "b", ""), ("mail", "a", "")]


def test_work_that_failed_is_done_at_the_next_try(inbox: Inbox, engine: Engine) -> None:
    """The mark is undone with it."""
    with delivery(), suppress(ZeroDivisionError), Session(engine) as session, session.begin():
        with inbox.once(session) as first:
            session.execute(BILL, {"n": 1})
        assert first
        raise ZeroDivisionError
    with delivery():
        assert bill(engine, inbox, 2)

    assert bills(engine) == [2]


def test_a_block_that_is_left_by_an_error_is_not_marked(inbox: Inbox, engine: Engine) -> None:
    """Though the receiver catches it, and commits something else."""
    with delivery(), Session(engine) as session, session.begin():
        with suppress(ZeroDivisionError), inbox.once(session):
            raise ZeroDivisionError
        session.execute(BILL, {"n": 1})
    with delivery():
        assert bill(engine, inbox, 2)
    with delivery(), Session(engine) as session, session.begin():
        with suppress(ZeroDivisionError), inbox.once(session):
            raise ZeroDivisionError
        session.execute(BILL, {"n": 3})

    assert bills(engine) == [1, 2, 3]
    assert marks(engine) == [("billing", "id-1", "")]


def test_connections_and_scoped_sessions_do_as_well(inbox: Inbox, engine: Engine) -> None:
    """The mark is committed when they are."""
    seen = []
    with delivery(), engine.connect() as connection:
        with inbox.once(connection) as first:
            seen.append(first)
        connection.rollback()
    with delivery(), engine.begin() as connection, inbox.once(connection) as first:
        seen.append(first)
    scoped = scoped_session(sessionmaker(engine))
    with delivery(), inbox.once(scoped) as first:
        seen.append(first)
    scoped.remove()

    assert seen == [True, True, False]


async def test_async_sessions_and_connections_do_as_well(
    inbox: Inbox, engine: Engine, database_url: str
) -> None:
    """With `async with`, by each driver."""
    drivers = ["sqlite+aiosqlite"]
    if engine.dialect.name == "postgresql":
        drivers = ["postgresql+psycopg", "postgresql+asyncpg"]
    seen: list[tuple[str, bool]] = []
    for driver in drivers:
        program = create_async_engine(make_url(database_url).set(drivername=driver))
        with delivery(driver):
            async with AsyncSession(program) as session:
                async with inbox.once(session) as first:
                    seen.append(("rolled back", first))
                await session.rollback()
            async with program.connect() as connection:
                with suppress(ZeroDivisionError):
                    async with inbox.once(connection) as first:
                        raise ZeroDivisionError
                await connection.commit()
                seen.append(("failed", first))
            scoped = async_scoped_session(async_sessionmaker(program), asyncio.current_task)
            async with inbox.once(scoped) as first:
                seen.append(("committed", first))
            await scoped.commit()
            await scoped.remove()
        with delivery(driver):
            async with AsyncSession(program) as session, session.begin(), inbox.once(session) as it:
                seen.append(("again", it))
        await program.dispose()

    each = [("rolled back", True), ("failed", True), ("committed", True), ("again", False)]
    assert seen == each * len(drivers)


def test_djangos_blocks_do_as_well(inbox: Inbox, engine: Engine, database_url: str) -> None:
    """By the alias of the database."""
    seen: list[bool] = []
    with django_at(database_url) as alias:
        with delivery(), transaction.atomic(using=alias):
            with inbox.once(alias) as first:
                seen.append(first)
            transaction.set_rollback(True, using=alias)
        with delivery(), transaction.atomic(using=alias):
            seen.append(transaction.get_connection(alias).in_atomic_block)
            with suppress(ZeroDivisionError), inbox.once(alias):
                raise ZeroDivisionError
        for _ in range(2):
            with delivery(), transaction.atomic(using=alias), inbox.once(alias) as first:
                seen.append(first)
        with delivery(), pytest.raises(NoTransactionError, match="Django's database 'inboxed'"):
            inbox.once(alias).__enter__()
        with delivery(), pytest.raises(ArgumentError, match="Django has no database 'nosuch'"):
            inbox.once("nosuch").__enter__()

    assert seen == [True, True, True, False]
    assert marks(engine) == [("billing", "id-1", "")]


# At the same time.


@pytest.mark.parametrize("ending", ["commit", "rollback"])
def test_two_that_work_on_one_envelope_at_once_have_one_effect(
    inbox: Inbox, engine: Engine, ending: str
) -> None:
    """The second waits for the first, and does the work if that one is rolled back."""
    marked, outcome = threading.Event(), []

    def second() -> None:
        marked.wait(20)
        with delivery():
            outcome.append(bill(engine, inbox, 2))

    thread = threading.Thread(target=second)
    thread.start()
    with delivery(), Session(engine) as session:
        with inbox.once(session) as first:
            assert first
            session.execute(BILL, {"n": 1})
        marked.set()
        thread.join(0.3)
        assert thread.is_alive()
        getattr(session, ending)()
    thread.join(20)

    assert outcome == [ending == "rollback"]
    assert bills(engine) == ([1] if ending == "commit" else [2])


def test_many_at_once_have_one_effect(inbox: Inbox, engine: Engine) -> None:
    """Some are rolled back in the middle, and whoever is refused tries again, as a relay does."""
    starting = threading.Barrier(6)

    def work(n: int) -> None:
        starting.wait(20)
        for envelope in range(10):
            fails = (n + envelope) % 3 == 0
            while True:
                with suppress(OperationalError), delivery(f"id-{envelope}"):
                    with Session(engine) as session, inbox.once(session) as first:
                        if first:
                            session.execute(BILL, {"n": 100 * envelope + n})
                        if fails and first:
                            session.rollback()
                        else:
                            session.commit()
                    if not (fails and first):
                        break
                    fails = False

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for it in threads:
        it.start()
    for it in threads:
        it.join(60)

    assert [it // 100 for it in bills(engine)] == [*range(10)]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_with_a_stricter_isolation_the_second_is_refused(inbox: Inbox, engine: Engine) -> None:
    """And tried again: there is one effect."""
    strict = engine.execution_options(isolation_level="REPEATABLE READ")
    with delivery(), Session(strict) as late:
        late.execute(text("SELECT 1 FROM orders"))
        with delivery():
            assert bill(engine, inbox, 1)
        with pytest.raises(OperationalError, match="could not serialize"):
            inbox.once(late).__enter__()
        late.rollback()
        with inbox.once(late) as first:
            assert not first


# What is refused.


@pytest.mark.parametrize("url", ["sqlite:///shop.db"])
def test_outside_of_a_delivery_to_a_group_nobody_knows_the_envelope(url: str) -> None:
    """A receiver of each process has no work to share."""
    inbox = Inbox(url)
    with pytest.raises(RelayError, match="called outside of a delivery: nobody knows"):
        inbox.once("default")
    with (
        delivery(group=None),
        pytest.raises(RelayError, match="called in a receiver of no group"),
    ):
        inbox.once("default")


def test_two_receivers_of_a_group_have_to_say_which_part_is_theirs(
    inbox: Inbox, engine: Engine
) -> None:
    """Otherwise the second would silently do nothing."""
    with delivery():
        assert bill(engine, inbox, 1)
        with pytest.raises(
            ArgumentError, match=r"Two receivers of the group 'billing'.*part='mail'"
        ):
            bill(engine, inbox, 2)
        assert bill(engine, inbox, 3, "mail")
    with delivery():
        assert not bill(engine, inbox, 4)
        assert not bill(engine, inbox, 5, "mail")

    assert bills(engine) == [1, 3]


def test_work_in_another_database_is_refused(
    inbox: Inbox, database_url: str, tmp_path: Path
) -> None:
    """Its mark would not be committed with it."""
    other = create_engine(f"sqlite:///{tmp_path / 'other.db'}")
    with (
        delivery(),
        Session(other) as session,
        pytest.raises(RelayError, match=r"The transaction is in .*, and the inbox is in "),
    ):
        inbox.once(session).__enter__()
    with (
        django_at(f"sqlite:///{tmp_path / 'other.db'}") as alias,
        delivery(),
        transaction.atomic(using=alias),
        pytest.raises(RelayError, match="Django's 'inboxed'"),
    ):
        inbox.once(alias).__enter__()
    other.dispose()


def test_statements_that_commit_themselves_are_refused(inbox: Inbox, database_url: str) -> None:
    """The mark would stay though the work failed."""
    alone = create_engine(database_url, isolation_level="AUTOCOMMIT")
    with (
        delivery(),
        Session(alone) as session,
        pytest.raises(NoTransactionError, match="Each statement of this connection commits itself"),
    ):
        inbox.once(session).__enter__()
    alone.dispose()


def test_a_program_that_begins_its_transactions_itself_is_not_refused(
    inbox: Inbox, engine: Engine
) -> None:
    """SQLite's driver is told nothing of them."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda it, _: setattr(it, "isolation_level", None))
        event.listen(engine, "begin", lambda it: it.exec_driver_sql("BEGIN IMMEDIATE"))
    with delivery(), engine.connect() as connection, inbox.once(connection) as first:
        connection.rollback()

    assert first
    assert marks(engine) == []


async def test_each_kind_of_session_has_its_kind_of_block(inbox: Inbox, engine: Engine) -> None:
    """The message says which."""
    program = create_async_engine("sqlite+aiosqlite://")
    with delivery():
        with pytest.raises(ArgumentError, match=r"use `async with` inbox\.once"):
            inbox.once(AsyncSession(program)).__enter__()
        async with program.connect() as connection:
            with pytest.raises(ArgumentError, match=r"use `async with` inbox\.once"):
                inbox.once(connection).__enter__()
        for it in (Session(engine), engine.connect()):
            with pytest.raises(ArgumentError, match=r"use `with`, without `async` inbox\.once"):
                await inbox.once(it).__aenter__()
            it.close()
        for other in ("default", 7):
            with pytest.raises(ArgumentError, match="is no place for the work of an envelope"):
                await inbox.once(other).__aenter__()
    await program.dispose()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_an_error_that_was_swallowed_is_told_before_the_commit(
    inbox: Inbox, engine: Engine, database_url: str
) -> None:
    """The server would roll back, and the receiver would have done nothing for good."""
    with delivery(), Session(engine) as session:
        with pytest.raises(SwallowedError, match="an earlier error was caught"):
            _swallow(inbox.once(session), lambda: session.execute(text("SELECT nothing")))
        session.rollback()
    with (
        django_at(database_url) as alias,
        delivery(),
        transaction.atomic(using=alias),
    ):
        with pytest.raises(SwallowedError, match="an earlier error was caught"):
            _swallow(inbox.once(alias), lambda: connections[alias].connection.execute("SELECT no"))
        transaction.set_rollback(True, using=alias)

    assert marks(engine) == []


def _swallow(once: Any, fail: Any) -> None:
    with once, suppress(Exception):
        fail()


def test_a_block_may_commit_inside(inbox: Inbox, engine: Engine) -> None:
    """What comes after it is another transaction, which has nothing to do with the mark."""
    with delivery(), Session(engine) as session, inbox.once(session):
        session.execute(BILL, {"n": 1})
        session.commit()
    with delivery(), engine.connect() as connection:
        with suppress(ZeroDivisionError), inbox.once(connection, "other"):
            connection.commit()
            raise ZeroDivisionError
        connection.commit()

    assert marks(engine) == [("billing", "id-1", ""), ("billing", "id-1", "other")]


# Its tables, and what is old.


def test_old_marks_are_deleted(inbox: Inbox, engine: Engine) -> None:
    """However many they are, and no younger ones."""
    now, hour = time.time_ns() // 1000, 3600 * 10**6
    ages = [n * 10**3 for n in range(100)] + [hour + n * 10**6 for n in range(600)]
    rows = [
        {"team": "t", "id": str(n), "part": "", "seen_at": now - age} for n, age in enumerate(ages)
    ]
    with engine.begin() as connection:
        connection.execute(tables.inbox.insert(), rows)

    assert inbox.prune(1800.0) == 600
    assert inbox.prune(1800.0) == 0
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.inbox)) == 100


def test_a_thread_deletes_them_between_start_and_stop(
    database_url: str, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """Again and again; a database that is away does not end it."""
    inbox = Inbox(database_url, keep=60.0, every=0.02)
    with inbox, engine.begin() as connection:
        assert inbox.start() is inbox
        connection.execute(text("ALTER TABLE heliograph_inbox RENAME TO away"))
    with inbox:
        until(lambda: "Old marks are not deleted for now." in caplog.text)
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE away RENAME TO heliograph_inbox"))
            connection.execute(tables.inbox.insert().values(team="t", id="1", part="", seen_at=0))
        until(lambda: marks(engine) == [])

    assert [it.name for it in threading.enumerate() if it.name == "heliograph-inbox"] == []
    assert {it.levelno for it in caplog.records} == {logging.WARNING}


def until(what: Any) -> None:
    """Wait until something is true."""
    end = time.monotonic() + 20.0
    while not what():
        assert time.monotonic() < end, "It did not come true."
        time.sleep(0.005)


def test_an_inbox_that_was_never_started_stops_as_well(database_url: str) -> None:
    """A test or a command may never have started it."""
    inbox = Inbox(database_url)
    inbox.stop()


def test_its_tables_are_those_of_the_outbox(database_url: str, engine: Engine) -> None:
    """Made, checked and brought to this version in the same way."""
    inbox = Inbox(database_url, create=False)
    with pytest.raises(RelayError, match="There are no tables"):
        inbox.open()
    assert [inbox.create(), inbox.create(), inbox.upgrade()] == [0, 1, 1]
    with engine.begin() as connection:
        connection.execute(update(tables.schema).values(version=99))
    late = Inbox(database_url)
    with pytest.raises(RelayError, match="newer Heliograph"):
        late.open()
    for it in (inbox, late):
        it.close()

    assert repr(inbox) == f"<Inbox in {engine.url}>"


@pytest.mark.parametrize("options", [{"keep": 0}, {"every": -1}])
def test_numbers_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    """Before anything is opened."""
    with pytest.raises(ArgumentError, match="do not fit an inbox"):
        Inbox("sqlite:///shop.db", **options)


def test_a_database_that_is_away_is_named(tmp_path: Path) -> None:
    """At the first use."""
    inbox = Inbox(f"sqlite:///{tmp_path / 'never' / 'shop.db'}")
    with pytest.raises(UnavailableError, match=r"The inbox in sqlite:///.* cannot be used"):
        inbox.prune(1.0)
