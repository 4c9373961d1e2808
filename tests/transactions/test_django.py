"""Delivery on commit with Django's transactions, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import re
import unittest
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import django
import pytest
from asgiref.sync import sync_to_async
from django.db import DatabaseError, connections, transaction
from django.db.transaction import TransactionManagementError
from django.db.utils import OperationalError
from django.test import TestCase

import tests.lifecycle.django_project  # noqa: F401 - Django's settings.
from heliograph import ArgumentError, Signal, StateError
from heliograph.transactions import (
    Health,
    NoTransactionError,
    SeveralTransactionsError,
    SwallowedError,
    using,
)
from heliograph.transactions.django import install
from tests.transactions.cutting import wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from heliograph.transactions.django import DjangoCommits


django.setup()


def open_database(alias: str, **settings: Any) -> None:
    """Let Django know a database."""
    connections.settings[alias] = {**connections.settings["default"], **settings}


def close_database(alias: str) -> None:
    """Let Django forget it."""
    connections[alias].close()
    del connections[alias]
    del connections.settings[alias]


def of_postgres(port: int) -> dict[str, Any]:
    """Return the settings for a PostgreSQL."""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "postgres",
        "HOST": "127.0.0.1",
        "PORT": str(port),
    }


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the alias of a database with one table."""
    if request.param == "sqlite":
        name = str(tmp_path / "orders.db")
        open_database("shop", ENGINE="django.db.backends.sqlite3", NAME=name)
    else:
        open_database("shop", **of_postgres(request.getfixturevalue("postgres_port")))
    with connections["shop"].cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS orders")
        cursor.execute("CREATE TABLE orders (n INTEGER PRIMARY KEY)")
    yield "shop"
    close_database("shop")


@pytest.fixture
def commits() -> Iterator[DjangoCommits]:
    """Deliver on commit."""
    with install() as made:
        yield made


def store(n: int, alias: str = "shop") -> None:
    """Store a row."""
    with connections[alias].cursor() as cursor:
        cursor.execute("INSERT INTO orders VALUES (%s)", [n])


def stored(alias: str = "shop") -> list[int]:
    """Return the rows that another connection sees."""
    other = connections[alias].copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT n FROM orders ORDER BY n")
            return [n for (n,) in cursor.fetchall()]
    finally:
        other.close()


def begin_savepoint(alias: str) -> Any:
    """Begin a savepoint by hand, as it is called since Django 6.1 or before."""
    begin = getattr(transaction, "savepoint_create", None) or transaction.savepoint
    return begin(alias)


def test_a_receiver_is_called_when_the_outermost_block_is_committed(
    database: str, commits: DjangoCommits, paid: Signal, heard: list[int]
) -> None:
    """In the order of sending; inner blocks that fail take theirs with them."""
    with transaction.atomic(database):
        store(1)
        paid.send("shop", n=1)
        with transaction.atomic(database):
            paid.send("shop", n=2)
        with suppress(ZeroDivisionError), transaction.atomic(database):
            paid.send("shop", n=3)
            _ = 1 / 0
        paid.send("shop", n=4)
        assert heard == []

    assert heard == [1, 2, 4]
    assert commits.health() == Health(delivered=3, dropped=1)


def test_nothing_is_delivered_after_a_rollback(
    database: str, commits: DjangoCommits, paid: Signal, heard: list[int]
) -> None:
    """By an error, by a mark, or by a connection that is closed."""
    with suppress(ZeroDivisionError), transaction.atomic(database):
        paid.send("shop", n=1)
        _ = 1 / 0
    with transaction.atomic(database):
        paid.send("shop", n=2)
        transaction.set_rollback(True, database)
    with suppress(DatabaseError), transaction.atomic(database):
        paid.send("shop", n=3)
        connections[database].close()

    assert (heard, commits.health()) == ([], Health(dropped=3))
    with transaction.atomic(database):
        paid.send("shop", n=4)
    assert heard == [4]


def test_savepoints_by_hand_drop_what_was_sent_in_them(
    database: str, commits: DjangoCommits, paid: Signal, heard: list[int]
) -> None:
    """Django itself keeps the callbacks of these."""
    with transaction.atomic(database):
        first = begin_savepoint(database)
        paid.send("shop", n=1)
        transaction.savepoint_rollback(first, database)
        paid.send("shop", n=2)
        second = begin_savepoint(database)
        paid.send("shop", n=3)
        third = begin_savepoint(database)
        paid.send("shop", n=4)
        transaction.savepoint_commit(third, database)
        transaction.savepoint_rollback(second, database)
        paid.send("shop", n=5)

    assert heard == [2, 5]
    assert commits.health() == Health(delivered=2, dropped=3)


