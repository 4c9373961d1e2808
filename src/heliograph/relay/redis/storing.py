"""Storing: adds envelopes to a stream, each with its number, and once even if it is tried twice."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

from heliograph.relay.errors import RelayError
from heliograph.relay.redis.connecting import text
from heliograph.relay.redis.errors import NO_SCRIPT
from heliograph.relay.redis.positions import Position
from heliograph.relay.redis.room import Room
from heliograph.relay.redis.streams import key_of, made, registry_of
from heliograph.relay.transports import Receipt

if TYPE_CHECKING:
    from heliograph.relay.channels import Channel
    from heliograph.relay.redis.connecting import Lines

_WINDOW = 120
"""Seconds within which the server knows an envelope that it has stored."""

# Redis 8.6 has a guard of its own (XADD IDMP), which others have not, and which takes an envelope
# for stored though its entry is not there any more. The number is in the entry, so that one who
# reads it sees at once whether one is missing before it.
_ADD = """
if KEYS[2] then
    local known = redis.call('GET', KEYS[2])
    local entry = known and string.match(known, '^[^/]+')
    if entry and #redis.call('XRANGE', KEYS[1], entry, entry) > 0 then return {known, 1} end
end
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
local about, number = redis.call('XINFO', 'STREAM', KEYS[1])
for at = 1, #about, 2 do
    if about[at] == 'entries-added' then number = about[at + 1] + 1 end
end
local command = {'XADD', KEYS[1]}
if ARGV[4] then for _, it in ipairs({'MAXLEN', '~', ARGV[4]}) do table.insert(command, it) end end
for _, it in ipairs({'*', 'id', ARGV[1], 'n', number, 'data', ARGV[2]}) do
    table.insert(command, it)
end
local place = redis.call(unpack(command)) .. '/' .. string.format('%d', number)
if KEYS[2] then redis.call('SET', KEYS[2], place, 'EX', ARGV[3]) end
return {place, 0}
"""
_SHA = hashlib.sha1(_ADD.encode(), usedforsecurity=False).hexdigest()


class Storing:
    """Adds to the stream of one channel.

    Args:
        lines: The connections.
        channel: The channel.
        recent: How many entries a broadcast channel keeps for those that lag behind.
    """

    def __init__(self, lines: Lines, channel: Channel, recent: int) -> None:
        self._lines, self._channel = lines, channel
        self._key = key_of(channel.name)
        self._recent = recent
        self._room = Room(lines, channel)
        self._birth = ""
        self._turn = asyncio.Lock()

    async def prepare(self) -> None:
        """Make the stream, and let those find it who look for what a program stores."""
        found = await made(self._lines, self._key)
        await self._lines.ask("SCRIPT LOAD", _ADD)
        if self._channel.mode != "broadcast":
            await self._lines.ask("SADD", registry_of(self._channel.app), self._channel.name)
        self._birth = found.birth

    async def publish(self, data: bytes) -> None:
        """Add an envelope. Equal bytes are the same envelope, as its id is in them."""
        digest = hashlib.blake2b(data, digest_size=16).hexdigest()
        command = (1, self._key, digest, data, "", self._recent)
        await self._added(self._begin(command), command)

    async def store(self, envelope_id: str, data: bytes) -> Receipt:
        """Add an envelope, unless it is there.

        Raises:
            FullError: If there is no room.
        """
        known = key_of(self._channel.name, "id", envelope_id)
        command = (2, self._key, known, envelope_id, data, _WINDOW)
        async with self._turn:  # Whoever has come first is first.
            if not self._birth:
                await self.prepare()
            await self._room.make(len(data))
            answer = self._begin(command)
        place, duplicate = await self._added(answer, command)
        entry, _, number = text(place).partition("/")
        position = Position(self._birth, entry, int(number))
        return Receipt(envelope_id, str(position), duplicate=bool(duplicate))

    def _begin(self, command: tuple[Any, ...]) -> asyncio.Future[Any]:
        return self._lines.begin("EVALSHA", _SHA, *command)

    async def _added(self, answer: asyncio.Future[Any], command: tuple[Any, ...]) -> Any:
        try:
            added = await answer
        except RelayError as error:
            if str(error) != NO_SCRIPT:
                raise
            added = await self._lines.ask("EVAL", _ADD, *command)
        while added is None:  # The stream is not there any more, or was not yet.
            await self.prepare()
            added = await self._lines.ask("EVAL", _ADD, *command)
        return added
