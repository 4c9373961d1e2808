"""Beginning: what a relay begins on its loop with each start, once the broker is there."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from heliograph.describe import describe_error
from heliograph.relay.errors import RelayError, UnavailableError
from heliograph.relay.hearing import Hearing
from heliograph.relay.transports import Gap
from heliograph.relay.working import Working

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from heliograph.relay.calling import AsyncReceivers
    from heliograph.relay.channels import Group
    from heliograph.relay.crossing import Crossing
    from heliograph.relay.outbox import Outbox
    from heliograph.relay.running import Running
    from heliograph.relay.transports import Arrived, Verdict

_LOG = logging.getLogger("heliograph")

_AGAIN = 0.5, 5.0
"""Seconds before the broker is tried again for the first time, and the most before any."""

_FIRST_LOOK = 2.0
"""Seconds that a start waits for the database of an outbox, before it goes on without."""


class Beginning:
    """Begins what was declared, and tries again for as long as the broker does not play along.

    Args:
        running: The relay, as it runs.
        relay: The relay, the sender of its signals.
        app: What the program is called.
        outboxes: What waits in tables.
        async_receivers: Where async receivers run.

    Attributes:
        first: Tells how the first look at the broker ended.
        hearing: Who hears what arrives for every process.
        executors: Where plain receivers of groups run.
        stopping: Whether the relay is to stop.
    """

    def __init__(
        self,
        running: Running,
        relay: Any,
        app: str,
        outboxes: Sequence[Outbox],
        async_receivers: AsyncReceivers,
    ) -> None:
        self.first: Future[None] = Future()
        self.hearing: list[Hearing] = []
        self.executors: list[ThreadPoolExecutor] = []
        self.stopping: asyncio.Event = asyncio.Event()
        self._running, self._relay, self._app = running, relay, app
        self._outboxes, self._async_receivers = outboxes, async_receivers
        self._begun: set[tuple[str, str]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_open = self._is_late = False

    def task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let something run on the loop, until it ends or is stopped."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def run(self) -> None:
        """Connect to the broker, and begin everything."""
        await asyncio.gather(
            self._until_it_works(lambda: self._running.transport.open(self._running)),
            *map(self._open, self._outboxes),
        )
        self._is_late = self.first.done()
        self._is_open = True
        # What is sent once `start` has returned is heard here: whoever fills a cache then misses
        # nothing.
        await asyncio.gather(*self.look_again())
        with suppress(InvalidStateError):
            self.first.set_result(None)

    async def _open(self, outbox: Outbox) -> None:
        """Make or check the tables of an outbox, so that the first send finds them."""
        try:
            async with asyncio.timeout(_FIRST_LOOK):
                await asyncio.to_thread(outbox.open)
        except Exception as error:  # noqa: BLE001 - drivers raise whatever they like.
            if isinstance(error, RelayError) and not isinstance(error, UnavailableError):
                with suppress(InvalidStateError):
                    self.first.set_exception(error)
                return
            problem = str(error) or f"{outbox!r} does not answer."
            _LOG.warning("%s What is sent into it fails, and we go on trying.", problem)

    async def _until_it_works(self, attempt: Callable[[], Coroutine[Any, Any, None]]) -> bool:
        """Try again and again; tell whether the first try has worked."""
        delay, most = _AGAIN
        told: str | None = None
        while True:
            try:
                await attempt()
            except Exception as error:  # noqa: BLE001 - libraries raise whatever they like.
                told = self._note(error)
                await asyncio.sleep(delay)
                delay = min(most, delay * 2)
            else:
                if self._running.problem == told:
                    self._running.problem = None
                return told is None

    def _note(self, error: Exception) -> str:
        """Take note of what stands against the broker; return it in words."""
        if not isinstance(error, RelayError):
            _LOG.error("The relay of %r fails, and tries again.", self._app, exc_info=error)
            error = UnavailableError(describe_error(error))
        self._running.problem = told = str(error)
        with suppress(InvalidStateError):
            self.first.set_exception(error)
        return told

    def look_again(self) -> list[asyncio.Task[None]]:
        """Begin what was not begun; return what has begun everything once it ends."""
        begun = []
        outboxes = {("", f"outbox {id(it)}"): it for it in self._outboxes if self._is_open}
        for key in outboxes.keys() - self._begun:
            self._begun.add(key)
            self.task(self._empty(outboxes[key]))
        for it in self._running.crossings if self._is_open else ():
            if (it.channel.name, "out") not in self._begun:
                self._begun.add((it.channel.name, "out"))
                begun.append(self.task(self._send(it)))
            if it.each and (it.channel.name, "each") not in self._begun:
                self._begun.add((it.channel.name, "each"))
                begun.append(self.task(self._hear(it)))
            for name in it.groups:
                if self._runs(name) and (it.channel.name, f"group {name}") not in self._begun:
                    self._begun.add((it.channel.name, f"group {name}"))
                    begun.append(self.task(self._work(it, name)))
        return begun

    def _runs(self, group: str) -> bool:
        return group in self._running.groups or "*" in self._running.groups

    async def _send(self, crossing: Crossing) -> None:
        await self._until_it_works(lambda: self._running.transport.prepare(crossing.channel))
        self.task(crossing.outgoing.run())

    async def _empty(self, outbox: Outbox) -> None:
        for it in self._running.crossings:
            await self._until_it_works(partial(self._running.transport.prepare, it.channel))
        delay, most = _AGAIN
        while not self.stopping.is_set():
            try:
                await outbox.forward(self._running.transport.store, self.stopping, app=self._app)
            except Exception as error:  # noqa: BLE001 - drivers raise whatever they like.
                level = logging.ERROR if delay == _AGAIN[0] else logging.DEBUG
                _LOG.log(level, "%r is not emptied, and tried again: %s", outbox, error)
                await asyncio.sleep(delay)
                delay = min(most, delay * 2)

    async def _hear(self, crossing: Crossing) -> None:
        hearing = Hearing(
            crossing,
            self._relay,
            lambda: self._running.origin,
            self._running.names,
            self._running.limits,
            self._running.tally,
            self._async_receivers,
        )
        self.hearing.append(hearing)
        channel, transport = crossing.channel, self._running.transport
        begins = crossing.position is None and crossing.from_now
        in_time = await self._until_it_works(lambda: transport.prepare(channel))
        if channel.mode == "broadcast":
            in_time &= await self._until_it_works(
                lambda: transport.listen(channel, hearing.hear, hearing.miss)
            )
        else:
            in_time &= await self._until_it_works(lambda: self._follow(crossing, hearing))
        if begins and (self._is_late or not in_time):
            await hearing.miss(Gap("this process could not hear it at first"))

    async def _follow(self, crossing: Crossing, hearing: Hearing) -> None:
        if crossing.position is None:
            # A process that is away before it has heard anything has a position all the same.
            last = (
                await self._running.transport.last(crossing.channel, 1) if crossing.from_now else ()
            )
            crossing.position = last[-1].position if last else ""
        await self._running.transport.follow(
            crossing.channel, crossing.position, hearing.hear, hearing.miss
        )

    def _threads_for(self, group: Group) -> ThreadPoolExecutor:
        """Return threads for the receiver of a group: it runs as often at a time as it may."""
        made = ThreadPoolExecutor(
            group.concurrency, thread_name_prefix=f"heliograph-relay-{group.name}"
        )
        self.executors.append(made)
        return made

    async def _work(self, crossing: Crossing, name: str) -> None:
        receiver = crossing.groups[name]
        working = Working(
            crossing,
            receiver,
            self._relay,
            self._running.names,
            self._running.limits,
            self._running.tally,
            self._threads_for(receiver.group),
            self._async_receivers,
        )

        async def work(arrived: Arrived) -> Verdict:
            verdict = await working.work(arrived)
            if self.stopping.is_set():
                # What the receiver has sent would stay here, and the envelope would not come again.
                await self._handed_over()
            return verdict

        transport, group = self._running.transport, receiver.group
        await self._until_it_works(lambda: transport.prepare(crossing.channel))
        await self._until_it_works(lambda: transport.consume(crossing.channel, group, work))

    async def _handed_over(self) -> None:
        while any(len(it.outgoing) for it in self._running.crossings):  # noqa: ASYNC110 - threads add to them.
            await asyncio.sleep(0.005)
