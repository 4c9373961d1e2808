"""NatsTransport: carries signals over a NATS server, and stores them in its JetStream."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from heliograph.relay.nats.address import address_of
from heliograph.relay.nats.links import NatsLinks
from heliograph.relay.nats.reading import Following, Listening
from heliograph.relay.nats.streams import NatsStreams, subject_of
from heliograph.relay.nats.working import Working

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from heliograph.relay.channels import Channel, Group
    from heliograph.relay.nats.reading import Reading
    from heliograph.relay.transports import (
        Arrived,
        Backlog,
        DeadLetter,
        Hear,
        Miss,
        Receipt,
        Watching,
        Work,
    )


class NatsTransport:
    """Carries signals over NATS.

    What is broadcast travels over core NATS; what is stored is in JetStream, in a stream for each
    channel. How safe that is depends on the server: by default it writes to its disk every two
    minutes, and has one copy (see ``sync_interval`` and *replicas*).

    Args:
        url: ``nats://user:password@host:port``, or ``tls://…``; several servers of a cluster are
            separated by commas. A single word before the ``@`` is a token.
        insecure: Whether to speak to other machines in plain text.
        tls: How lines are encrypted, if the defaults of Python do not fit.
        replicas: How many servers of a cluster have a copy of what is stored.

    Raises:
        ArgumentError: If the URL is none of a NATS server, or would send what is sent to other
            machines in plain text.
    """

    def __init__(
        self,
        url: str,
        *,
        insecure: bool = False,
        tls: ssl.SSLContext | None = None,
        replicas: int = 1,
    ) -> None:
        address = address_of(url, insecure=insecure, encrypted=tls is not None)
        self._links = NatsLinks(address, tls)
        self._streams = NatsStreams(replicas)
        self._readings: list[Reading] = []

    async def open(self, watching: Watching) -> None:
        """Connect.

        Raises:
            UnavailableError: If no server can be reached.
            RefusedError: If it refuses us, or is no NATS server.
        """
        await self._links.open(watching)

    async def close(self, within: float) -> None:
        """Take in nothing more, wait for the work that is under way, and disconnect."""
        for it in self._readings:
            it.stop()
        await asyncio.gather(*(it.end(within) for it in self._readings))
        self._readings.clear()
        await self._links.close()

    def abandon(self) -> None:
        """Let go of the connections in a process that was forked, without a word to the server."""
        self._readings.clear()
        self._links.abandon()

    async def prepare(self, channel: Channel) -> None:
        """Make the stream of a channel, if it needs one."""
        if channel.mode != "broadcast":
            await self._streams.prepare(self._links.now(), channel)

    async def publish(self, channel: Channel, data: bytes) -> None:
        """Hand over an envelope of a broadcast channel.

        Raises:
            UnavailableError: If the server is away: nothing was handed over.
            RefusedError: If the envelope is too large for it, or our user may not send it.
        """
        await self._links.now().publish(subject_of(channel), data)

    async def store(self, channel: Channel, envelope_id: str, data: bytes) -> Receipt:
        """Store an envelope of a replay or durable channel, and wait until the server has it.

        Raises:
            UnavailableError: If the server did not answer. It may have stored it.
            FullError: If there is no room.
            RefusedError: If it never will store it.
        """
        return await self._streams.store(self._links.now(), channel, envelope_id, data)

    async def listen(self, channel: Channel, hear: Hear, miss: Miss) -> None:
        """Hear what is published from now on."""
        await self._begin(Listening(self._links, channel, hear, miss))

    async def follow(self, channel: Channel, after: str | None, hear: Hear, miss: Miss) -> None:
        """Hear what is stored after a position."""
        await self._begin(Following(self._links, self._streams, channel, after, hear, miss))

    async def consume(self, channel: Channel, group: Group, work: Work) -> None:
        """Let a group work on what is stored."""
        for _ in range(group.concurrency):
            await self._begin(Working(self._links, self._streams, channel, group, work))

    async def _begin(self, reading: Reading) -> None:
        await reading.start()
        self._readings.append(reading)

    async def channels(self, app: str) -> Sequence[Channel]:
        """Return the channels of a program that something is stored of."""
        return await self._streams.channels(self._links.now(), app)

    async def backlog(self, channel: Channel) -> Sequence[Backlog]:
        """Return how much each group has to do."""
        return await self._streams.backlog(self._links.now(), channel)

    async def last(self, channel: Channel, most: int) -> Sequence[Arrived]:
        """Return the last envelopes that are stored."""
        return await self._streams.last(self._links.now(), channel, most)

    async def dead_letters(self, channel: Channel, most: int) -> Sequence[DeadLetter]:
        """Return what was put aside."""
        return await self._streams.dead_letters(self._links.now(), channel, most)

    async def revive(self, channel: Channel, keys: Sequence[str]) -> int:
        """Let groups work on dead letters once more."""
        return await self._streams.revive(self._links.now(), channel, keys)

    async def forget(self, channel: Channel, keys: Sequence[str]) -> int:
        """Remove dead letters."""
        return await self._streams.forget(self._links.now(), channel, keys)
