"""Tasks of Django that run at once, inside of the block in which they are enqueued."""

from __future__ import annotations

import unittest
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connections, transaction
from django.test import TestCase, override_settings

from heliograph import Signal
from heliograph.transactions import Health, SwallowedError
from heliograph.transactions.django import install
from heliograph.transactions.django_tasks import HAS_TASKS, warn_in_a_block
from tests.transactions.test_django import close_database, of_postgres, open_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from heliograph.transactions.django import DjangoCommits

AT_ONCE = "runs at once, in the open transaction of Django's database 'shop'"

needs_tasks = pytest.mark.skipif(
    not HAS_TASKS,
    reason="needs Django 6, and that Python 3.12: make pythons ONLY=3.12 PARTS=transactions",
)


@pytest.fixture(autouse=True)
def development(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let programs be developed."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "1")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[str]:
    """Give the alias of a database with one table."""
    open_database("shop", ENGINE="django.db.backends.sqlite3", NAME=str(tmp_path / "shop.db"))
    yield from with_table()


@pytest.fixture
def postgres_shop(postgres_port: int) -> Iterator[str]:
    """Give the alias of one in PostgreSQL."""
    open_database("shop", **of_postgres(postgres_port))
    yield from with_table()


def with_table() -> Iterator[str]:
    """Make the table, and forget the database at the end."""
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


def run(statement: str) -> None:
    """Run a statement."""
    with connections["shop"].cursor() as cursor:
        cursor.execute(statement)


done: list[str] = []
"""What the tasks have done."""


def task(function: Any) -> Any:
    """Make a task of a function, where Django has tasks: it finds them by their names."""
    if not HAS_TASKS:
        return function
    from django.tasks import task as made

    return made(function)


@task
def mail(to: str) -> None:
    """Send a mail."""
    done.append(to)


@task
def fail() -> None:
    """Run a statement that the database refuses."""
    run("SELECT no_such_thing()")


@pytest.fixture
def backends() -> Iterator[None]:
    """Let Django have a backend that runs tasks at once, as by default, and one that does not."""
    done.clear()
    names = {"default": "immediate.ImmediateBackend", "later": "dummy.DummyBackend"}
    tasks = {it: {"BACKEND": f"django.tasks.backends.{name}"} for it, name in names.items()}
    with override_settings(TASKS=tasks):
        yield


def test_a_task_in_a_block_is_named(shop: str, caplog: pytest.LogCaptureFixture) -> None:
    """With its database; outside of a block nothing is said, nor in that of a TestCase."""
    warn_in_a_block("shop.mail")

    class InATest(TestCase):  # type: ignore[misc]  # Django has no types.
        databases = {shop}  # noqa: RUF012 - Django's own way.

        def test_it(self) -> None:
            warn_in_a_block("shop.mail")

    result = unittest.TestResult()
    unittest.TestSuite([InATest("test_it")]).run(result)
    assert (result.errors, result.failures, caplog.messages) == ([], [], [])

    with transaction.atomic(shop):
        warn_in_a_block("shop.mail")

    assert [it for it in caplog.messages if AT_ONCE in it] == caplog.messages
    assert "The task shop.mail runs at once" in caplog.text


@needs_tasks
@pytest.mark.usefixtures("backends")
def test_an_enqueue_in_a_block_is_named_where_the_task_runs_at_once(
    shop: str, commits: DjangoCommits, caplog: pytest.LogCaptureFixture
) -> None:
    """It has run before the commit, plainly enqueued or awaited."""
    with transaction.atomic(shop):
        mail.enqueue("ada")
        mail.using(backend="later").enqueue("bob")
        async_to_sync(mail.aenqueue)("eve")
        assert done == ["ada", "eve"]
    mail.enqueue("kim")

    named = "The task tests.transactions.test_django_tasks.mail runs at once"
    assert caplog.text.count(named) == caplog.text.count(AT_ONCE) == 2
    assert done == ["ada", "eve", "kim"]


@needs_tasks
@pytest.mark.usefixtures("backends")
def test_a_receiver_that_waits_for_the_commit_may_enqueue(
    shop: str, commits: DjangoCommits, caplog: pytest.LogCaptureFixture
) -> None:
    """As the warning says."""
    placed = Signal("order-placed")

    @placed.connect(when="after_commit")
    def enqueue(sender: object, *, by: str) -> None:
        mail.enqueue(by)

    with transaction.atomic(shop):
        placed.send("shop", by="ada")
        assert done == []

    assert (done, caplog.messages) == (["ada"], [])


@needs_tasks
@pytest.mark.usefixtures("backends")
def test_nothing_is_named_in_production_or_when_it_is_switched_off(
    shop: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody looks for it then."""
    with install() as commits, transaction.atomic(shop):
        monkeypatch.setenv("HELIOGRAPH_CHECK", "0")
        mail.enqueue("ada")
        monkeypatch.setenv("HELIOGRAPH_CHECK", "1")
        commits.uninstall()
        mail.enqueue("bob")

    assert (done, caplog.messages) == (["ada", "bob"], [])


@needs_tasks
@pytest.mark.usefixtures("backends")
def test_a_task_that_fails_in_a_block_of_postgresql_delivers_nothing(
    postgres_shop: str, commits: DjangoCommits
) -> None:
    """Django hides its error, and the server would roll back; without receivers nobody tells."""
    placed, heard = Signal("order-placed"), list[object]()
    placed.connect(heard.append, when="after_commit", weak=False)
    with (
        pytest.raises(SwallowedError, match=r"no_such_thing.* was caught"),
        transaction.atomic(postgres_shop),
    ):
        run("INSERT INTO orders VALUES (1)")
        placed.send("shop")
        assert fail.enqueue().errors != []
    with transaction.atomic(postgres_shop):
        run("INSERT INTO orders VALUES (2)")
        fail.enqueue()

    with connections[postgres_shop].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM orders")
        assert cursor.fetchone() == (0,)
    assert (heard, commits.health()) == ([], Health(dropped=1))
