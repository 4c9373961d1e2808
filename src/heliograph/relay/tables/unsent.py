"""The rows of an outbox: how they are written, taken, and deleted again."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, func, literal, literal_column, not_, select

from heliograph.relay.channels import Channel
from heliograph.relay.tables.schema import outbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection

    from heliograph.relay.channels import Mode
    from heliograph.relay.tables.databases import Database

_WRITTEN = ("id", "app", "signal", "mode", "keep", "keep_bytes", "data", "added_at")
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Unsent:
    """An envelope that waits for its broker, or was put aside.

    Attributes:
        id: Its id.
        channel: Where it is to go.
        data: Its bytes.
        added_at: When it was sent, in seconds since the epoch.
        tries: How often the broker has refused it.
        reason: What the broker has said last.
        number: Its number in the table.
    """

    id: str
    channel: Channel
    data: bytes
    added_at: float
    tries: int = 0
    reason: str | None = None
    number: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that its broker has refused.

    Attributes:
        number: Its number in the table.
        reason: What the broker says.
        delay: Seconds before it is tried again; None to put it aside.
    """

    number: int
    reason: str
    delay: float | None


@dataclass(slots=True)
class Ended:
    """What became of rows that were taken, and is not in the database yet.

    Attributes:
        stored: Numbers of those that the broker has.
        refused: Those that it has refused.
        others: Numbers of those that it has not answered.
    """

    stored: list[int] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    others: list[int] = field(default_factory=list)


def values(channel: Channel, envelope_id: str, data: bytes) -> dict[str, Any]:
    """Return the columns of a row that is written now."""
    return {
        "id": envelope_id,
        "app": channel.app,
        "signal": channel.signal,
        "mode": channel.mode,
        "keep": channel.keep,
        "keep_bytes": channel.keep_bytes,
        "data": data,
        "added_at": time.time_ns() // 1000,
    }


def inserting(schema: str, *, django: bool = False) -> str:
    """Return the statement that writes a row, with names for its values; Django's are its own."""
    places = ", ".join(f"%({it})s" if django else f":{it}" for it in _WRITTEN)
    return f"INSERT INTO {schema}.{outbox.name} ({', '.join(_WRITTEN)}) VALUES ({places})"  # noqa: S608 - the names are ours.


