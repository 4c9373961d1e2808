"""Reads entries: the newest, those that match, and those of one request."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import and_, func, select

from heliograph.audit.entry import HEADER
from heliograph.audit.schema import entries, seals
from heliograph.audit.sealing import count_unsealed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection


@dataclass(frozen=True)
class Found:
    """An entry as it stands in the trail.

    Attributes:
        seq: Its number in the trail.
        header: What cannot be erased, by name.
        data: What it tells: ``payload`` and ``labels``, and ``relayed`` with the process and the
            envelope that it was done for; None if that was erased.
        seal: The number of the seal that covers it, or None.
    """

    seq: int
    header: dict[str, Any]
    data: dict[str, Any] | None
    seal: int | None

    def as_dict(self) -> dict[str, Any]:
        """Return it as one dict, for JSON."""
        return {"seq": self.seq, **self.header, "data": self.data, "seal": self.seal}


@dataclass(frozen=True)
class Search:
    """Which entries are wanted; None means any.

    Attributes:
        signal: The name of the signal.
        action: The action.
        actor: The id of the actor.
        target: The id of the target, or ``type:id``.
        request: The id of the request.
        outcome: The outcome.
        tenant: Whose data.
        since: Microseconds since the epoch, from which on.
        until: Until when.
        id: The id of the entry.
        number: The number of the entry in the trail.
        after: The number of the entry after which to begin.
        before: The number of the entry before which to end.
        limit: How many, at most.
        newest_first: In which order.
    """

    signal: str | None = None
    action: str | None = None
    actor: str | None = None
    target: str | None = None
    request: str | None = None
    outcome: str | None = None
    tenant: str | None = None
    since: int | None = None
    until: int | None = None
    id: str | None = None
    number: int | None = None
    after: int | None = None
    before: int | None = None
    limit: int = 50
    newest_first: bool = True

    def query(self) -> Any:
        """Return the statement that finds them."""
        at = entries.c
        kind, _, number = (self.target or "").rpartition(":")
        wanted = {
            at.signal: self.signal,
            at.action: self.action,
            at.actor_id: self.actor,
            at.target_type: kind or None,
            at.target_id: number or None,
            at.request_id: self.request,
            at.outcome: self.outcome,
            at.tenant: self.tenant,
            at.id: self.id,
            at.seq: self.number,
        }
        where = [column == value for column, value in wanted.items() if value is not None]
        where += [] if self.since is None else [at.occurred_at >= self.since]
        where += [] if self.until is None else [at.occurred_at < self.until]
        where += [] if self.after is None else [at.seq > self.after]
        where += [] if self.before is None else [at.seq < self.before]
        query: Any = select(*_COLUMNS).where(and_(True, *where)).limit(self.limit)
        if not self.newest_first:
            return query.order_by(at.seq)
        # By time where an index has it after what is asked for; they are nearly the same.
        return query.order_by(at.occurred_at.desc(), at.seq.desc())


_COLUMNS = (
    entries.c.seq,
    *(entries.c[it] for it in HEADER),
    entries.c.data,
    entries.c.seal_id,
)


def find(connection: Connection, search: Search) -> Iterator[Found]:
    """Give the entries that match."""
    for row in connection.execute(search.query()):
        columns: list[Any] = [*row]
        seq, *header, data, seal = columns
        told = None if data is None else msgspec.json.decode(data)
        yield Found(seq, dict(zip(HEADER, header, strict=True)), told, seal)


@dataclass(frozen=True)
class Stats:
    """What is in a trail.

    Attributes:
        entries: How many entries.
        unsealed: How many of them no seal covers yet.
        seals: How many seals.
        first: When the oldest one occurred, in microseconds since the epoch, or None.
        last: When the newest one occurred.
        by_signal: How many of each signal.
        by_outcome: How many with each outcome.
    """

    entries: int
    unsealed: int
    seals: int
    first: int | None
    last: int | None
    by_signal: dict[str, int]
    by_outcome: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Return it as a dict, for JSON."""
        return asdict(self)


def stats(connection: Connection) -> Stats:
    """Count what is in a trail."""
    at = entries.c
    several, first, last = connection.execute(
        select(func.count(), func.min(at.occurred_at), func.max(at.occurred_at))
    ).one()
    return Stats(
        entries=several,
        unsealed=count_unsealed(connection),
        seals=connection.execute(select(func.count()).select_from(seals)).scalar_one(),
        first=first,
        last=last,
        by_signal=_counted(connection, at.signal),
        by_outcome=_counted(connection, at.outcome),
    )


def _counted(connection: Connection, column: Any) -> dict[str, int]:
    query = select(column, func.count()).group_by(column).order_by(func.count().desc(), column)
    return {str(name): int(several) for name, several in connection.execute(query)}
