"""Working: lets a group work on a stream, here or in another process if this one dies.

Who works on an entry is what the server says: its consumer is a process that is at work, or one
that stands for a time. The consumer ``again-5000`` has what is tried again 5,000 ms after it got
it, by whoever comes first: that outlives the process that has failed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from heliograph.relay.errors import RefusedError, RelayError, UnavailableError
from heliograph.relay.redis.connecting import BLOCK, cancelled, checked, pairs, text
from heliograph.relay.redis.streams import Entry, entries, entries_of, key_of
from heliograph.relay.transports import Again, Arrived, Dead

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from heliograph.relay.channels import Channel, Group
    from heliograph.relay.redis.connecting import Command, Lines
    from heliograph.relay.transports import Verdict, Work

_LOG = logging.getLogger("heliograph")

_AGAIN = "again-"
"""What the name of a consumer begins with that stands for a time, in milliseconds."""

_BUSY_BLOCK = 0.5
"""Seconds for which a read waits while work is under way, which may have to be tried again soon."""

_MANY = 10_000
"""How many pending entries of a process are looked at."""

_GONE = ("NOGROUP", "no such key")
"""What a server says of a group that is not there any more, as its stream was deleted."""

_REASON = 1000
"""How many characters of a reason are kept."""

# Atomically, as entries that a consumer gets in between would be lost with it.
_REMOVE = """
for _, it in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
    local found = {}
    for at = 1, #it, 2 do found[it[at]] = it[at + 1] end
    if found['name'] == ARGV[2] and found['pending'] == 0 then
        redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
    end
