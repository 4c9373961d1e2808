"""Once: the mark of an envelope gets into the transaction in which its work is done."""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.util import greenlet_spawn

from heliograph import ArgumentError
from heliograph.describe import short_repr
from heliograph.relay.tables.schema import inbox
from heliograph.transactions import NoTransactionError, SwallowedError
from heliograph.transactions.async_sessions import is_async, plain_session
from heliograph.transactions.server import has_failed, is_autocommit

if TYPE_CHECKING:
    from collections.abc import Callable

    from heliograph.relay.current import Delivered
    from heliograph.relay.tables.databases import Database

_REMEMBERED = 256
_INSERT = (
    "INSERT INTO {table} (team, id, part, seen_at) VALUES ({team}, {id}, {part}, {seen_at})"
    " ON CONFLICT DO NOTHING"
)
_EACH_STATEMENT = (
    "Each statement of {} commits itself: the mark of an envelope would stay though its work "
    "failed. Call Inbox.once() in a transaction."
)
_DELETE = "DELETE FROM {table} WHERE team = {team} AND id = {id} AND part = {part}"


class Work(Protocol):
    """Where the work of an envelope is done: a transaction of the program."""

    def begin(self, database: Database) -> None:
        """Refuse what is in another database, or commits each statement."""
        ...

    def execute(self, statement: str, table: str, values: dict[str, Any]) -> int:
        """Run a statement in it; return how many rows it has changed."""
        ...

    def goes_on(self) -> bool:
        """Tell whether it is the same transaction still."""
        ...

    def has_failed(self) -> bool:
        """Tell whether the server will answer COMMIT with a rollback."""
        ...


class Marks:
    """The marks of an inbox, and those that this process has just made."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._made: deque[tuple[Delivered, str]] = deque(maxlen=_REMEMBERED)

    def mark(self, work: Work, delivered: Delivered, part: str) -> bool:
        """Mark an envelope; return whether it was not marked.

        Raises:
            RelayError: If the work is done in another database.
            NoTransactionError: If each statement commits itself there.
            ArgumentError: If this delivery itself has marked it.
        """
        work.begin(self._database)
        values = {**_key(delivered, part), "seen_at": time.time_ns() // 1000}
        first = work.execute(_INSERT, self._table(), values) == 1
        if first:
            self._made.append((delivered, part))
        elif any(it is delivered and known == part for it, known in [*self._made]):
            msg = (
                f"Two receivers of the group {delivered.group!r}, or two blocks of one, have "
                f"called Inbox.once() for the same envelope of {delivered.signal!r}: the second "
                "would never do its work. Tell them apart: once(session, part='mail')."
            )
            raise ArgumentError(msg)
        return first

    def unmark(self, work: Work, delivered: Delivered, part: str) -> None:
        """Take a mark back that was made in the same transaction."""
        work.execute(_DELETE, self._table(), _key(delivered, part))

    def _table(self) -> str:
        return f"{self._database.place.schema}.{inbox.name}"


class Once:
    """A block that does the work of an envelope, the first time; what `Inbox.once` returns."""

    def __init__(self, marks: Marks, it: object, delivered: Delivered, part: str) -> None:
        self._marks = marks
        self._it = it
        self._delivered = delivered
        self._part = part
        self._work: Work | None = None
        self._first = False

    def __enter__(self) -> bool:
        return self._enter(_work(self._it, asynchronous=False))

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._leave(error)

    async def __aenter__(self) -> bool:
        work = _work(self._it, asynchronous=True)
        first: bool = await greenlet_spawn(self._enter, work)
        return first

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        await greenlet_spawn(self._leave, error)

    def _enter(self, work: Work) -> bool:
        self._work = work
        self._first = self._marks.mark(work, self._delivered, self._part)
        return self._first

    def _leave(self, error: BaseException | None) -> None:
        work = self._work
        if work is None or not work.goes_on():
            return
        if error is None and work.has_failed():
            msg = (
                "The server would answer COMMIT with a rollback: an earlier error was caught, and "
                "neither the work nor the mark of this envelope would be there. Roll back, or run "
                "what may fail in a savepoint."
            )
            raise SwallowedError(msg)
        if self._first and isinstance(error, Exception):
            # Whoever catches it and commits the rest has not done the work.
            with suppress(Exception):  # Refused where the transaction is lost anyway.
                self._marks.unmark(work, self._delivered, self._part)


class InSqlalchemy:
    """Work that is done by a connection of SQLAlchemy."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._connection: Any = None
        self._transaction: Any = None

    def begin(self, database: Database) -> None:
        """Refuse what is in another database, or commits each statement."""
        self._connection = connection = self._connect()
        if not connection.in_transaction():
            connection.begin()
        if is_autocommit(connection):
            raise NoTransactionError(_EACH_STATEMENT.format("this connection"))
        database.require_sqlalchemy(connection)
        self._transaction = connection.get_transaction()

    def execute(self, statement: str, table: str, values: dict[str, Any]) -> int:
        """Run a statement in it; return how many rows it has changed."""
        done = self._connection.execute(
            text(_with_signs(statement, table, values, ":{}")),
            values,
            execution_options={"preserve_rowcount": True},
        )
        count: int = done.rowcount
        return count

    def goes_on(self) -> bool:
        """Tell whether it is the same transaction still."""
        it = self._connection
        return not it.closed and it.get_transaction() is self._transaction

    def has_failed(self) -> bool:
        """Tell whether the server will answer COMMIT with a rollback."""
        return has_failed(self._connection)


