"""Delivery on commit for the transactions of Django."""

from __future__ import annotations

import logging
import os
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakKeyDictionary

from asgiref.sync import async_to_sync
from django.db import connections
from django.db.transaction import atomic
from django.db.utils import Error

from heliograph import StateError
from heliograph.describe import describe_error, title_of
from heliograph.development import in_development
from heliograph.transactions.ambient import add_backend, remove_backend
from heliograph.transactions.asking import OWN_ID, STATUS, settled
from heliograph.transactions.delivering import deliver_all, deliver_all_async
from heliograph.transactions.django_tasks import watch_tasks, watch_tasks_no_more
from heliograph.transactions.endings import Ledger, check_choice, tell_unknown
from heliograph.transactions.errors import SwallowedError
from heliograph.transactions.sqlite import has_undone_all
from heliograph.transactions.waiting import Waiting, by_writer, deliveries

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.backends.base.base import BaseDatabaseWrapper

    from heliograph.postponing import Postponed
    from heliograph.transactions.ambient import Transaction
    from heliograph.transactions.endings import Health, Unknown, Without
    from heliograph.transactions.waiting import Enlisted

_LOG = logging.getLogger("heliograph")
_ASK_FOR = 5.0
_IN_ERROR = 3  # libpq's PQTRANS_INERROR, which psycopg and psycopg2 show.

_MINE: ContextVar[object] = ContextVar("heliograph_django_transaction", default=None)
"""The transaction in which this context has sent last."""


