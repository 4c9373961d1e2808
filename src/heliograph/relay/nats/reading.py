"""Reading: what hears at a NATS server goes on over one connection after the other."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from heliograph.relay.errors import RelayError, UnavailableError
from heliograph.relay.nats.answers import answers
from heliograph.relay.nats.pulling import numbers_of
from heliograph.relay.nats.streams import birth_of, stream_of, subject_of
from heliograph.relay.transports import Arrived, Gap

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nats.aio.msg import Msg

    from heliograph.relay.channels import Channel
    from heliograph.relay.nats.connection import NatsConnection
    from heliograph.relay.nats.links import NatsLinks
    from heliograph.relay.nats.pulling import Pull
    from heliograph.relay.nats.streams import NatsStreams
    from heliograph.relay.transports import Hear, Miss

_LOG = logging.getLogger("heliograph")

_PENDING, _PENDING_BYTES = 10_000, 16 * 1024 * 1024
"""How many envelopes wait for one that listens, and how large they are, before it misses some."""

_BATCH = 256
"""How many stored envelopes are asked for at a time."""

ENDING = 2.0
"""Seconds to tell the server what is handed back."""

_DELAYS = (0.1, 5.0)
"""Seconds before what is broken is made again, and the most before any."""


class Reading(ABC):
    """Something that goes on over one connection after the other, in a task.

    Args:
        links: Where the connections come from.
        channel: What is read.
    """

    def __init__(self, links: NatsLinks, channel: Channel) -> None:
        self._links, self._channel = links, channel
        self._go_on: Callable[[], Awaitable[None]] | None = None
        self._busy = False
        self._stopping = False
        self._task: asyncio.Task[None]

    async def start(self) -> None:
        """Begin: on the connection that is there, or as soon as there is one.

        Raises:
            RelayError: If the server refuses it.
        """
        if (connection := self._links.current) is not None:
            try:
                self._go_on = await self._begin(connection)
            except UnavailableError:
                _LOG.debug("The connection has ended meanwhile.")
        self._task = asyncio.create_task(self._run())

    def stop(self) -> None:
        """Take in nothing more, and finish what is under way."""
        self._stopping = True
        if not self._busy:
            self._task.cancel()

    async def end(self, within: float) -> None:
        """Wait until nothing is under way, but not for longer than some seconds."""
        # What is cancelled may want to say so; who does not listen is not waited for.
        for patience in (within, ENDING, None):
            await asyncio.wait({self._task}, timeout=patience)
            self._task.cancel()

    async def _run(self) -> None:
        delay, most = _DELAYS
        while not self._stopping:
            try:
                go_on = self._go_on or await self._begin(await self._links.next())
                self._go_on, (delay, _) = None, _DELAYS
                await go_on()
            except Exception as error:  # noqa: BLE001 - it goes on, whatever has happened to it.
                self._busy = False
                if not isinstance(error, RelayError):
                    _LOG.exception("What reads %s has to begin again.", self._channel)
                await asyncio.sleep(delay)
                delay = min(most, delay * 2)

    @abstractmethod
    async def _begin(self, connection: NatsConnection) -> Callable[[], Awaitable[None]]:
        """Make what is needed on a connection.

        Returns:
            What takes what comes. It raises `UnavailableError` if it has to begin again.
        """


class Listening(Reading):
    """Hears what is published.

    Args:
        links: Where the connections come from.
        channel: What is heard.
        hear: Called for each envelope.
        miss: Called after what may have been missed.
    """

    def __init__(self, links: NatsLinks, channel: Channel, hear: Hear, miss: Miss) -> None:
        super().__init__(links, channel)
        self._hear, self._miss = hear, miss
        self._pending: deque[Arrived | Gap] = deque()
        self._bytes = self._lost = 0
        self._changed = asyncio.Event()
        self._gap: Gap | None = None

    async def start(self) -> None:
        """Begin; after it returns, nothing is missed without a word."""
        await super().start()
        self._gap = Gap("the connection to the broker was lost")

    async def _begin(self, connection: NatsConnection) -> Callable[[], Awaitable[None]]:
        subject = subject_of(self._channel)
        with answers():
            await connection.client.subscribe(subject, cb=self._take)
        await connection.round_trip()
        connection.check("subscription", subject)
        if self._gap is not None:
            self._pending.append(self._gap)
        connection.at_end.add(self._changed.set)
        return partial(self._hear_all, connection)

    async def _take(self, message: Msg) -> None:
        data, pending = message.data, self._pending
        full = len(pending) >= _PENDING or self._bytes > _PENDING_BYTES
        # Once it is full it is half emptied first: otherwise there was a gap after each envelope.
        if full or (self._lost and len(pending) > _PENDING / 2):
            self._lost += 1
            return
        if self._lost:
            self._tell_lost()
        pending.append(Arrived(data))
        self._bytes += len(data)
        self._changed.set()

    def _tell_lost(self) -> None:
        self._pending.append(Gap("it was heard too slowly", self._lost))
        self._lost = 0

    async def _hear_all(self, connection: NatsConnection) -> None:
        pending = self._pending
        while not self._stopping:
            if pending:
                it = pending.popleft()
                self._busy = True
                if isinstance(it, Gap):
                    await self._miss(it)
                else:
                    self._bytes -= len(it.data)
                    await self._hear(it)
                self._busy = False
            elif self._lost:
                self._tell_lost()
            elif connection.ended.is_set():
                raise UnavailableError
            else:
                self._changed.clear()
                await self._changed.wait()


class Following(Reading):
    """Hears what is stored, from a position on.

    Args:
        links: Where the connections come from.
        streams: What is stored.
        channel: What is heard.
        after: The position; "" for the beginning, None for the end.
        hear: Called for each envelope.
        miss: Called where something is not there any more.
    """

    def __init__(
        self,
        links: NatsLinks,
        streams: NatsStreams,
        channel: Channel,
        after: str | None,
        hear: Hear,
        miss: Miss,
    ) -> None:
        super().__init__(links, channel)
        self._streams, self._hear, self._miss = streams, hear, miss
        self._after: str | None = after
        self._late = False
        self._number = 0
        self._gap: Gap | None = None
        self._pull: Pull | None = None

    async def start(self) -> None:
        """Begin; after it returns, the end is where it was."""
        await super().start()
        self._late = True

    async def end(self, within: float) -> None:
        """Wait until nothing is heard, and let the server forget it."""
        await super().end(within)
        await self._forget()

    async def _begin(self, connection: NatsConnection) -> Callable[[], Awaitable[None]]:
        await self._forget()
        await self._find_place(connection)
        pull = await self._streams.reader(connection, stream_of(self._channel), self._number + 1)
        self._pull = pull
        return partial(self._hear_all, pull)

    async def _forget(self) -> None:
        pull, self._pull = self._pull, None
        if pull is not None:
            await pull.end()

    async def _find_place(self, connection: NatsConnection) -> None:
        """See which envelope is the next one, and whether some before it are gone."""
        info = await self._streams.there(connection, self._channel)
        born, last = birth_of(info), info.state.last_seq
        first = max(1, info.state.first_seq)  # It is 0 until something is stored.
        before, _, number = (self._after or "").partition(".")
        self._number = int(number) if number.isdecimal() else first - 1
        gap = None
        if self._after is None:
            self._number = last
            gap = Gap("the broker was away") if self._late else None
        elif self._after and before != born:
            self._number = first - 1
            gap = Gap("what the broker had stored is gone")
        elif self._number > last:
            gap = Gap("the broker has lost what it had stored")
            self._number = last
        elif self._number < first - 1:
            gap = Gap("it is not stored any more", first - 1 - self._number)
            self._number = first - 1
        self._gap = gap or self._gap
        self._after = f"{born}.{self._number}"

    async def _hear_all(self, pull: Pull) -> None:
        while not self._stopping:
            if self._gap is not None:
                await self._tell(self._gap)
            if not pull.asked:
                await pull.ask(_BATCH)
            if (message := await pull.next()) is not None:
                await self._take(message)
            else:
                # Nothing has come for a while: something may have been removed.
                await self._find_place(self._links.now())

    async def _tell(self, gap: Gap) -> None:
        self._busy, self._gap = True, None
        await self._miss(gap)
        self._busy = False

    async def _take(self, message: Msg) -> None:
        number, _ = numbers_of(message)
        if number > self._number + 1:
            await self._tell(Gap("it is not stored any more", number - 1 - self._number))
        born = (self._after or "").partition(".")[0]
        self._number, self._after = number, f"{born}.{number}"
        self._busy = True
        await self._hear(Arrived(message.data, self._after))
        self._busy = False