class InDjango:
    """Work that is done in a database of Django."""

    def __init__(self, alias: str) -> None:
        # Those who use SQLAlchemy alone may have no Django.
        from django.db import connections

        if alias not in connections:
            msg = f"Django has no database {alias!r}: name one of settings.DATABASES."
            raise ArgumentError(msg)
        self._connection: Any = connections[alias]

    def begin(self, database: Database) -> None:
        """Refuse what is in another database, or commits each statement."""
        if not self._connection.in_atomic_block:
            where = f"Django's database {self._connection.alias!r}"
            raise NoTransactionError(_EACH_STATEMENT.format(where))
        database.require_django(self._connection)

    def execute(self, statement: str, table: str, values: dict[str, Any]) -> int:
        """Run a statement in it; return how many rows it has changed."""
        with self._connection.cursor() as cursor:
            cursor.execute(_with_signs(statement, table, values, "%({})s"), values)
            count: int = cursor.rowcount
        return count

    def goes_on(self) -> bool:
        """Tell whether it is the same transaction still."""
        going_on: bool = self._connection.in_atomic_block
        return going_on

    def has_failed(self) -> bool:
        """Tell whether the server will answer COMMIT with a rollback."""
        info = getattr(self._connection.connection, "info", None)
        return int(getattr(info, "transaction_status", 0)) == _IN_ERROR


_IN_ERROR = 3  # libpq's PQTRANS_INERROR, which psycopg and psycopg2 show.


def _work(it: Any, *, asynchronous: bool) -> Work:
    if isinstance(it, str) and not asynchronous:
        return InDjango(it)
    session = plain_session(it)
    connection: Any = it if isinstance(it, Connection) else getattr(it, "sync_connection", None)
    if session is None and connection is None:
        msg = (
            f"{short_repr(it)} is no place for the work of an envelope: pass a session or a "
            "connection of SQLAlchemy, or, without `async`, the alias of a database of Django."
        )
        raise ArgumentError(msg)
    found_async = is_async(session) if session is not None else connection is not it
    if found_async != asynchronous:
        use = "`async with`" if found_async else "`with`, without `async`"
        msg = f"{short_repr(it)} needs another block: use {use} inbox.once(...)."
        raise ArgumentError(msg)
    if session is not None:
        return InSqlalchemy(session.connection)
    return InSqlalchemy(lambda: connection)


def _key(delivered: Delivered, part: str) -> dict[str, Any]:
    return {"team": delivered.group, "id": delivered.id, "part": part}


def _with_signs(statement: str, table: str, values: dict[str, Any], sign: str) -> str:
    return statement.format(table=table, **{it: sign.format(it) for it in values})
