"""Random nestings of transactions: what was delivered is what a second connection sees."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from heliograph import Signal
from heliograph.transactions import SwallowedError, using
from heliograph.transactions.sqlalchemy import install

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXAMPLES = int(os.environ.get("HELIOGRAPH_NESTINGS", "60"))


class _Undo(Exception):  # noqa: N818 - it is no error of anybody's.
    """Leaves a block by an error that is caught around it."""


@dataclass(frozen=True)
class Write:
    """Store a row and send its number."""


@dataclass(frozen=True)
class Fail:
    """Run a statement that fails, and swallow the error."""


@dataclass(frozen=True)
class Savepoint:
    """Do something in a savepoint, which ends in some way."""

    steps: tuple[Any, ...]
    ending: str


@dataclass(frozen=True)
class Transaction:
    """Do something in a transaction of one of two sessions, which ends in some way."""

    session: int
    steps: tuple[Any, ...]
    ending: str


def _savepoints(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Savepoint]:
    endings = st.sampled_from(["release", "roll back", "raise"])
    return st.builds(Savepoint, st.lists(inner, max_size=4).map(tuple), endings)


STEPS = st.recursive(st.builds(Write) | st.builds(Fail) | st.builds(Write), _savepoints)
TRANSACTIONS = st.builds(
    Transaction,
    st.integers(0, 1),
    st.lists(STEPS, max_size=5).map(tuple),
    st.sampled_from(["commit", "commit", "roll back", "close", "raise"]),
)
PROGRAMS = st.lists(TRANSACTIONS, max_size=5)


class World:
    """Two sessions on one database, with a receiver that waits for commits."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.sessions = [Session(engine), Session(engine)]
        self.paid = Signal("order-paid")
        self.heard: list[int] = []
        self.number = 0
        self.paid.connect(self.hear, when="after_commit")

    def hear(self, sender: object, *, n: int) -> None:
        """Note a number."""
        self.heard.append(n)

    def run(self, program: list[Transaction]) -> None:
        """Run a program, and end both sessions."""
        for transaction in program:
            session = self.sessions[transaction.session]
            with suppress(_Undo, DBAPIError, SwallowedError), using(session):
                self.run_transaction(session, transaction)
            session.rollback()
        for session in self.sessions:
            session.close()

    def run_transaction(self, session: Session, transaction: Transaction) -> None:
        """Run one transaction to its end."""
        session.execute(text("SELECT 1"))
        self.run_steps(session, transaction.steps)
        if transaction.ending == "commit":
            session.commit()
        elif transaction.ending == "roll back":
            session.rollback()
        elif transaction.ending == "close":
            session.close()
        else:
            raise _Undo

    def run_steps(self, session: Session, steps: tuple[Any, ...]) -> None:
        """Run steps; a statement after one that has failed may fail as well."""
        for step in steps:
            if isinstance(step, Write):
                self.number += 1
                session.execute(text("INSERT INTO orders VALUES (:n)"), {"n": self.number})
                self.paid.send("shop", n=self.number)
            elif isinstance(step, Fail):
                with suppress(DBAPIError):
                    session.execute(text("SELECT no_such_thing()"))
            else:
                self.run_savepoint(session, step)

    def run_savepoint(self, session: Session, step: Savepoint) -> None:
        """Run steps in a savepoint to its end."""
        with suppress(_Undo):
            if step.ending == "roll back":
                savepoint = session.begin_nested()
                self.run_steps(session, step.steps)
                savepoint.rollback()
            else:
                with session.begin_nested():
                    self.run_steps(session, step.steps)
                    if step.ending == "raise":
                        raise _Undo

    def stored(self) -> list[int]:
        """Return the rows that everybody sees."""
        with self.engine.connect() as connection:
            return [*connection.scalars(text("SELECT n FROM orders ORDER BY n"))]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Give a database."""
    if request.param == "sqlite":
        made = create_engine(f"sqlite:///{tmp_path / 'orders.db'}")

        @event.listens_for(made, "connect")
        def _connect(connection: Any, _: object) -> None:
            connection.isolation_level = None

        @event.listens_for(made, "begin")
        def _begin(connection: Any) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    else:
        port = request.getfixturevalue("postgres_port")
        made = create_engine(f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres")
    yield made
    made.dispose()


@pytest.mark.timeout(300)
def test_what_is_delivered_is_what_was_committed(engine: Engine) -> None:
    """In every nesting, and in the order of sending."""

    @settings(max_examples=EXAMPLES)
    @given(PROGRAMS)
    def check(program: list[Transaction]) -> None:
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE IF EXISTS orders"))
            connection.execute(text("CREATE TABLE orders (n INTEGER)"))
        with install() as commits:
            world = World(engine)
            world.run(program)

            assert world.heard == world.stored()
            assert commits.health().delivered == len(world.heard)
            assert commits.health().unknown == 0

    check()
