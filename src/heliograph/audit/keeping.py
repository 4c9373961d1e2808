"""What may be taken out of a trail: the content of entries, and old sealed batches."""

from __future__ import annotations

import sys
import time
from bisect import bisect_right
from contextlib import suppress
from itertools import accumulate, takewhile
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import delete, func, or_, select, update

from heliograph.audit.schema import entries, seals

ERASED = "trail.erased"
PRUNED = "trail.pruned"

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection


def erase(connection: Connection, subject: str) -> list[int]:
    """Take out what entries tell of *subject*, as actor or target; return their numbers.

    The digest of what they told stays, so that the seals still hold; its salt goes, so that
    nobody can try out what it was.
    """
    about = or_(entries.c.actor_id == subject, entries.c.target_id == subject)
    told = entries.c.data.is_not(None)
    done = update(entries).where(about, told).values(data=None, data_salt=None)
    return sorted(connection.scalars(done.returning(entries.c.seq)))


def prune(connection: Connection, before: int) -> tuple[int, int, int]:
    """Remove the oldest sealed batches, as long as all entries of each are older than *before*.

    A seal is never removed before an older one: what tells of an erasure goes no sooner than
    what was erased.

    Args:
        connection: Where.
        before: Microseconds since the epoch.

    Returns:
        The number of the last seal without entries, 0 if there is none; how many have lost them
        now, and how many entries that were.
    """
    newest = (
        select(seals.c.id, func.max(entries.c.occurred_at))
        .join(entries, entries.c.seal_id == seals.c.id)
        .where(seals.c.pruned_at.is_(None))
        .group_by(seals.c.id)
        .order_by(seals.c.id)
    )
    old = [it.id for it in takewhile(lambda it: it[1] < before, connection.execute(newest).all())]
    removed = 0
    now = time.time_ns() // 1000
    for number in old:
        connection.execute(update(seals).where(seals.c.id == number).values(pruned_at=now))
        removed += connection.execute(delete(entries).where(entries.c.seal_id == number)).rowcount
    last = connection.scalar(select(func.max(seals.c.id)).where(seals.c.pruned_at.is_not(None)))
    return last or 0, len(old), removed


def ranges(numbers: Sequence[int]) -> str:
    """Return ascending numbers in short: ``"1-3,7"``."""
    found: list[list[int]] = []
    for it in numbers:
        if found and it == found[-1][1] + 1:
            found[-1][1] = it
        else:
            found.append([it, it])
    return ",".join(str(one) if one == last else f"{one}-{last}" for one, last in found)


class Told:
    """What the entries of a trail tell of what was taken out of it.

    Attributes:
        pruned: The number of the last seal whose entries were removed; 0 if there is none.
    """

    def __init__(self, connection: Connection) -> None:
        self.pruned: int = 0
        self._erased: list[tuple[int, int]] = []
        told = entries.c.signal.in_((ERASED, PRUNED)), entries.c.data.is_not(None)
        for (data,) in connection.execute(select(entries.c.data).where(*told)):
            # Whoever has changed such an entry is found out by its digest.
            with suppress(msgspec.MsgspecError, ValueError):
                self._add(_NOTE.decode(data).payload)
        self._erased.sort()
        # Each with the last number of it and of those before it, which may reach farther.
        lasts = accumulate((last for _, last in self._erased), max)
        self._lasts = [*lasts]

    def _add(self, payload: _Taken) -> None:
        self.pruned = max(self.pruned, payload.up_to)
        for part in filter(None, payload.numbers.split(",")):
            one, _, last = part.partition("-")
            self._erased.append((int(one), int(last or one)))

    def erased(self, number: int) -> bool:
        """Tell whether an entry tells that the content of this one was erased."""
        at = bisect_right(self._erased, (number, sys.maxsize)) - 1
        return at >= 0 and number <= self._lasts[at]


class _Taken(msgspec.Struct):
    up_to: int = 0
    numbers: str = ""


class _Note(msgspec.Struct):
    payload: _Taken


_NOTE = msgspec.json.Decoder(_Note)