class Rows:
    """The table of an outbox, by connections of our own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(
        self, me: str, lease: float, most: int, app: str | None, resting: Iterable[Channel]
    ) -> list[Unsent]:
        """Take the oldest rows that nobody else has.

        Never those after the last one that was seen: a transaction that has begun earlier, and
        has smaller numbers, may be committed later.

        Args:
            me: Who takes them.
            lease: Seconds after which they are free again, if this process dies.
            most: How many.
            app: The program whose rows are taken; None for all.
            resting: Channels of which nothing is taken.
        """
        self._database.open()
        wanted = _wanted(app, resting)
        with self._database.reading() as connection:
            # Whoever has nothing to do takes no lock.
            if not connection.execute(_free(connection, wanted, 1)).first():
                return []
        with self._database.begin() as connection:
            query = _free(connection, wanted, most).with_for_update(skip_locked=True)
            rows = [_unsent(it) for it in connection.execute(query)]
            until = _now(connection) + literal(int(lease * _SECOND), BigInteger)
            _update(connection, [it.number for it in rows], taken_by=me, free_at=until)
        return rows

    def settle(self, me: str, ended: Ended) -> None:
        """Write down what became of rows."""
        with self._database.begin() as connection:
            if ended.stored:
                # Whoever has them now: the broker has them.
                connection.execute(outbox.delete().where(outbox.c.number.in_(ended.stored)))
            for it in ended.refused:
                self._refuse(connection, me, it)
            mine = outbox.c.taken_by == me
            _update(connection, ended.others, mine, taken_by=None, free_at=0)

    def _refuse(self, connection: Connection, me: str, it: Refused) -> None:
        now = _now(connection)
        changes: dict[str, Any] = {"aside_at": now}
        if it.delay is not None:
            changes = {"free_at": now + literal(int(it.delay * _SECOND), BigInteger)}
        changes |= {"taken_by": None, "tries": outbox.c.tries + 1, "reason": it.reason}
        _update(connection, [it.number], outbox.c.taken_by == me, **changes)

    def give_back(self, me: str) -> None:
        """Free all rows that somebody has."""
        with self._database.begin() as connection:
            mine = outbox.c.taken_by == me
            connection.execute(outbox.update().where(mine).values(taken_by=None, free_at=0))

    def counts(self) -> tuple[int, float | None, int]:
        """Return how many rows wait, since when the first does, and how many were put aside."""
        waiting = outbox.c.aside_at.is_(None)
        total = select(
            func.count().filter(waiting), func.count().filter(outbox.c.aside_at.is_not(None))
        ).select_from(outbox)
        first = select(outbox.c.added_at).where(waiting).order_by(outbox.c.number).limit(1)
        with self._database.reading() as connection:
            unsent, aside = connection.execute(total).one()
            since: int | None = connection.execute(first).scalar()
        return unsent, None if since is None else since / _SECOND, aside

    def put_aside(self, most: int) -> list[Unsent]:
        """Return rows that were put aside, the oldest first."""
        query = select(outbox).where(outbox.c.aside_at.is_not(None))
        with self._database.reading() as connection:
            found = connection.execute(query.order_by(outbox.c.number).limit(most))
            return [_unsent(it) for it in found]

    def release(self, ids: Sequence[str] | None) -> int:
        """Let rows that were put aside be tried again; return how many they are."""
        again = outbox.update().where(*_aside(ids))
        with self._database.begin() as connection:
            found = connection.execute(again.values(aside_at=None, tries=0, free_at=0))
            count: int = found.rowcount
        return count

    def forget(self, ids: Sequence[str]) -> int:
        """Delete rows that were put aside; return how many they were."""
        with self._database.begin() as connection:
            count: int = connection.execute(outbox.delete().where(*_aside(ids))).rowcount
        return count


def _wanted(app: str | None, resting: Iterable[Channel]) -> list[ColumnElement[bool]]:
    of_app = [] if app is None else [outbox.c.app == app]
    return of_app + [
        not_((outbox.c.app == it.app) & (outbox.c.signal == it.signal) & (outbox.c.mode == it.mode))
        for it in resting
    ]


def _free(connection: Connection, wanted: list[ColumnElement[bool]], most: int) -> Any:
    free = outbox.c.free_at <= _now(connection)
    query = select(outbox).where(outbox.c.aside_at.is_(None), free, *wanted)
    return query.order_by(outbox.c.number).limit(most)


def _now(connection: Connection) -> ColumnElement[int]:
    # The clocks of several machines differ; that of the server is one.
    if connection.dialect.name == "postgresql":
        now = "(extract(epoch from clock_timestamp()) * 1000000)::bigint"
        return literal_column(now, BigInteger)
    return literal(time.time_ns() // 1000, BigInteger)


def _update(
    connection: Connection, numbers: list[int], *which: ColumnElement[bool], **changes: Any
) -> None:
    if numbers:
        chosen = outbox.update().where(outbox.c.number.in_(numbers), *which)
        connection.execute(chosen.values(**changes))


def _aside(ids: Sequence[str] | None) -> list[ColumnElement[bool]]:
    aside = [outbox.c.aside_at.is_not(None)]
    return aside if ids is None else [*aside, outbox.c.id.in_(ids)]


def _unsent(row: Any) -> Unsent:
    mode: Mode = row.mode
    return Unsent(
        id=row.id,
        channel=Channel(row.app, row.signal, mode, row.keep, row.keep_bytes),
        data=bytes(row.data),
        added_at=row.added_at / _SECOND,
        tries=row.tries,
        reason=row.reason,
        number=row.number,
    )