class Block:
    """What waits for one outermost `atomic`: from the first send in it to its end.

    Meanwhile some methods of the connection are ours, as Django tells nobody of a rollback, nor
    of a COMMIT whose answer never came.
    """

    def __init__(self, commits: DjangoCommits, connection: BaseDatabaseWrapper) -> None:
        self._commits = commits
        self._connection = connection
        self._waiting: list[Waiting | Enlisted] = []
        self._savepoints: dict[str, int] = {}
        self._error: BaseException | None = None
        self._id: str | None = None
        self._theirs: dict[str, Any] = {}
        for name in ("commit", "rollback", "close", "savepoint", "savepoint_rollback"):
            self._theirs[name] = getattr(connection, name)
            setattr(connection, name, getattr(self, f"_{name}"))
        connection.execute_wrappers.append(self._note_errors)

    def wait(self, postponed: Postponed) -> None:
        """Keep a delivery until the block ends."""
        self._warn_of_another_task(postponed)
        waiting = Waiting(postponed)
        self._waiting.append(waiting)
        self._connection.on_commit(lambda: self._deliver(waiting), robust=True)

    def enlist(self, row: Enlisted) -> None:
        """Write a row just before the commit."""
        self._waiting.append(row)

    def _deliver(self, waiting: Waiting) -> None:
        if waiting in self._waiting:  # Otherwise a savepoint around it was rolled back.
            self._waiting.remove(waiting)
            if self._connection.in_atomic_block:
                self._check_constraints()
            self._commits.deliver([waiting])

    def _check_constraints(self) -> None:
        """Refuse, in a TestCase that delivers what it never commits, what a commit would refuse."""
        savepoint: Any = atomic(self._connection.alias)
        try:
            with savepoint:
                self._connection.check_constraints()
        except Exception:
            self._commits.ledger.count("dropped")
            raise

    def _warn_of_another_task(self, postponed: Postponed) -> None:
        first = not self._waiting
        if not first and _MINE.get() is not self and in_development():
            _LOG.warning(
                "%s was sent in a transaction that another task has begun: tasks that share a "
                "thread share its connection. It waits for the other task's commit.",
                title_of(postponed.signal),
            )
        _MINE.set(self)

    # What follows stands in for methods of the connection.

    def _commit(self) -> None:
        waiting = deliveries(self._waiting)
        if self._waiting and self._has_failed():
            self._refuse()
        self._write()
        if waiting and self._commits.unknown == "ask":
            self._id = _transaction_id(self._connection)
        self._restore()
        try:
            self._theirs["commit"]()
        except BaseException as error:
            self._waiting.clear()
            if isinstance(error, Error) and self._connection.is_usable():
                self._commits.ledger.count("dropped", len(waiting))
            elif waiting:
                self._settle(error, waiting)
            raise

    def _settle(self, error: BaseException, waiting: list[Waiting]) -> None:
        commits = self._commits
        commits.ledger.count("unknown", len(waiting))
        tell_unknown(error, waiting, commits.unknown)
        asked = commits.unknown == "ask" and self._id is not None
        if commits.unknown == "deliver" or (asked and _was_committed(self._connection, self._id)):
            commits.deliver(waiting)

    def _write(self) -> None:
        try:
            for writer, rows in by_writer(self._waiting).items():
                writer.write_by_django(self._connection, rows)
        except BaseException:
            self._rollback()
            raise

    def _refuse(self) -> None:
        swallowed = self._error
        what = "an earlier error" if swallowed is None else describe_error(swallowed)
        self._rollback()
        msg = (
            f"The server would answer COMMIT with a rollback: {what} was caught, and nothing that "
            "follows counts. Run what may fail in an atomic() of its own."
        )
        raise SwallowedError(msg) from swallowed

    def _has_failed(self) -> bool:
        info = getattr(self._connection.connection, "info", None)
        status = getattr(info, "transaction_status", None)
        return status is not None and int(status) == _IN_ERROR

    def _rollback(self) -> None:
        self.drop()
        self._theirs["rollback"]()

    def _close(self) -> None:
        self.drop()
        self._theirs["close"]()

    def _savepoint(self) -> Any:
        made = self._theirs["savepoint"]()
        self._savepoints[made] = len(self._waiting)
        return made

    def _savepoint_rollback(self, savepoint: str) -> None:
        self._theirs["savepoint_rollback"](savepoint)
        # One that was made before this block has begun to watch is around all that waits.
        several = self._waiting[self._savepoints.get(savepoint, 0) :]
        for waiting in several:
            self._waiting.remove(waiting)
        self._commits.ledger.count("dropped", len(deliveries(several)))

    def _note_errors(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: Any, context: Any
    ) -> Any:
        try:
            return execute(sql, params, many, context)
        except Error as error:
            self._error = error
            if has_undone_all(self._connection.connection, error.__cause__):
                self._connection.needs_rollback = True  # Django does nothing more in the block.
            raise

    def drop(self) -> None:
        """Call nobody."""
        self._restore()
        self._commits.ledger.count("dropped", len(deliveries(self._waiting)))
        self._waiting.clear()

    def _restore(self) -> None:
        self._commits.over(self._connection)
        for name in self._theirs:
            vars(self._connection).pop(name, None)
        self._connection.execute_wrappers.remove(self._note_errors)


class Open:
    """A database that is inside of `atomic`."""

    def __init__(self, commits: DjangoCommits, connection: BaseDatabaseWrapper) -> None:
        self._commits = commits
        self._connection = connection

    def described(self) -> str:
        """Return what messages call it."""
        return f"that of Django's database {self._connection.alias!r}"

    def wait(self, postponed: Postponed) -> None:
        """Keep a delivery until the transaction ends."""
        self._commits.block(self._connection).wait(postponed)

    def enlist(self, row: Enlisted) -> None:
        """Write a row just before the commit."""
        self._commits.block(self._connection).enlist(row)

    def files(self) -> list[str]:
        """Return the file of SQLite that it may have locked."""
        name = self._connection.settings_dict["NAME"]
        return [str(name)] if self._connection.vendor == "sqlite" else []