def test_the_connection_is_as_it_was(
    database: str, commits: DjangoCommits, paid: Signal, heard: list[int]
) -> None:
    """Once the block has ended, none of its methods is ours."""
    connection = connections[database]
    before = {*vars(connection)}
    with transaction.atomic(database):
        paid.send("shop", n=1)
        assert {*vars(connection)} > before

    assert {*vars(connection)} == before
    assert connection.execute_wrappers == []


def test_outside_of_a_block_a_send_is_refused(
    database: str, commits: DjangoCommits, paid: Signal, heard: list[int]
) -> None:
    """Django would run its callback at once."""
    with pytest.raises(NoTransactionError, match="no transaction is open here"):
        paid.send("shop", n=1)
    with pytest.raises(NoTransactionError), using(database):
        paid.send("shop", n=1)
    with pytest.raises(NoTransactionError), using("no such database"):
        paid.send("shop", n=1)

    assert heard == []


@pytest.mark.parametrize(("policy", "numbers"), [("now", [1]), ("drop", [])])
def test_a_policy_says_what_it_does_instead(
    policy: Any, numbers: list[int], database: str, paid: Signal, heard: list[int]
) -> None:
    """It is counted in any case."""
    with install(no_transaction=policy) as commits:
        paid.send("shop", n=1)

        assert (heard, commits.health()) == (numbers, Health(without=1))


def test_a_receiver_that_raises_breaks_nothing(
    database: str, commits: DjangoCommits, paid: Signal, heard: list[int]
) -> None:
    """Later receivers are called, and the block ends well."""

    def fail(sender: object, *, n: int) -> None:
        raise OSError

    paid.connect(fail, when="after_commit", priority=1)
    with transaction.atomic(database):
        store(1)
        paid.send("shop", n=1)

    assert heard == [1] == stored()
    assert commits.health() == Health(delivered=2, failed=1)


def test_async_receivers_run_to_their_end(
    database: str, commits: DjangoCommits, paid: Signal
) -> None:
    """Django would never run one."""
    heard: list[int] = []

    @paid.connect(when="after_commit")
    async def later(sender: object, *, n: int) -> None:
        await asyncio.sleep(0)
        heard.append(n)

    with transaction.atomic(database):
        paid.send("shop", n=1)

    assert heard == [1]


def test_two_databases_are_told_apart(
    database: str, commits: DjangoCommits, paid: Signal, heard: list[int], tmp_path: Path
) -> None:
    """Where both are inside of a block, a send says which one it means."""
    open_database("other", ENGINE="django.db.backends.sqlite3", NAME=str(tmp_path / "other.db"))
    with transaction.atomic(database):
        with transaction.atomic("other"):
            with pytest.raises(SeveralTransactionsError, match=r"database 'shop' and that of"):
                paid.send("shop", n=1)
            with using("other"):
                paid.send("shop", n=2)
            with using(database):
                paid.send("shop", n=3)
        assert heard == [2]

    assert heard == [2, 3]
    close_database("other")


def test_a_swallowed_error_commits_nothing_and_is_named(
    postgres_port: int, commits: DjangoCommits, paid: Signal, heard: list[int]
) -> None:
    """PostgreSQL answers COMMIT with a rollback, and Django would run its callbacks."""
    open_database("shop", **of_postgres(postgres_port))

    def fail() -> None:
        with suppress(DatabaseError), connections["shop"].cursor() as cursor:
            cursor.execute("SELECT 1/0")

    named = pytest.raises(SwallowedError, match="division by zero was caught")
    with named, transaction.atomic("shop"):
        paid.send("shop", n=1)
        fail()
    unseen = pytest.raises(SwallowedError, match="an earlier error was caught")
    with unseen, transaction.atomic("shop"):
        fail()
        paid.send("shop", n=2)
    with transaction.atomic("shop"):
        paid.send("shop", n=3)

    assert heard == [3]
    assert commits.health() == Health(delivered=1, dropped=2)
    close_database("shop")