end
"""


class Working:
    """Works on one stream for one group.

    Args:
        lines: The connections.
        channel: The channel.
        group: The group.
        work: Called for each entry.
    """

    def __init__(self, lines: Lines, channel: Channel, group: Group, work: Work) -> None:
        self._lines, self._channel, self._group, self._work = lines, channel, group, work
        self._key, self._dead = key_of(channel.name), key_of(channel.name, "dead")
        self._client: Redis | None = None
        self._name = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"
        self._patience = int(group.patience * 1000)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._next_look = float("-inf")
        self._dues: list[float] = []

    async def begin(self) -> None:
        """Make the group, if the server is there, and work in the background.

        Raises:
            RefusedError: If the group may not be made.
        """
        with suppress(UnavailableError):
            await self._make_group()
        self._client = self._lines.client(BLOCK)
        who = f"The group {self._group.name!r} of {self._channel}"
        lines = self._lines
        runs = (lines.for_ever(who, self._turn, self._start), lines.for_ever(who, self._renew))
        self._tasks = [*map(asyncio.create_task, runs)]

    async def end(self, within: float) -> None:
        """Take nothing more, and hand back what is not done within some seconds."""
        turning, renewing = self._tasks
        await cancelled([turning])
        if self._running:
            await asyncio.wait([*self._running.values()], timeout=within)
        begun = {*self._running}
        await cancelled([*self._running.values(), renewing])
        with suppress(RelayError):
            await self._hand_back(begun)

    async def _hand_back(self, begun: set[str]) -> None:
        for entry, _, _, tries in await self._ask_pending("-", "+", _MANY, self._name):
            # What was not begun was not tried.
            count = tries if text(entry) in begun else tries - 1
            now = (f"{_AGAIN}0", 0, entry, "RETRYCOUNT", count, "JUSTID")
            await self._lines.ask("XCLAIM", self._key, self._group.name, *now)
        await self._remove(self._name)

    async def _make_group(self) -> None:
        make = ("XGROUP CREATE", self._key, self._group.name, "0", "MKSTREAM")
        await self._lines.tolerant(make, "BUSYGROUP")

    # What is taken.

    async def _start(self) -> None:
        """Look at once: what the server has given may have been lost on its way."""
        self._next_look = float("-inf")

    async def _turn(self) -> None:
        while self._free <= 0:
            await asyncio.wait([*self._running.values()], return_when=asyncio.FIRST_COMPLETED)
        try:
            await self._look_and_fetch()
        except RefusedError as error:
            if not any(it in str(error) for it in _GONE):
                raise
            await self._make_group()

    async def _look_and_fetch(self) -> None:
        if time.monotonic() >= self._next_look:
            await self._look()
        if self._free > 0:
            for entry in await self._fetched():
                await self._take(entry, 1)

    @property
    def _free(self) -> int:
        return self._group.concurrency - len(self._running)

    async def _fetched(self) -> list[Entry]:
        longest = _BUSY_BLOCK if self._running else BLOCK
        block = max(1, int(1000 * min(longest, self._next_look - time.monotonic())))
        to = (self._group.name, self._name, "COUNT", self._free, "BLOCK", block)
        read = ("XREADGROUP", "GROUP", *to, "STREAMS", self._key, ">")
        (answer,) = checked(await self._lines.together([read], self._client))
        return entries_of(answer)

    async def _take(self, entry: Entry, tries: int) -> None:
        meant = entry.fields.get(b"for")
        if meant is not None and meant != self._group.name.encode():
            await self._lines.ask("XACK", self._key, self._group.name, entry.id)
            return
        self._running[entry.id] = asyncio.create_task(self._do(entry, tries))

    async def _look(self) -> None:
        """Take what is to be tried again, and what processes have left that died."""
        now = time.monotonic()
        self._dues = [it for it in self._dues if it > now]
        self._next_look = min([now + self._group.patience / 2, *self._dues])
        for consumer in map(
            pairs, await self._lines.ask("XINFO CONSUMERS", self._key, self._group.name)
        ):
            if self._free <= 0:
                self._next_look = now  # Once something is done.
                return
            if consumer["pending"]:
                await self._take_from(consumer)
            elif consumer["idle"] > 2 * self._patience and consumer["name"] != self._name:
                # Who may not run scripts leaves names behind, and nothing else.
                with suppress(RefusedError):
                    await self._remove(consumer["name"])

    async def _take_from(self, consumer: dict[str, Any]) -> None:
        name: str = consumer["name"]
        if name == self._name:
            # An answer was lost on its way, and what was in it was not begun.
            if consumer["pending"] > len(self._running):
                await self._claim(name, 0, tried=0)
        elif name.startswith(_AGAIN):
            await self._claim(name, int(name.removeprefix(_AGAIN)))
        elif consumer["idle"] >= self._patience:
            await self._claim(name, self._patience)

    async def _claim(self, name: str, idle: int, tried: int = 1) -> None:
        """Take what a consumer has had for so many milliseconds."""
        group = self._group.name
        known = await self._ask_pending("-", "+", len(self._running) + self._free, name, idle)
        left = [(text(it), count) for it, _, _, count in known if text(it) not in self._running]
        commands: list[Command] = []
        for entry, count in left[: self._free]:
            tries = ("RETRYCOUNT", count + tried)
            commands += [
                ("XPENDING", self._key, group, "IDLE", idle, entry, entry, 1, name),
                ("XCLAIM", self._key, group, self._name, idle, entry, *tries),
            ]
        answers = await self._lines.all_or_none(*commands)
        several = zip(left, answers[::2], answers[1::2], strict=False)
        # What is not pending there any more, another process was first to take.
        taken = [(it, claimed) for it, pending, claimed in several if pending]
        if len(taken) < len(commands) // 2:  # It may have left something else.
            self._next_look = float("-inf")
        for (entry, count), claimed in taken:
            found = entries(claimed) or [Entry(entry, {})]
            await self._take(found[0], count + tried)

    async def _ask_pending(
        self, first: str, last: str, count: int, consumer: str = "", idle: int = 0
    ) -> Any:
        whose = (consumer,) if consumer else ()
        asked = (self._key, self._group.name, "IDLE", idle, first, last, count, *whose)
        return await self._lines.ask("XPENDING", *asked)

    async def _remove(self, consumer: str) -> None:
        await self._lines.ask("EVAL", _REMOVE, 1, self._key, self._group.name, consumer)

    # What is done.

    async def _renew(self) -> None:
        """Say that this process is still at work, as long as nobody else is."""
        await asyncio.sleep(self._group.patience / 3)
        if self._running:
            known = await self._ask_pending("-", "+", _MANY, self._name)
            mine = [it for it, *_ in known if text(it) in self._running]
            if mine:
                to = (self._name, 0, *mine, "JUSTID")
                await self._lines.ask("XCLAIM", self._key, self._group.name, *to)

    async def _do(self, entry: Entry, tries: int) -> None:
        try:
            verdict = await self._verdict(Arrived(entry.data, entry.id, tries))
            await self._answer(entry, verdict)
        finally:
            del self._running[entry.id]

    async def _verdict(self, arrived: Arrived) -> Verdict:
        try:
            return await self._work(arrived)
        except Exception:  # noqa: BLE001 - it is tried again.
            _LOG.exception("An envelope of %s could not be worked on.", self._channel)
            return Again(self._group.delay(arrived.tries))

    async def _answer(self, entry: Entry, verdict: Verdict) -> None:
        """Tell the server what became of an entry, until it knows."""
        failures = 0
        while True:
            try:
                await self._tell(entry, verdict, is_first=not failures)
            except RelayError:
                failures += 1
                await self._lines.pause(failures)
            else:
                return

    async def _tell(self, entry: Entry, verdict: Verdict, *, is_first: bool) -> None:
        if isinstance(verdict, Again):
            await self._postpone(entry, verdict.delay)
        elif not isinstance(verdict, Dead):
            await self._lines.ask("XACK", self._key, self._group.name, entry.id)
        elif is_first or await self._owner(entry.id):
            await self._bury(entry, verdict.reason)

    async def _bury(self, entry: Entry, reason: str) -> None:
        group = self._group.name
        fields = ("group", group, "reason", reason[:_REASON], "data", entry.data)
        await self._lines.all_or_none(
            ("XADD", self._dead, "*", *fields), ("XACK", self._key, group, entry.id)
        )

    async def _postpone(self, entry: Entry, delay: float) -> None:
        self._dues.append(time.monotonic() + delay)
        self._next_look = min(self._next_look, self._dues[-1])
        owner = await self._owner(entry.id)
        if owner == self._name:
            to = (f"{_AGAIN}{max(0, int(delay * 1000))}", 0, entry.id, "JUSTID")
            if await self._lines.ask("XCLAIM", self._key, self._group.name, *to):
                return
        elif owner:  # It is another process's, or an earlier try to tell has reached the server.
            return
        if not await self._lines.ask("XRANGE", self._key, entry.id, entry.id):
            await self._bury(entry, "the broker has lost it, so that it cannot be tried again")

    async def _owner(self, entry: str) -> str:
        """Return the consumer that has an entry; "" if none has."""
        found = await self._ask_pending(entry, entry, 1)
        return text(found[0][1]) if found else ""