class DjangoCommits:
    """Delivery on commit for the databases of Django; what `install` returns.

    A context manager: leaving it switches it off.
    """

    def __init__(self, no_transaction: Without, unknown: Unknown) -> None:
        self.no_transaction: Without = no_transaction
        self.unknown: Unknown = unknown
        self.ledger: Ledger = Ledger()
        self._blocks: WeakKeyDictionary[BaseDatabaseWrapper, Block] = WeakKeyDictionary()

    def health(self) -> Health:
        """Return what became of the deliveries so far."""
        return self.ledger.health()

    def uninstall(self) -> None:
        """Switch it off: receivers that wait are called no more. Doing so twice is no error."""
        remove_backend(self)
        watch_tasks_no_more()
        if self in _installed:
            _installed.remove(self)
        for block in [*self._blocks.values()]:
            block.drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.uninstall()

    def open_here(self) -> list[Transaction]:
        """Return the databases that are inside of `atomic` in this thread."""
        known = connections.all(initialized_only=True)
        return [Open(self, it) for it in known if it.in_atomic_block]

    def chosen(self, it: object) -> Transaction | None:
        """Return the transaction of a database, by its alias."""
        if not isinstance(it, str) or it not in connections:
            return None
        connection = connections[it]
        return Open(self, connection) if connection.in_atomic_block else None

    def block(self, connection: BaseDatabaseWrapper) -> Block:
        """Return what waits for the transaction of a connection."""
        found = self._blocks.get(connection)
        if found is None:
            found = self._blocks[connection] = Block(self, connection)
        return found

    def over(self, connection: BaseDatabaseWrapper) -> None:
        """Forget a block that has ended."""
        self._blocks.pop(connection, None)

    def deliver(self, several: list[Waiting]) -> None:
        """Call receivers; async ones run to their end meanwhile."""
        if any(it.postponed.is_async for it in several):
            async_to_sync(deliver_all_async)(several, self.ledger)
        else:
            deliver_all(several, self.ledger)

    def forked(self) -> None:
        """Forget what the parent waits for, in a process that was forked."""
        for block in [*self._blocks.values()]:
            block.drop()
        self.ledger.start_over()


_installed: list[DjangoCommits] = []


def install(*, no_transaction: Without = "raise", unknown: Unknown = "drop") -> DjangoCommits:
    """Deliver on commit for all databases of Django. Call it once, in an `AppConfig.ready` say.

    Args:
        no_transaction: What a send does outside of `atomic`: ``"raise"``, before any receiver is
            called; ``"now"``, deliver at once; or ``"drop"``, which counts it.
        unknown: What is done where the answer to COMMIT never came: ``"drop"``, ``"deliver"``, or
            ``"ask"`` the server (PostgreSQL), and deliver if it has committed. It is told in the
            log, by `heliograph.transactions.commit_unknown` and in the counts in any case.

    Returns:
        A handle that counts, and that switches it off.

    Raises:
        ArgumentError: If there is no such policy.
        StateError: If it is installed already.
    """
    check_choice("no_transaction", no_transaction, ("raise", "now", "drop"))
    check_choice("unknown", unknown, ("drop", "deliver", "ask"))
    if _installed:
        msg = (
            "Delivery on commit is installed for Django already. Install it once, and keep what "
            "install() returns to switch it off."
        )
        raise StateError(msg)
    commits = DjangoCommits(no_transaction, unknown)
    _installed.append(commits)
    add_backend(commits)
    watch_tasks()
    return commits


def _transaction_id(connection: BaseDatabaseWrapper) -> str | None:
    """Return the id by which the server can be asked later; None if it wrote nothing."""
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute(OWN_ID)
        return cursor.fetchone()[0]  # type: ignore[no-any-return]  # A text, or None.


def _was_committed(connection: BaseDatabaseWrapper, number: str | None) -> bool:
    """Ask the server, on a connection of its own, how a transaction has ended."""
    other: Any = connection.copy()

    def ask() -> str:
        try:
            with other.cursor() as cursor:
                cursor.execute(STATUS.format("%s"), [number])
                return str(cursor.fetchone()[0])
        except Error:
            return "unreachable"

    try:
        return settled(ask, _ASK_FOR)
    finally:
        other.close()


def _forked() -> None:
    for it in _installed:
        it.forked()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has none.
    os.register_at_fork(after_in_child=_forked)