def test_out_of_room_sqlite_commits_no_half_of_a_block(
    tmp_path: Path, commits: DjangoCommits, paid: Signal, heard: list[int]
) -> None:
    """It has undone all that came before: Django does nothing more in that block."""
    open_database("full", ENGINE="django.db.backends.sqlite3", NAME=str(tmp_path / "full.db"))
    cursor = connections["full"].cursor()
    cursor.execute("CREATE TABLE orders (n INTEGER PRIMARY KEY, note TEXT)")
    cursor.execute("PRAGMA max_page_count = 4")

    with transaction.atomic("full"):
        cursor.execute("INSERT INTO orders VALUES (1, '')")
        paid.send("shop", n=1)
        with suppress(DatabaseError):
            cursor.execute("INSERT INTO orders VALUES (2, hex(zeroblob(50000)))")
        with pytest.raises(TransactionManagementError):
            cursor.execute("INSERT INTO orders VALUES (3, '')")
    cursor.execute("SELECT n FROM orders")

    assert cursor.fetchall() == heard == []
    assert commits.health() == Health(dropped=1)
    close_database("full")


def test_a_commit_that_the_server_refuses_delivers_nothing(
    postgres_port: int, commits: DjangoCommits, paid: Signal, heard: list[int]
) -> None:
    """A deferred constraint, say: it is known to be rolled back."""
    open_database("shop", **of_postgres(postgres_port))
    with connections["shop"].cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS late")
        cursor.execute("CREATE TABLE late (n INT UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(DatabaseError), transaction.atomic("shop"):
        with connections["shop"].cursor() as cursor:
            cursor.execute("INSERT INTO late VALUES (1), (1)")
        paid.send("shop", n=1)

    assert (heard, commits.health()) == ([], Health(dropped=1))
    close_database("shop")


@pytest.mark.parametrize(("policy", "numbers"), [("drop", []), ("deliver", [1]), ("ask", [1])])
def test_a_lost_answer_is_told_and_settled_by_policy(
    policy: Any, numbers: list[int], postgres_port: int, paid: Signal, heard: list[int]
) -> None:
    """Django only drops its callbacks then, though the row is there."""
    open_database("direct", **of_postgres(postgres_port))
    with connections["direct"].cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS orders")
        cursor.execute("CREATE TABLE orders (n INTEGER)")
    with wire(postgres_port) as line, install(unknown=policy) as commits:
        open_database("shop", **of_postgres(line.port))
        with pytest.raises(OperationalError), transaction.atomic("shop"):
            store(1)
            paid.send("shop", n=1)
            line.armed = True
        assert heard == numbers
        assert commits.health() == Health(unknown=1, delivered=len(numbers))
        assert stored("direct") == [1]
        close_database("shop")
    close_database("direct")


def test_another_tasks_block_is_named(
    database: str,
    commits: DjangoCommits,
    paid: Signal,
    heard: list[int],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Tasks that share a thread share its connection, and so its transaction."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "1")
    with transaction.atomic(database):
        copy_context().run(paid.send, "shop", n=1)
        paid.send("shop", n=2)

    assert heard == [1, 2]
    assert "was sent in a transaction that another task has begun" in caplog.text


def test_tasks_that_share_a_thread_share_what_becomes_of_their_blocks(
    database: str,
    commits: DjangoCommits,
    paid: Signal,
    heard: list[int],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One holds its block open across an await, and rolls back the other's with it."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "1")
    block = transaction.atomic(database)

    def pay(n: int) -> None:
        with transaction.atomic(database):
            store(n)
            paid.send("shop", n=n)

    async def main() -> None:
        begun, paid_meanwhile = asyncio.Event(), asyncio.Event()

        async def hold() -> None:
            await sync_to_async(block.__enter__)()
            await sync_to_async(pay)(1)
            begun.set()
            await paid_meanwhile.wait()
            await sync_to_async(block.__exit__)(LookupError, LookupError(), None)

        async def meanwhile() -> None:
            await begun.wait()
            await sync_to_async(pay)(2)
            paid_meanwhile.set()

        await asyncio.gather(hold(), meanwhile())

    asyncio.run(main())

    assert (heard, stored(), commits.health()) == ([], [], Health(dropped=2))
    assert "was sent in a transaction that another task has begun" in caplog.text


def test_a_block_in_a_thread_of_async_code_is_one_block(
    database: str, commits: DjangoCommits, paid: Signal, heard: list[int]
) -> None:
    """As the usual way to use Django's database in async views does."""

    def work() -> None:
        with transaction.atomic(database):
            paid.send("shop", n=1)
            paid.send("shop", n=2)

    asyncio.run(sync_to_async(work)())

    assert heard == [1, 2]


def test_a_test_case_delivers_where_it_is_told_to(
    database: str, commits: DjangoCommits, paid: Signal, heard: list[int]
) -> None:
    """A TestCase never commits: only what Django captures for it is delivered."""
    numbers: list[list[int]] = []

    class InATest(TestCase):  # type: ignore[misc]  # Django has no types.
        databases = {database}  # noqa: RUF012 - Django's own way.

        def test_it(self) -> None:
            with transaction.atomic(database):
                paid.send("shop", n=1)
            numbers.append([*heard])
            with (
                self.captureOnCommitCallbacks(using=database, execute=True),
                transaction.atomic(database),
            ):
                paid.send("shop", n=2)
            numbers.append([*heard])

    result = unittest.TestResult()
    unittest.TestSuite([InATest("test_it")]).run(result)

    assert (result.errors, result.failures) == ([], [])
    assert numbers == [[], [2]]
    assert commits.health() == Health(delivered=1, dropped=1)


def test_a_test_case_delivers_nothing_that_a_commit_would_refuse(
    database: str, commits: DjangoCommits, paid: Signal, heard: list[int],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """Django's callbacks run there although a deferred constraint is broken."""
    with connections[database].cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS lines")
        wanted = "n INTEGER PRIMARY KEY REFERENCES orders DEFERRABLE INITIALLY DEFERRED"
        cursor.execute(f"CREATE TABLE lines ({wanted})")

    class InATest(TestCase):  # type: ignore[misc]  # Django has no types.
        databases = {database}  # noqa: RUF012 - Django's own way.

        def test_it(self) -> None:
            with connections[database].cursor() as cursor:
                for n, order in ((1, 99), (2, 2)):
                    captured = self.captureOnCommitCallbacks(using=database, execute=True)
                    with captured, transaction.atomic(database):
                        store(n)
                        cursor.execute("INSERT INTO lines VALUES (%s)", [order])
                        paid.send("shop", n=n)
                    cursor.execute("DELETE FROM lines")

    result = unittest.TestResult()
    unittest.TestSuite([InATest("test_it")]).run(result)
    with connections[database].cursor() as cursor:
        cursor.execute("DROP TABLE lines")

    assert (result.errors, result.failures) == ([], [])
    assert (heard, commits.health()) == ([2], Health(delivered=1, dropped=1))
    assert "IntegrityError" in caplog.text


def test_a_child_forgets_what_its_parent_waits_for(
    database: str, commits: DjangoCommits, paid: Signal, heard: list[int]
) -> None:
    """And counts from zero."""
    with transaction.atomic(database):
        paid.send("shop", n=1)
        child = os.fork()
        if child == 0:
            os._exit(0 if commits.health() == Health() else 1)
        assert os.waitpid(child, 0)[1] == 0

    assert heard == [1]


def test_switched_off_nobody_is_called(
    database: str, commits: DjangoCommits, paid: Signal, heard: list[int]
) -> None:
    """What waits is dropped."""
    with transaction.atomic(database):
        store(1)
        paid.send("shop", n=1)
        commits.uninstall()
        commits.uninstall()

    assert (heard, stored()) == ([], [1])


def test_it_is_installed_once(commits: DjangoCommits) -> None:
    """Again after it was switched off."""
    with pytest.raises(StateError, match="installed for Django already"):
        install()


@pytest.mark.parametrize("arguments", [{"unknown": "hope"}, {"no_transaction": 1}], ids=str)
def test_an_unknown_policy_is_refused(arguments: dict[str, Any]) -> None:
    """Before anything has changed."""
    [(name, value)] = arguments.items()
    with pytest.raises(ArgumentError, match=re.escape(f"{name}={value!r} is not a policy.")):
        install(**arguments)


def test_the_server_is_asked_only_where_it_can_be(
    database: str, paid: Signal, heard: list[int]
) -> None:
    """Otherwise the policy changes nothing where the commit is known."""
    with install(unknown="ask") as commits:
        with transaction.atomic(database):
            store(1)
            paid.send("shop", n=1)

        assert (heard, commits.health()) == ([1], Health(delivered=1))


@pytest.mark.parametrize("sends", [True, False])
def test_a_server_that_stays_away_leaves_it_unknown(
    sends: bool,
    postgres_port: int,
    paid: Signal,
    heard: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is told if nothing waits any more."""
    monkeypatch.setattr("heliograph.transactions.django._ASK_FOR", 0.3)
    with wire(postgres_port) as line, install(unknown="ask") as commits:
        open_database("shop", **of_postgres(line.port))
        with pytest.raises(OperationalError), transaction.atomic("shop"):
            point = begin_savepoint("shop")
            with connections["shop"].cursor() as cursor:
                cursor.execute("CREATE TABLE IF NOT EXISTS away (n INTEGER)")
            paid.send("shop", n=1)
            if not sends:
                transaction.savepoint_rollback(point, "shop")
            line.armed = True
            line.close()
        assert heard == []
        assert commits.health() == (Health(unknown=1) if sends else Health(dropped=1))
        close_database("shop")
