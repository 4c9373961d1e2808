"""Pull: asks a consumer of JetStream for what it has, and takes what it hands over.

The client library's own fetching needs a task and a timer for each message, and does not notice
that a consumer is gone. This speaks the documented protocol, and notices it in seconds.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING

from nats.errors import Error

from heliograph.relay.errors import RelayError, UnavailableError
from heliograph.relay.nats.answers import answers, translated

if TYPE_CHECKING:
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription

    from heliograph.relay.nats.connection import NatsConnection

_SECOND = 1_000_000_000
_EXPIRES, _HEARTBEAT = 30.0, 5.0
"""Seconds after which a request has to be made again, and between two signs of life until then."""

_OLD_FORM = 9
"""How many words name what is acknowledged, at a server that is asked for no other form."""

_OVER = {"404", "408"}
"""The server has no more for a request."""


class Pull:
    """What a consumer hands over to one who asks.

    Attributes:
        consumer: Its name.
        asked: How many messages were asked for, and have not come.
    """

    def __init__(self, connection: NatsConnection, stream: str, consumer: str) -> None:
        self._connection = connection
        self.consumer: str = consumer
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._inbox = connection.client.new_inbox()
        self._arrived: asyncio.Queue[Msg | None] = asyncio.Queue()
        self._taking: Subscription | None = None
        self._requests: dict[tuple[int, bool], bytes] = {}
        self.asked: int = 0

    async def begin(self) -> None:
        """Be ready to take what is handed over."""
        self._connection.at_end.add(self.stop)
        with answers():
            self._taking = await self._connection.client.subscribe(self._inbox, cb=self._take)

    async def _take(self, message: Msg) -> None:
        self._arrived.put_nowait(message)

    def stop(self) -> None:
        """Let nobody wait any longer."""
        self._arrived.put_nowait(None)

    async def ask(self, most: int, *, wait: bool = True) -> None:
        """Ask for messages: those that are there, or those that come."""
        if (most, wait) not in self._requests:
            self._requests[most, wait] = _request(most, wait=wait)
        self.asked = most
        request = self._requests[most, wait]
        try:
            await self._connection.client.publish(self._subject, request, self._inbox)
        except Error as error:
            raise translated(error) from None

    async def next(self) -> Msg | None:
        """Return the next message, or None if the request is over.

        Raises:
            UnavailableError: If the connection or the consumer is gone.
        """
        while True:
            message = await self._one()
            # Only a message of a stream can be acknowledged.
            if message.reply.startswith("$JS.ACK."):
                self.asked -= 1
                return message
            headers = message.headers or {}
            status = headers.get("Status", "")
            if status in _OVER:
                self.asked = 0
                return None
            if status != "100":
                msg = f"The NATS server has ended it: {headers.get('Description', status)}."
                raise UnavailableError(msg)

    async def _one(self) -> Msg:
        """Return what comes next, signs of life included."""
        if self._arrived.empty():
            try:
                async with asyncio.timeout(_HEARTBEAT * 2.5):
                    message = await self._arrived.get()
            except TimeoutError:
                msg = "The NATS server has stopped to hand over."
                raise UnavailableError(msg) from None
        else:
            message = self._arrived.get_nowait()
        if message is None:
            msg = "The connection is over."
            raise UnavailableError(msg)
        return message

    async def all(self, most: int) -> list[Msg]:
        """Return what is there."""
        await self.ask(most, wait=False)
        found: list[Msg] = []
        while len(found) < most and (message := await self.next()) is not None:
            found.append(message)
        return found

    async def end(self) -> list[Msg]:
        """Take nothing more; return what has come and was not taken."""
        self._connection.at_end.discard(self.stop)
        if self._taking is not None and not self._connection.ended.is_set():
            with suppress(RelayError), answers():
                await self._taking.drain()  # type: ignore[no-untyped-call] # It has no annotations.
        left: list[Msg] = []
        while not self._arrived.empty():
            message = self._arrived.get_nowait()
            if message is not None and message.reply.startswith("$JS.ACK."):
                left.append(message)
        return left


def _request(most: int, *, wait: bool) -> bytes:
    """Return how a server is asked for messages."""
    if not wait:
        return json.dumps({"batch": most, "no_wait": True}).encode()
    expires, heartbeat = int(_EXPIRES * _SECOND), int(_HEARTBEAT * _SECOND)
    wanted = {"batch": most, "expires": expires, "idle_heartbeat": heartbeat}
    return json.dumps(wanted).encode()


def numbers_of(message: Msg) -> tuple[int, int]:
    """Return which one of its stream a message is, and which try it is.

    The library's own way makes an object with eight fields for each.
    """
    tokens = message.reply.split(".")
    shift = 0 if len(tokens) == _OLD_FORM else 2  # The new one has a domain and an account.
    return int(tokens[5 + shift]), int(tokens[4 + shift])
