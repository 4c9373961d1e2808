"""Reading: hears what is added to a stream, from a position on, and tells what it has missed."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from heliograph.relay.errors import UnavailableError
from heliograph.relay.redis.connecting import BLOCK, checked
from heliograph.relay.redis.positions import Position, position_of, step
from heliograph.relay.redis.streams import entries_of, key_of, known, made
from heliograph.relay.transports import Arrived, Gap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.asyncio import Redis

    from heliograph.relay.channels import Channel
    from heliograph.relay.redis.connecting import Lines
    from heliograph.relay.redis.positions import Stream
    from heliograph.relay.redis.streams import Entry
    from heliograph.relay.transports import Hear, Miss

_AT_ONCE = 100
"""How many entries are read at a time."""

_REST = 0.001
"""Seconds between two reads, when so many come that each would get a few."""

_REMEMBERED = 4096
"""How many ids are remembered: one that comes again was stored twice, as an answer was lost."""


class Reading:
    """Reads one stream.

    Args:
        lines: The connections.
        channel: The channel.
        after: The position after which to begin; "" for the beginning, None for the end.
        hear: Called for each entry.
        miss: Called where some may be missing.
    """

    def __init__(
        self, lines: Lines, channel: Channel, after: str | None, hear: Hear, miss: Miss
    ) -> None:
        self._lines, self._channel, self._after = lines, channel, after
        self._key = key_of(channel.name)
        self._hear, self._miss = hear, miss
        self._client: Redis | None = None
        self._at: Position | None = None
        self._late = False
        self._rested = 0.0
        self._seen: dict[bytes, None] = {}

    async def begin(self) -> None:
        """Find out where to begin, if the server is there.

        Raises:
            RefusedError: If the stream may not be read.
        """
        try:
            await self._look()
        except UnavailableError:
            self._late = True
        self._client = self._lines.client(BLOCK)

    async def run(self) -> None:
        """Read for ever."""
        await self._lines.for_ever(f"What reads {self._channel}", self._read, self._look)

    async def _look(self) -> None:
        """See where to begin, or whether anything was missed since the last look."""
        if self._at is None:
            self._at = await self._first()
        await self._take(self._at, [], await known(self._lines, self._key))

    async def _first(self) -> Position:
        stream = await made(self._lines, self._key)
        if self._after is None:
            if self._late:
                await self._miss(Gap("the broker was away at first"))
            return stream.end
        found = position_of(self._after)
        if found is None and self._after:
            await self._miss(Gap("the position is not one of this broker"))
        return found or stream.beginning

    async def _read(self) -> None:
        if self._at is None:
            self._at = (await made(self._lines, self._key)).beginning
        at = self._at
        if time.monotonic() < self._rested + 2 * _REST:
            await asyncio.sleep(_REST)  # Many come: together they cost less.
        self._rested = time.monotonic()
        read = ("XREAD", "COUNT", _AT_ONCE, "BLOCK", int(BLOCK * 1000), "STREAMS", self._key, at.id)
        (answer,) = checked(await self._lines.together([read], self._client))
        found = entries_of(answer)
        if found and at.number is not None and _go_on(at.number, found):
            await self._hand_over_all(at, found, found[-1].number)
        else:
            await self._take(at, found, await known(self._lines, self._key))

    async def _take(self, at: Position, read: Sequence[Entry], stream: Stream | None) -> None:
        found = step(at, [it.id for it in read], stream)
        if found.gap is not None:
            await self._miss(found.gap)
        if found.fresh:
            await self._hand_over_all(at, read, None if found.at is None else found.at.number)
        self._at = found.at

    async def _hand_over_all(self, at: Position, read: Sequence[Entry], number: int | None) -> None:
        for place, entry in enumerate(read, 1 - len(read)):
            mine = None if number is None else number + place
            self._at = Position(at.birth, entry.id, mine)
            await self._hand_over(entry, self._at)

    async def _hand_over(self, entry: Entry, at: Position) -> None:
        envelope_id = entry.fields.get(b"id", b"")
        if envelope_id in self._seen:
            return
        if envelope_id:
            self._seen[envelope_id] = None
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        position = str(at) if self._channel.mode == "replay" else ""
        await self._hear(Arrived(entry.data, position))


def _go_on(number: int, read: Sequence[Entry]) -> bool:
    """Tell whether none is missing after a number, by those that entries have themselves."""
    return all(it.number == expected for expected, it in enumerate(read, number + 1))
