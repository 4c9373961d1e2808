"""NatsLinks: there is always a connection to a NATS server, or somebody who makes the next one."""

from __future__ import annotations

import asyncio
import os
import random
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING

from heliograph.relay.errors import RelayError, UnavailableError
from heliograph.relay.nats.connection import connected

if TYPE_CHECKING:
    from heliograph.relay.nats.address import NatsAddress
    from heliograph.relay.nats.connection import NatsConnection
    from heliograph.relay.nats.line import Line
    from heliograph.relay.transports import Watching

_DELAYS = (0.1, 2.0)
"""Seconds before the second try, and the most before any. Chance spreads them."""


class NatsLinks:
    """Makes a connection after the other.

    Args:
        address: The servers.
        tls: How lines are encrypted.
    """

    def __init__(self, address: NatsAddress, tls: ssl.SSLContext | None) -> None:
        self._address, self._tls = address, tls
        self._current: NatsConnection | None = None
        self._there = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None
        self._lines: set[Line] = set()

    @property
    def current(self) -> NatsConnection | None:
        """The connection, if there is one."""
        connection = self._current
        return connection if connection is not None and connection.is_there else None

    def now(self) -> NatsConnection:
        """Return the connection, which may be about to end.

        Raises:
            UnavailableError: If there is none.
        """
        if (connection := self._current) is None:
            msg = f"There is no connection to {self._address} at the moment."
            raise UnavailableError(msg)
        return connection

    async def next(self) -> NatsConnection:
        """Wait for a connection."""
        while (connection := self.current) is None:
            await self._there.wait()
            await asyncio.sleep(0.01)  # It may be about to end.
        return connection

    async def open(self, watching: Watching) -> None:
        """Connect, and see to it that there is a connection from then on.

        Raises:
            UnavailableError: If no server can be reached.
            RefusedError: If they refuse us, or are no such servers.
        """
        self._current = await self._connect()
        self._there.set()
        self._keeping = asyncio.create_task(self._keep(self._current, watching))
        watching.connected()

    async def close(self) -> None:
        """Disconnect, for good."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait({self._keeping})
        if self._current is not None:
            await self._current.close()
        self._there.clear()
        self._current = self._keeping = None

    def abandon(self) -> None:
        """Let go of the sockets in a process that was forked, without a word to the server.

        The copies of this process become something else. They are not taken out of what the
        parent's loop waits for, as closing them by the loop would do: both share that.
        """
        null = os.open(os.devnull, os.O_RDWR)
        for line in self._lines:
            line.abandon(null)
        if self._current is not None:
            self._current.abandon(null)
        os.close(null)
        self._there = asyncio.Event()  # The other one belongs to the parent's loop.
        self._current = self._keeping = None
        self._lines.clear()

    async def _keep(self, connection: NatsConnection, watching: Watching) -> None:
        while True:
            await connection.ended.wait()
            self._current = None
            self._there.clear()
            watching.disconnected(connection.reason)
            await connection.close()
            told = connection.told
            self._current = connection = await self._again(watching)
            with suppress(RelayError):
                # The server may have read it, and then this changes nothing.
                for subject, word in told:
                    await connection.tell(subject, word)
            self._there.set()
            watching.connected()

    async def _again(self, watching: Watching) -> NatsConnection:
        delay, most = _DELAYS
        told = ""
        while True:
            # All clients of a server that was away would come back at once.
            await asyncio.sleep(delay * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            delay = min(most, delay * 2)
            try:
                return await self._connect()
            except Exception as error:  # noqa: BLE001 - somebody has to go on.
                if str(error) != told:
                    told = str(error)
                    watching.disconnected(told)

    async def _connect(self) -> NatsConnection:
        """Connect to one of the servers, whichever comes first.

        Raises:
            RelayError: If none will have us: what the last one said.
        """
        if self._address.encrypted and self._tls is None:
            self._tls = ssl.create_default_context()
        hosts = [*self._address.hosts]
        random.shuffle(hosts)
        for host, port in hosts[:-1]:
            try:
                return await connected(self._address, host, port, self._tls, self._lines)
            except RelayError:
                continue
        host, port = hosts[-1]
        return await connected(self._address, host, port, self._tls, self._lines)
