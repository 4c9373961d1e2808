"""Working: lets a group work on what is stored, and tells the server what became of it."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from heliograph.relay.errors import RelayError
from heliograph.relay.nats.pulling import Pull, numbers_of
from heliograph.relay.nats.reading import ENDING, Reading
from heliograph.relay.nats.streams import stream_of
from heliograph.relay.transports import Again, Arrived, Dead, Done

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nats.aio.msg import Msg

    from heliograph.relay.channels import Channel, Group
    from heliograph.relay.nats.connection import NatsConnection
    from heliograph.relay.nats.links import NatsLinks
    from heliograph.relay.nats.streams import NatsStreams
    from heliograph.relay.transports import Verdict, Work

_LOG = logging.getLogger("heliograph")

_AHEAD = 16
"""How many envelopes are fetched at a time, at most, while each is done at once."""

_AT_ONCE = 0.005
"""Seconds within which an envelope is done at once."""

_DONE, _DEAD, _AT_WORK, _AGAIN = b"+ACK", b"+TERM", b"+WPI", b"-NAK "


class Working(Reading):
    """Works on one envelope at a time, and fetches some ahead while each is done at once.

    What was fetched has begun a try, as far as the server knows: where one was tried before, the
    next one is fetched once that is done, so that none pays for another that ends its process.

    Args:
        links: Where the connections come from.
        streams: What is stored.
        channel: What is worked on.
        group: Who works.
        work: Called for each envelope.
    """

    def __init__(
        self,
        links: NatsLinks,
        streams: NatsStreams,
        channel: Channel,
        group: Group,
        work: Work,
    ) -> None:
        super().__init__(links, channel)
        self._streams, self._group, self._work = streams, group, work
        self._pull: Pull | None = None
        self._born = ""
        self._under_way: dict[asyncio.Task[None], Msg] = {}
        self._ahead = 1
        self._telling: asyncio.Task[None]

    async def start(self) -> None:
        """Begin to work."""
        await super().start()
        self._telling = asyncio.create_task(self._keep_telling())

    async def end(self, within: float) -> None:
        """Wait for the work that is under way, and hand back what is not done in time."""
        await super().end(within)
        # What is cancelled may want to say so; who does not listen is not waited for.
        for patience in (ENDING, None):
            for task in [*self._under_way]:
                task.cancel()
            if self._under_way:
                await asyncio.wait(self._under_way, timeout=patience)
        self._telling.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(ENDING):
                await self._hand_back()

    async def _begin(self, connection: NatsConnection) -> Callable[[], Awaitable[None]]:
        await self._hand_back()
        name = await self._streams.group(connection, self._channel, self._group)
        pull = Pull(connection, stream_of(self._channel), name)
        await pull.begin()
        self._pull = pull
        self._born = connection.births[stream_of(self._channel)]
        return partial(self._work_on_all, pull)

    async def _hand_back(self) -> None:
        """Let others have what has come and was not begun."""
        pull, self._pull = self._pull, None
        if pull is not None:
            for message in await pull.end():
                await self._tell(message, Again(0.0))

    async def _work_on_all(self, pull: Pull) -> None:
        while not self._stopping:  # pragma: no branch - mostly it is cancelled where it waits.
            if pull.asked == 0:
                await pull.ask(self._ahead)
            if (message := await pull.next()) is not None:
                self._begin_work(message)
                await self._until(self._ahead)
        await self._until(1)  # pragma: no cover - as above.

    def _begin_work(self, message: Msg) -> None:
        self._busy = True
        task = asyncio.create_task(self._answer(message))
        self._under_way[task] = message
        task.add_done_callback(self._end_work)

    def _end_work(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        self._busy = bool(self._under_way)
        if self._stopping and not self._busy:
            self._task.cancel()  # It may wait for what comes next.

    async def _until(self, fewer: int) -> None:
        """Wait until fewer are under way; those end by themselves, if this does not."""
        while len(self._under_way) >= fewer:
            await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)

    async def _answer(self, message: Msg) -> None:
        verdict: Verdict = Again(0.0)
        began = time.monotonic()
        try:
            verdict = await self._verdict(message)
        finally:
            _, tries = numbers_of(message)
            took = (time.monotonic() - began) / max(1, len(self._under_way))
            calm = isinstance(verdict, Done) and tries == 1 and took < _AT_ONCE
            self._ahead = min(_AHEAD, self._ahead * 2) if calm else 1
            await self._tell(message, verdict)

    async def _verdict(self, message: Msg) -> Verdict:
        number, tries = numbers_of(message)
        try:
            return await self._work(Arrived(message.data, f"{self._born}.{number}", tries))
        except Exception:  # noqa: BLE001 - it is tried again, as if it had said so.
            _LOG.exception("The group %r has not answered.", self._group.name)
            return Again(self._group.delay(tries))

    async def _keep_telling(self) -> None:
        """Tell the server now and then that somebody is at work."""
        while True:
            await asyncio.sleep(self._group.patience / 3)
            for message in [*self._under_way.values()]:
                if (connection := self._links.current) is not None:
                    with suppress(RelayError):
                        await connection.publish(message.reply, _AT_WORK)

    async def _tell(self, message: Msg, verdict: Verdict) -> None:
        """Tell the server what became of it, as soon as there is one."""
        if isinstance(verdict, Dead):
            verdict = await self._bury(message, verdict)
        while True:
            connection = await self._links.next()
            with suppress(RelayError):
                if isinstance(verdict, Again):
                    # Without a delay the server would not wait at all.
                    delay = json.dumps({"delay": max(1_000_000, int(verdict.delay * 1e9))})
                    await connection.publish(message.reply, _AGAIN + delay.encode())
                else:
                    word = _DONE if isinstance(verdict, Done) else _DEAD
                    await connection.tell(message.reply, word)
                return

    async def _bury(self, message: Msg, verdict: Dead) -> Verdict:
        """Put it aside, before the server forgets it; otherwise it stays."""
        group = self._group
        try:
            connection = await self._links.next()
            await self._streams.bury(connection, self._channel, group.name, message, verdict.reason)
        except RelayError as error:
            _LOG.error("A dead letter of %s stays where it is: %s", self._channel, error)
            return Again(max(1.0, group.backoff[1]))
        return verdict
