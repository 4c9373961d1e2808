"""MemoryTransport: carries signals inside of one process, by the rules of a broker.

It is the default, so that what would not cross fails on the first machine that it is tried on. It
holds what is stored in memory, and no other process gets anything.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from heliograph.relay.channels import stored
from heliograph.relay.errors import FullError
from heliograph.relay.memory.logs import Place, place
from heliograph.relay.transports import Again, Arrived, Backlog, Dead, DeadLetter, Gap, Receipt

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence
    from typing import Any

    from heliograph.relay.channels import Channel, Group
    from heliograph.relay.memory.logs import Log, Taken
    from heliograph.relay.transports import Hear, Miss, Verdict, Watching, Work

_PENDING = 10_000
"""How many envelopes wait for one that listens, before it misses some."""


class MemoryTransport:
    """Carries signals between the relays of a process that have the same URL.

    Args:
        url: ``memory://``, and a name.
    """

    def __init__(self, url: str = "memory://") -> None:
        self._place: Place = place(url)
        self._tasks: set[asyncio.Task[None]] = set()
        self._work: set[asyncio.Task[None]] = set()
        self._wakers: list[tuple[Log, Any]] = []
        self._takers: list[tuple[Log, Any]] = []
        self._closing = False

    async def open(self, watching: Watching) -> None:
        """Say that it is there."""
        self._closing = False
        watching.connected()

    async def close(self, within: float) -> None:
        """Take in nothing more, and wait for what is heard or worked on."""
        self._closing = True
        for log, take in self._takers:
            log.takers.discard(take)
        for log, waker in self._wakers:
            log.wakers.discard(waker)
            waker()
        if under_way := {*self._tasks, *self._work}:
            await asyncio.wait(under_way, timeout=within)
        left = [*self._tasks, *self._work]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        self._wakers.clear()
        self._takers.clear()

    def abandon(self) -> None:
        """Let go of everything in a process that was forked: nothing of the parent is shared."""
        self.__init__(self._place.url)  # type: ignore[misc]  # The tasks are of the parent's loop.

    async def prepare(self, channel: Channel) -> None:
        """Make the place of a channel."""
        self._place.log(channel)

    async def publish(self, channel: Channel, data: bytes) -> None:
        """Hand an envelope to all who listen."""
        self._place.log(channel).tell(data)

    async def store(self, channel: Channel, envelope_id: str, data: bytes) -> Receipt:
        """Store an envelope, unless it is there.

        Raises:
            FullError: If there is no room.
        """
        log = self._place.log(channel)
        if channel.mode == "durable" and not log.has_room(len(data)):
            msg = f"There is no room for more of {channel}: {channel.keep_bytes:,} bytes are kept."
            raise FullError(msg)
        number, known = log.append(envelope_id, data)
        return Receipt(envelope_id, log.position(number), duplicate=known)

    async def listen(self, channel: Channel, hear: Hear, miss: Miss) -> None:
        """Hear what is published from now on."""
        log = self._place.log(channel)
        pending: deque[Arrived | Gap] = deque()
        wake = self._waker(log)

        def take(data: bytes) -> None:  # One at a time: the log sees to it.
            if len(pending) < _PENDING:
                pending.append(Arrived(data))
            elif isinstance(last := pending[-1], Gap):
                pending[-1] = Gap(last.reason, (last.lost or 0) + 1)
            else:
                pending.append(Gap("it was heard too slowly", 1))

        async def run() -> None:
            while not self._closing:
                while pending and not self._closing:
                    it = pending.popleft()
                    await (miss(it) if isinstance(it, Gap) else hear(it))
                await wake(None)

        log.takers.add(take)
        self._takers.append((log, take))
        self._begin(run())

    async def follow(self, channel: Channel, after: str | None, hear: Hear, miss: Miss) -> None:
        """Hear what is stored after a position."""
        log = self._place.log(channel)
        wake = self._waker(log)
        known = log.number(after) if after else None
        at = log.last if after is None else known or 0

        async def run() -> None:
            nonlocal at
            if after and known is None:  # It is of another process: this one began with nothing.
                await miss(Gap("what was stored before is not there any more"))
            while not self._closing:
                for number, data, lost in log.after(at):
                    if self._closing:
                        return
                    if lost:
                        await miss(Gap("it is not stored any more", lost))
                    at = number
                    await hear(Arrived(data, log.position(number)))
                await wake(None)

        self._begin(run())

    async def consume(self, channel: Channel, group: Group, work: Work) -> None:
        """Let a group work on what is stored."""
        log = self._place.log(channel)
        for _ in range(group.concurrency):
            self._begin(self._consume(log, group, work))

    async def _consume(self, log: Log, group: Group, work: Work) -> None:
        wake = self._waker(log)
        while not self._closing:
            taken = log.take(group.name)
            if taken is None:
                await wake(log.due(group.name))
                continue
            task = asyncio.create_task(self._answer(log, group, work, taken))
            self._work.add(task)
            task.add_done_callback(self._work.discard)
            with suppress(asyncio.CancelledError):
                await asyncio.shield(task)

    async def _answer(self, log: Log, group: Group, work: Work, taken: Taken) -> None:
        verdict: Verdict = Again(0.0)
        try:
            verdict = await work(Arrived(taken.data, str(taken.number), taken.tries))
        finally:
            if isinstance(verdict, Again):
                log.give_back(group.name, taken, time.monotonic() + verdict.delay)
            elif isinstance(verdict, Dead):
                log.bury(group.name, taken, verdict.reason)
            else:
                log.done(group.name, taken)

    async def channels(self, app: str) -> Sequence[Channel]:
        """Return the channels of a program that something is stored of."""
        found = (stored(it, app) for it in self._place.names())
        return [it for it in found if it is not None]

    async def backlog(self, channel: Channel) -> Sequence[Backlog]:
        """Return how much each group has to do."""
        return self._place.log(channel).backlog()

    async def last(self, channel: Channel, most: int) -> Sequence[Arrived]:
        """Return the last envelopes that are stored."""
        log = self._place.log(channel)
        return [Arrived(data, log.position(number)) for number, data in log.entries()[-most:]]

    async def dead_letters(self, channel: Channel, most: int) -> Sequence[DeadLetter]:
        """Return what was put aside."""
        return self._place.log(channel).dead_letters()[:most]

    async def revive(self, channel: Channel, keys: Sequence[str]) -> int:
        """Let groups work on dead letters once more."""
        return self._place.log(channel).revive(keys)

    async def forget(self, channel: Channel, keys: Sequence[str]) -> int:
        """Remove dead letters."""
        return len(self._place.log(channel).exhume(keys))

    def _begin(self, run: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(run)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _waker(self, log: Log) -> Any:
        """Return what waits until the log has changed, or a time has come."""
        loop, changed = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # The loop of a relay that was not stopped.
                loop.call_soon_threadsafe(changed.set)

        async def wait(due: float | None) -> None:
            with suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else max(0.0, due)):
                    await changed.wait()
            changed.clear()

        log.wakers.add(wake)
        self._wakers.append((log, wake))
        return wait
