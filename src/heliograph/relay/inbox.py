"""Inbox: what arrives twice has its effect once, as both are committed together."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Self

from sqlalchemy import select, tuple_

from heliograph import ArgumentError
from heliograph.relay.current import CURRENT
from heliograph.relay.errors import RelayError, UnavailableError
from heliograph.relay.tables.databases import Database
from heliograph.relay.tables.marking import Marks, Once
from heliograph.relay.tables.schema import inbox
from heliograph.relay.tables.standing import Standing

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Engine

_LOG = logging.getLogger("heliograph")
_AT_ONCE = 500  # So that nobody waits long.
_HOUR = 3600.0


class Inbox(Standing):
    """A table beside those of a group's work, of the envelopes that the group has worked on.

    A broker hands an envelope over again where it does not know whether the work was done. The
    mark of an envelope is committed with the work, or not at all, so the work is done once::

        @relay.connect(order_paid, group="billing")
        def bill(sender, *, order_id):
            with Session.begin() as session, inbox.once(session) as first:
                if first:
                    session.add(Invoice(order_id=order_id))

    Args:
        database: Where it is, as SQLAlchemy takes it (``"postgresql+psycopg://…"``,
            ``"sqlite:///shop.db"``), or an engine: the database of the work, which may use
            another driver there.
        create: Whether to make its tables if there are none.
        keep: Seconds for which marks are kept: longer than the broker keeps envelopes and dead
            letters. A thread deletes older ones, between `start` and `stop`.
        every: Seconds after which it does so again.

    Raises:
        ArgumentError: If it is no such place, or a number makes no sense.
        RelayError: If the driver is not installed.
    """

    def __init__(
        self,
        database: str | URL | Engine,
        *,
        create: bool = True,
        keep: float = 30 * 24 * _HOUR,
        every: float = _HOUR,
    ) -> None:
        if not (keep > 0 and every > 0):
            msg = f"keep={keep!r} and every={every!r} do not fit an inbox: use seconds above 0."
            raise ArgumentError(msg)
        super().__init__(Database(database, "inbox", create=create), "Inbox")
        self._marks = Marks(self._database)
        self._keep = keep
        self._every = every
        self._stopping = threading.Event()
        self._pruning: threading.Thread | None = None

    def once(self, it: object, part: str = "") -> Once:
        """Return a block that marks the current envelope, and says whether it is the first time.

        The mark is written at once, in the transaction of the work. Somebody who works on the same
        envelope at the same time waits here until it is committed, or rolled back; on SQLite, or
        with a stricter isolation than READ COMMITTED, an error of the database may tell so, and
        the receiver is tried again. A block that is left by an error takes its mark back.

        Args:
            it: Where the work is done: a session or a connection of SQLAlchemy, or the alias of a
                database of Django; with ``async with``, an async session or connection.
            part: Which part of the work it is, where a group has several receivers for a signal,
                or one of them several transactions: each part is done once.

        Raises:
            RelayError: Outside of a delivery to a group. Entering the block raises it if the work
                is done in another database.
            NoTransactionError: On entering, if each statement commits itself.
            ArgumentError: On entering, if it is no such place; or if two receivers work on the
                same envelope, and no *part* tells them apart.
        """
        delivered = CURRENT.get()
        if delivered is None or delivered.group is None:
            where = "outside of a delivery" if delivered is None else "in a receiver of no group"
            msg = (
                f"Inbox.once() was called {where}: nobody knows which envelope it is for. Call it "
                "in a receiver that is connected with group=..., in the same thread or task."
            )
            raise RelayError(msg)
        return Once(self._marks, it, delivered, part)

    def prune(self, older_than: float) -> int:
        """Delete old marks, a few at a time; return how many they were.

        Args:
            older_than: Seconds: more than the broker keeps envelopes and dead letters. One that
                comes again later has its effect again.

        Raises:
            UnavailableError: If the database does not answer.
        """
        before = int((time.time() - older_than) * 1_000_000)
        key = inbox.c.team, inbox.c.id, inbox.c.part
        old = select(*key).where(inbox.c.seen_at < before).limit(_AT_ONCE)
        chosen = tuple_(*key).in_(old.with_for_update(skip_locked=True))
        pruned, found = 0, _AT_ONCE
        while found == _AT_ONCE:
            with self._database.begin() as connection:
                found = connection.execute(inbox.delete().where(chosen)).rowcount
            pruned += found
        return pruned

    def start(self) -> Self:
        """Make or check the tables, and let a thread delete old marks from now on.

        Raises:
            UnavailableError: If the database does not answer, or refuses us.
            RelayError: If the tables are missing and not to be made, or of another version.
        """
        self.open()
        # In a process that was forked, the thread of the parent is none that is alive.
        if self._pruning is None or not self._pruning.is_alive():
            self._stopping.clear()
            self._pruning = threading.Thread(
                target=self._prune_again, name="heliograph-inbox", daemon=True
            )
            self._pruning.start()
        return self

    def stop(self, timeout: float = 5.0) -> None:
        """End the thread, and close the connections of its own."""
        self._stopping.set()
        if self._pruning is not None:
            self._pruning.join(timeout)
        self.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _prune_again(self) -> None:
        while True:
            try:
                self.prune(self._keep)
            except UnavailableError as error:
                _LOG.warning("Old marks are not deleted for now. %s", error)
            if self._stopping.wait(self._every):
                return
