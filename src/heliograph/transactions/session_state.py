"""What waits for the transaction of one session, and how it ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NoReturn
from weakref import finalize, ref

from sqlalchemy.util import await_only

from heliograph import AsyncReceiverError
from heliograph.describe import describe_error, title_of
from heliograph.development import in_development
from heliograph.transactions.answered import is_answered
from heliograph.transactions.async_sessions import is_async
from heliograph.transactions.delivering import deliver_all, deliver_all_async
from heliograph.transactions.endings import (
    tell_unknown,
    warn_of_late_commit,
    warn_of_no_commit,
    warn_of_open_session,
)
from heliograph.transactions.errors import (
    NoTransactionError,
    SeveralTransactionsError,
    SwallowedError,
)
from heliograph.transactions.rows import warn_of_rows
from heliograph.transactions.server import (
    has_failed,
    is_autocommit,
    transaction_id,
    was_committed,
)
from heliograph.transactions.waiting import Enlisted, Levels, Waiting

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection
    from sqlalchemy.orm import Session

    from heliograph.postponing import Postponed
    from heliograph.transactions.sqlalchemy import SessionCommits

_TASKS: set[asyncio.Task[None]] = set()
"""Deliveries under way: asyncio itself holds tasks only weakly."""


class SessionState:
    """One transaction of a session, from its begin to its end.

    Attributes:
        commits: Who has made it.
        levels: The deliveries that wait.
        over: Whether it has ended.
        rolled_back: Whether somebody has rolled back, and not only closed the session.
        commit_sent: Whether the server was told to commit.
        error: The last error of the driver in it.
        cut: Whether that error says that the connection is gone.
    """

    def __init__(self, commits: SessionCommits, session: Session) -> None:
        self.commits: SessionCommits = commits
        self.levels: Levels = Levels()
        self.over: bool = False
        self.rolled_back: bool = False
        self.commit_sent: bool = False
        self.error: BaseException | None = None
        self.cut: bool = False
        self._session = ref(session)
        self._connections: list[Connection] = []
        self._incomplete: BaseException | None = None
        self._committed = False
        self._released = False
        self._id: str | None = None
        self._collected: Any = None

    def described(self) -> str:
        """Return what messages call it."""
        return f"that of the session {self._session()!r}"

    def wait(self, postponed: Postponed) -> None:
        """Keep a delivery until the transaction ends.

        Raises:
            AsyncReceiverError: If the receiver has to be awaited and the session is not async.
            NoTransactionError: If each statement commits itself.
        """
        session = self._session()
        if postponed.is_async and (session is None or not is_async(session)):
            msg = (
                f"{postponed.connection.name} is async, but {title_of(postponed.signal)} was sent "
                "in the transaction of a plain session, which awaits nothing when it ends. Use an "
                "AsyncSession, or connect a plain function. No receiver was called."
            )
            raise AsyncReceiverError(msg)
        self._add(Waiting(postponed))
        if in_development():
            warn_of_rows(postponed)

    def enlist(self, row: Enlisted) -> None:
        """Write a row just before the commit.

        Raises:
            NoTransactionError: If each statement commits itself.
        """
        self._add(row)

    def files(self) -> list[str]:
        """Return the files of SQLite that it may have locked."""
        urls = [it.engine.url for it in self._connections if it.dialect.name == "sqlite"]
        return [url.database for url in urls if url.database]

    def _add(self, it: Waiting | Enlisted) -> None:
        session = self._session()
        for connection in self._connections:
            _refuse_autocommit(connection)
        self.levels.add(it)
        if self._collected is None and session is not None:
            self._collected = finalize(session, self._abandoned)
            self._collected.atexit = False

    def use(self, connection: Connection) -> None:
        """Note a connection that the transaction uses."""
        if connection not in self._connections:
            if self.levels:
                _refuse_autocommit(connection)
            self._connections.append(connection)

    def check(self) -> None:
        """Refuse to commit what the server would roll back, or what could be committed in part.

        Raises:
            SwallowedError: If the server would roll back.
            SeveralTransactionsError: If several databases would commit one after the other.
        """
        if not self.levels:
            return
        session = self._session()
        engines = {it.engine for it in self._connections}
        whole = self.commits.several_databases or (session is not None and session.twophase)
        if len(engines) > 1 and not whole:
            msg = (
                f"A session commits {len(engines)} databases one after the other: if one of them "
                "refuses, receivers that wait for the commit have no true answer. Use one "
                "database or twophase=True, or accept that with install(several_databases=True)."
            )
            raise SeveralTransactionsError(msg)
        if self._incomplete is not None:
            self._refuse_half(self._incomplete)
        for connection in self._connections:
            self._refuse_failed(connection)
        self._write()
        if self.commits.unknown == "ask" and len(self._connections) == 1:
            self._id = transaction_id(self._connections[0])

    def _write(self) -> None:
        for writer, rows in self.levels.rows().items():
            try:
                writer.write_by_sqlalchemy(self._own_connection(), rows)
            except BaseException as error:
                # Whoever swallows it, and commits again, commits nothing.
                self._incomplete = error
                raise
            self.levels.written(writer)

    def _own_connection(self) -> Connection:
        """Return the connection of the transaction.

        The session would open another one for its default database, where the rest is in one that
        it has for some classes alone.
        """
        if len(self._connections) == 1:
            return self._connections[0]
        session: Any = self._session()  # It commits just now, so it is there.
        found: Connection = session.connection()
        return found

    def _refuse_half(self, error: BaseException) -> NoReturn:
        msg = (
            f"{describe_error(error)} has kept what belongs to this transaction from being "
            "written, and was caught: the rest is not committed alone. Roll back."
        )
        raise SwallowedError(msg) from error

    def _refuse_failed(self, connection: Connection) -> None:
        swallowed = self.error
        if has_failed(connection):
            what = "an earlier one" if swallowed is None else describe_error(swallowed)
            msg = (
                f"The server would answer COMMIT with a rollback: {what} was caught, and nothing "
                "that follows counts. Roll back, or run what may fail in session.begin_nested()."
            )
            raise SwallowedError(msg) from swallowed

    def committed(self, *, released: bool) -> None:
        """Note that the transaction was committed, or a savepoint *released*."""
        if released:
            self._released = True
        else:
            self._committed = True

    def failed(self, error: BaseException, *, cut: bool) -> None:
        """Note an error of the driver, which the program may swallow.

        Args:
            error: The error.
            cut: Whether it says that the connection is gone.
        """
        self.error = error
        self.cut = cut

    def leave_savepoint(self) -> None:
        """Merge what was sent in a savepoint that was released, or drop it."""
        if self._released:
            self.levels.release()
        else:
            self.commits.ledger.count("dropped", self.levels.roll_back())
        self._released = False

    def end(self) -> None:
        """Deliver, drop, or tell that nobody knows."""
        self.over = True
        if self._collected is not None:
            self._collected.detach()
        waiting = self.levels.take()
        if not waiting:
            return
        if self._committed:
            if in_development() and is_answered():
                warn_of_late_commit(waiting)
            self._deliver(waiting)
        elif self.commit_sent and self.cut:
            self._settle(waiting)
        else:
            self._drop(waiting)

    def forget(self) -> None:
        """Call nobody."""
        self.over = True
        self.levels.take()

    def _abandoned(self) -> None:
        """Drop what waits for a session that was collected: SQLAlchemy tells nobody of it."""
        self.over = True
        self._drop(self.levels.take())

    def _drop(self, waiting: list[Waiting]) -> None:
        self.commits.ledger.count("dropped", len(waiting))
        if waiting and not self.rolled_back and in_development():
            warn_of_no_commit(waiting)

    def _settle(self, waiting: list[Waiting]) -> None:
        commits = self.commits
        commits.ledger.count("unknown", len(waiting))
        tell_unknown(self.error, waiting, commits.unknown)
        if commits.unknown == "deliver" or (commits.unknown == "ask" and self._was_committed()):
            self._deliver(waiting)

    def _was_committed(self) -> bool:
        if self._id is None:  # It wrote nothing, or the server cannot be asked.
            return False
        return was_committed(self._connections[0].engine, self._id, self.commits.ask_for)

    def _deliver(self, waiting: list[Waiting]) -> None:
        if any(it.postponed.is_async for it in waiting):
            self._deliver_async(waiting)
        else:
            deliver_all(waiting, self.commits.ledger)
        session = self._session()
        if session is not None and session.in_transaction() and in_development():
            warn_of_open_session(waiting)

    def _deliver_async(self, waiting: list[Waiting]) -> None:
        ledger = self.commits.ledger
        # In a task that the caller's time limit cannot cut: the transaction is committed.
        task = asyncio.get_running_loop().create_task(deliver_all_async(waiting, ledger))
        _TASKS.add(task)
        task.add_done_callback(_TASKS.discard)
        await_only(asyncio.shield(task))


def _refuse_autocommit(connection: Connection) -> None:
    if is_autocommit(connection):
        msg = (
            "Each statement of this session commits itself (AUTOCOMMIT): no commit will come that "
            "a receiver could wait for. Use an engine without isolation_level='AUTOCOMMIT'."
        )
        raise NoTransactionError(msg)
