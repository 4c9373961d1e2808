"""RedisTransport: carries signals over the streams of Redis or Valkey."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from heliograph.relay.channels import stored
from heliograph.relay.redis.connecting import Lines, cancelled, pairs, text
from heliograph.relay.redis.positions import Position, order
from heliograph.relay.redis.reading import Reading
from heliograph.relay.redis.storing import Storing
from heliograph.relay.redis.streams import MARK, asked, entries, key_of, known, registry_of, told
from heliograph.relay.redis.working import Working
from heliograph.relay.transports import Arrived, Backlog, DeadLetter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from heliograph.relay.channels import Channel, Group
    from heliograph.relay.transports import Hear, Miss, Receipt, Watching, Work

_ID = re.compile(r"\d{1,20}-\d{1,20}")

# Atomically, so that of two who revive it one does.
_REVIVE = """
local found = redis.call('XRANGE', KEYS[2], ARGV[1], ARGV[1])
if #found == 0 then return 0 end
local fields = {}
for at = 1, #found[1][2], 2 do fields[found[1][2][at]] = found[1][2][at + 1] end
redis.call('XADD', KEYS[1], '*', 'for', fields['group'], 'data', fields['data'])
return redis.call('XDEL', KEYS[2], ARGV[1])
"""

_PAGE = 500
"""How many entries are asked for at a time, where all are counted."""


class RedisTransport:
    """Carries signals over Redis (7 or newer) or Valkey.

    Every channel is a stream, of the key ``heliograph:{<name>}``; dead letters are in one more.
    A process that was disconnected goes on from where it was, in broadcast channels too.

    What an envelope has done once in the database of its receiver is for an inbox to say: a group
    gets one twice if its process dies before it can answer, or if the answer to a store was lost
    and another process stores it again.

    Args:
        url: ``redis://``, ``rediss://``, ``valkey://``, ``valkeys://`` or ``unix://``, as
            `redis.asyncio.Redis.from_url` takes it.
        insecure: Whether a server elsewhere may be spoken to without TLS.
        recent: How many envelopes a broadcast channel keeps, for those that lag behind.

    Raises:
        ArgumentError: If the URL is none, or its way is insecure.
    """

    def __init__(self, url: str, *, insecure: bool = False, recent: int = 10_000) -> None:
        self._lines = Lines(url, insecure=insecure)
        self._recent = recent
        self._start_over()

    def _start_over(self) -> None:
        self._storing: dict[Channel, Storing] = {}
        self._reading: list[asyncio.Task[None]] = []
        self._working: list[Working] = []

    async def open(self, watching: Watching) -> None:
        """Connect."""
        await self._lines.open(watching)

    async def close(self, within: float) -> None:
        """Take in nothing more, wait for the work that is under way, and disconnect."""
        await cancelled(self._reading)
        await asyncio.gather(*(it.end(within) for it in self._working))
        await self._lines.close()
        self._start_over()

    def abandon(self) -> None:
        """Let go of the parent's connections, in a child after a fork."""
        self._lines.abandon()
        self._start_over()

    async def prepare(self, channel: Channel) -> None:
        """Make the stream of a channel, if it is not there."""
        await self._storing_of(channel).prepare()

    async def publish(self, channel: Channel, data: bytes) -> None:
        """Hand over an envelope of a broadcast channel."""
        await self._storing_of(channel).publish(data)

    async def store(self, channel: Channel, envelope_id: str, data: bytes) -> Receipt:
        """Store an envelope of a replay or durable channel."""
        return await self._storing_of(channel).store(envelope_id, data)

    async def listen(self, channel: Channel, hear: Hear, miss: Miss) -> None:
        """Hear what is published from now on."""
        await self._read(Reading(self._lines, channel, None, hear, miss))

    async def follow(self, channel: Channel, after: str | None, hear: Hear, miss: Miss) -> None:
        """Hear what is stored after a position."""
        await self._read(Reading(self._lines, channel, after, hear, miss))

    async def consume(self, channel: Channel, group: Group, work: Work) -> None:
        """Let a group work on what is stored."""
        working = Working(self._lines, channel, group, work)
        await working.begin()
        self._working.append(working)

    async def channels(self, app: str) -> Sequence[Channel]:
        """Return the channels of a program that something is stored of."""
        names = sorted(map(text, await self._lines.ask("SMEMBERS", registry_of(app))))
        there = await self._lines.together([("EXISTS", key_of(it)) for it in names])
        found = [stored(name, app) for name, is_there in zip(names, there, strict=True) if is_there]
        return [it for it in found if it is not None]

    async def backlog(self, channel: Channel) -> Sequence[Backlog]:
        """Return how much each group has to do."""
        key = key_of(channel.name)
        if await known(self._lines, key) is None:
            return []
        groups = map(pairs, await self._lines.ask("XINFO GROUPS", key))
        dead = [it.group for it in await self._all_dead(channel)]
        return [
            Backlog(name, await self._waiting(key, it), it["pending"], dead.count(name))
            for it in groups
            if (name := it["name"]) != MARK
        ]

    async def _waiting(self, key: str, group: dict[str, Any]) -> int:
        if group["lag"] is not None:
            return int(group["lag"])
        # The server cannot say it after an entry was deleted.
        count, after = 0, group["last-delivered-id"]
        while page := entries(
            await self._lines.ask("XRANGE", key, f"({after}", "+", "COUNT", _PAGE)
        ):
            count, after = count + len(page), page[-1].id
        return count

    async def last(self, channel: Channel, most: int) -> Sequence[Arrived]:
        """Return the last envelopes that are stored."""
        key = key_of(channel.name)
        read = ("XREVRANGE", key, "+", "-", "COUNT", most)
        found, *about = await self._lines.together([read, *asked(key)], atomic=True)
        stream = told(*about)
        if stream is None:
            return []
        places = ((it, stream.added - n) for n, it in enumerate(entries(found)))
        several = [
            Arrived(it.data, str(Position(stream.birth, it.id, number))) for it, number in places
        ]
        return several[::-1]

    async def dead_letters(self, channel: Channel, most: int) -> Sequence[DeadLetter]:
        """Return what was put aside."""
        return await self._dead(channel, "-", most) if most > 0 else []

    async def revive(self, channel: Channel, keys: Sequence[str]) -> int:
        """Let the groups of dead letters work on them once more."""
        return sum([await self._revive(channel, it) for it in _ids(keys)])

    async def forget(self, channel: Channel, keys: Sequence[str]) -> int:
        """Remove dead letters for good."""
        given = _ids(keys)
        dead = key_of(channel.name, "dead")
        return int(await self._lines.ask("XDEL", dead, *given)) if given else 0

    async def _revive(self, channel: Channel, key: str) -> int:
        stream, dead = key_of(channel.name), key_of(channel.name, "dead")
        done = await self._lines.ask("EVAL", _REVIVE, 2, stream, dead, key)
        return int(done)

    async def _all_dead(self, channel: Channel) -> list[DeadLetter]:
        found: list[DeadLetter] = []
        first = "-"
        while page := await self._dead(channel, first, _PAGE):
            found += page
            first = f"({page[-1].key}"
        return found

    async def _dead(self, channel: Channel, first: str, most: int) -> list[DeadLetter]:
        key = key_of(channel.name, "dead")
        answer = await self._lines.ask("XRANGE", key, first, "+", "COUNT", most)
        return [
            DeadLetter(
                it.id,
                it.fields.get(b"group", b"").decode("utf-8", "replace"),
                it.fields.get(b"reason", b"").decode("utf-8", "replace"),
                order(it.id)[0] / 1000,
                it.data,
            )
            for it in entries(answer)
        ]

    async def _read(self, reading: Reading) -> None:
        await reading.begin()
        self._reading.append(asyncio.create_task(reading.run()))

    def _storing_of(self, channel: Channel) -> Storing:
        if channel not in self._storing:
            self._storing[channel] = Storing(self._lines, channel, self._recent)
        return self._storing[channel]


def _ids(keys: Sequence[str]) -> list[str]:
    """Return the keys that can be those of dead letters."""
    return [it for it in keys if _ID.fullmatch(it)]
