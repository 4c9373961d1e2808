"""Outbox: what is sent in a transaction is committed with it, and gets to its broker for sure."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from heliograph import ArgumentError
from heliograph.relay.errors import RelayError
from heliograph.relay.tables.databases import Database, reason
from heliograph.relay.tables.emptying import Emptying, Pace
from heliograph.relay.tables.standing import Standing
from heliograph.relay.tables.unsent import Rows, inserting, values
from heliograph.transactions import enlist

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import URL, Engine

    from heliograph.relay.channels import Channel
    from heliograph.relay.tables.emptying import Store
    from heliograph.relay.tables.unsent import Unsent

_MOST_AT_ONCE = 500  # SQLite takes 999 values in a statement, on its oldest versions too.


@dataclass(frozen=True, slots=True)
class OutboxHealth:
    """How an outbox does.

    Attributes:
        unsent: How many envelopes wait for the broker; None if the database does not say so.
        oldest: For how many seconds the first of them has waited; None if there is none.
        put_aside: How many the broker has refused for good.
        stored: How many this process has handed over.
        trouble: What has failed last in this process, if nothing has gone well since.
    """

    unsent: int | None
    oldest: float | None
    put_aside: int | None
    stored: int
    trouble: str | None


class Outbox(Standing):
    """A table beside those of the program, from which a relay takes what it hands to its broker.

    A send adds a row in the transaction around it: it is there exactly when the rest of the
    transaction is, however that has ended, and whoever was killed. Any process that runs the
    relay takes rows; one that dies gives them back. An envelope may reach the broker twice then,
    with the same id.

    Args:
        database: Where it is, as SQLAlchemy takes it (``"postgresql+psycopg://…"``,
            ``"sqlite:///shop.db"``), or an engine: the database of the program, which may use
            another driver there.
        create: Whether to make its tables if there are none.
        every: Seconds after which it is looked at, though no commit has woken anybody.
        batch: How many envelopes are handed over at a time.
        lease: Seconds after which those of a process that died are free again.
        tries: How often the broker may refuse an envelope before it is put aside. That takes
            about four minutes for 10 tries, and a minute more for each further one.

    Raises:
        ArgumentError: If it is no such place, or a number makes no sense.
        RelayError: If the driver is not installed.
    """

    def __init__(
        self,
        database: str | URL | Engine,
        *,
        create: bool = True,
        every: float = 5.0,
        batch: int = 100,
        lease: float = 30.0,
        tries: int = 10,
    ) -> None:
        if not (every > 0 and 1 <= batch <= _MOST_AT_ONCE and lease > 0 and tries >= 1):
            msg = (
                f"every={every!r}, batch={batch!r}, lease={lease!r} and tries={tries!r} do not fit "
                f"an outbox: use seconds above 0, a batch of 1 to {_MOST_AT_ONCE}, and at least "
                "one try."
            )
            raise ArgumentError(msg)
        super().__init__(Database(database, "outbox", create=create), "Outbox")
        self._rows = Rows(self._database)
        self._pace = Pace(every, batch, lease, tries)
        self._running: set[Emptying] = set()
        self._process = os.getpid()
        self._stored = 0

    def add(self, channel: Channel, envelope_id: str, data: bytes, title: str) -> None:
        """Add an envelope to the transaction around, in the thread or task of its sender.

        Args:
            channel: Where it is to go.
            envelope_id: Its id.
            data: Its bytes.
            title: What messages call the signal.

        Raises:
            NoTransactionError: If there is none.
            SeveralTransactionsError: If there are several, and nobody has said which.
            UnavailableError: If the database does not answer, at the first envelope.
            RelayError: If the outbox has no tables, or such of another version.
        """
        _ = self._database.place  # What stands against it is told before anything has happened.
        enlist(self, values(channel, envelope_id, data), title)

    def write_by_sqlalchemy(self, connection: Any, rows: Sequence[dict[str, Any]]) -> None:
        """Write envelopes just before a commit of SQLAlchemy.

        Raises:
            RelayError: If the transaction is in another database, or they cannot be written.
        """
        self._database.require_sqlalchemy(connection)
        try:
            connection.execute(text(inserting(self._database.place.schema)), rows)
        except SQLAlchemyError as error:
            raise _unwritten(error) from error

    def write_by_django(self, connection: Any, rows: Sequence[dict[str, Any]]) -> None:
        """Write envelopes just before a commit of Django.

        Raises:
            RelayError: If the transaction is in another database, or they cannot be written.
        """
        self._database.require_django(connection)
        statement = inserting(self._database.place.schema, django=True)
        try:
            with connection.cursor() as cursor:
                for row in rows:  # On SQLite, Django takes names in `execute` alone.
                    cursor.execute(statement, row)
        except Exception as error:
            raise _unwritten(error) from error

    def wake(self) -> None:
        """Look now whether there is something to forward. From any thread, as after a commit."""
        for it in [*self._mine()]:
            it.wake()

    async def forward(
        self, store: Store, stopping: asyncio.Event | None = None, *, app: str | None = None
    ) -> None:
        """Hand envelopes to the broker until *stopping* is set; several processes may do so.

        What the broker is too busy for, or does not answer, is tried again for ever, and the
        channel rests a little meanwhile. What it refuses, or what fails in another way, is tried
        again with growing delays and then put aside. A cancelled run gives back what it has.

        Args:
            store: Hands one over, as `Transport.store` does: several at a time.
            stopping: Set to end after those that are under way; None to go on until cancelled.
            app: The program whose envelopes are taken; None for all that are there.

        Raises:
            RelayError: If the tables are missing and not to be made, or of another version.
        """
        it = Emptying(self._rows, self._pace, store, app)
        self._mine().add(it)
        try:
            await it.run(stopping or asyncio.Event())
        finally:
            self._running.discard(it)
            self._stored += it.stored

    def forked(self) -> None:
        """Begin afresh in a process that was forked: what the parent runs does not run here."""
        self._database.forget()
        self._mine()

    def _mine(self) -> set[Emptying]:
        if self._process != os.getpid():  # The loops of the parent do not run here.
            self._process, self._running, self._stored = os.getpid(), set(), 0
        return self._running

    def unsent(self) -> int:
        """Return how many envelopes wait for the broker.

        Raises:
            UnavailableError: If the database does not answer.
        """
        return self._rows.counts()[0]

    def oldest_unsent(self) -> float | None:
        """Return for how many seconds the first of them has waited; None if there is none.

        Raises:
            UnavailableError: If the database does not answer.
        """
        return _age(self._rows.counts()[1])

    def health(self) -> OutboxHealth:
        """Return how it does. What stands against its database is told there, not raised."""
        mine = self._mine()
        stored = self._stored + sum(it.stored for it in mine)
        trouble = next((it.trouble for it in mine if it.trouble), None)
        try:
            _ = self._database.place  # Which says better than a driver that there are no tables.
            unsent, since, aside = self._rows.counts()
        except RelayError as error:
            return OutboxHealth(None, None, None, stored, str(error))
        return OutboxHealth(unsent, _age(since), aside, stored, trouble)

    def put_aside(self, most: int = 100) -> list[Unsent]:
        """Return envelopes that the broker has refused for good, the oldest first.

        Raises:
            UnavailableError: If the database does not answer.
        """
        return self._rows.put_aside(most)

    def release(self, ids: Sequence[str] | None = None) -> int:
        """Let envelopes that were put aside be tried again; return how many they are.

        Args:
            ids: Their ids; None for all of them.

        Raises:
            UnavailableError: If the database does not answer.
        """
        found = self._rows.release(ids)
        self.wake()
        return found

    def forget(self, ids: Sequence[str]) -> int:
        """Delete envelopes that were put aside, for good; return how many they were.

        Raises:
            UnavailableError: If the database does not answer.
        """
        return self._rows.forget(ids)


def _age(since: float | None) -> float | None:
    return None if since is None else max(0.0, time.time() - since)


def _unwritten(error: Exception) -> RelayError:
    msg = (
        "The envelopes of this transaction cannot be written to the outbox, so it is not "
        f"committed: {reason(error)}."
    )
    return RelayError(msg)
