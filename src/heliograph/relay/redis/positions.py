"""Position: where a reader stands in a stream of Redis, and whether what comes next is still there.

A stream says nothing when it drops what a reader has not read. But it counts what was ever added
to it, so that each entry has a number, and a mark tells a stream from one that was made again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heliograph.relay.transports import Gap

if TYPE_CHECKING:
    from collections.abc import Sequence

_TEXT = re.compile(r"([0-9a-f]+)/(\d{1,20}-\d{1,20})/(\d{0,20})")


@dataclass(frozen=True, slots=True)
class Position:
    """What a reader has read last.

    Attributes:
        birth: The mark of the stream.
        id: The id of the entry; ``0-0`` before the first one.
        number: Which one it is of all that were ever added, from 1 on; None if nobody knows.
    """

    birth: str
    id: str
    number: int | None

    def __str__(self) -> str:
        return f"{self.birth}/{self.id}/{'' if self.number is None else self.number}"


@dataclass(frozen=True, slots=True)
class Stream:
    """What a stream says of itself.

    Attributes:
        birth: The mark that it got when it was made; "" if it has none.
        added: How many entries were ever added to it.
        length: How many it has.
        first: The id of the oldest; "" if it is empty.
        last: The id of the newest that was ever added.
    """

    birth: str
    added: int
    length: int
    first: str
    last: str

    @property
    def removed(self) -> int:
        """How many entries it has lost: the number of the last one, as it loses the oldest."""
        return self.added - self.length

    @property
    def beginning(self) -> Position:
        """Before the oldest entry."""
        return Position(self.birth, "0-0", self.removed)

    @property
    def end(self) -> Position:
        """After the newest entry."""
        return Position(self.birth, self.last, self.added)


@dataclass(frozen=True, slots=True)
class Step:
    """What a reader does with the entries that it has got.

    Attributes:
        at: Where it stands then; None if the stream is gone.
        gap: What it tells before.
        fresh: Whether the entries go on from where it stood.
    """

    at: Position | None
    gap: Gap | None
    fresh: bool = True


def position_of(text: str) -> Position | None:
    """Return the position that a text tells; None if it tells none of a stream."""
    found = _TEXT.fullmatch(text)
    if found is None:
        return None
    birth, entry, number = found.groups()
    return Position(birth, entry, int(number) if number else None)


def step(at: Position, ids: Sequence[str], stream: Stream | None) -> Step:
    """Return what to do with entries, by what their stream says just after they were read."""
    if stream is None:
        return Step(None, Gap("the stream was deleted"))
    if not stream.birth:  # Somebody has made it who does not mark it.
        return Step(None, Gap("the stream was made again"), fresh=False)
    if stream.birth != at.birth:
        return Step(stream.beginning, Gap("the stream was made again"), fresh=False)
    if order(stream.last) < order(at.id) or stream.added < (at.number or 0):
        return Step(stream.end, Gap("the stream has lost its newest entries"), fresh=False)
    number, lost = _reckoned(at, ids, stream)
    gap = Gap("it is not stored any more", lost) if lost is None or lost > 0 else None
    return Step(Position(at.birth, ids[-1] if ids else at.id, number), gap)


def order(entry: str) -> tuple[int, int]:
    """Return what ids are ordered by."""
    milliseconds, _, sequence = entry.partition("-")
    return int(milliseconds), int(sequence)


def _reckoned(at: Position, ids: Sequence[str], stream: Stream) -> tuple[int | None, int | None]:
    """Return the number of the last entry, and how many are missing before the first one.

    What is not known is None.
    """
    number = _number_of_last(at, ids, stream)
    if at.number is None:
        kept = bool(stream.first) and order(stream.first) <= order(at.id)
        return number, 0 if kept or stream.last == at.id else None
    if stream.removed <= at.number and stream.last != (ids[-1] if ids else at.id):
        return at.number + len(ids), 0
    return number, None if number is None else number - len(ids) - at.number


def _number_of_last(at: Position, ids: Sequence[str], stream: Stream) -> int | None:
    if stream.last == (ids[-1] if ids else at.id):
        return stream.added
    if not ids:  # What came before is certainly gone; what is still there will be read.
        return stream.removed
    return stream.removed + len(ids) if stream.first == ids[0] else None
