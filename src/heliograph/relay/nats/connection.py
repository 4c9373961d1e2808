"""NatsConnection: one connection to a NATS server, from the greeting to the end of the line.

The client library's own reconnecting is not used. It keeps what is sent in the meantime for later
without a limit of time, does not tell those who wait for an answer, and there are errors after
which it ends. A connection here ends once; who wants another one makes it (`links`).
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING

from nats.aio.client import Client
from nats.errors import ConnectionClosedError, Error
from nats.js.errors import APIError

from heliograph.relay.errors import RefusedError, RelayError, UnavailableError
from heliograph.relay.nats.address import url_of
from heliograph.relay.nats.answers import translated
from heliograph.relay.nats.line import PATIENCE, Line

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from nats.js import JetStreamContext

    from heliograph.relay.nats.address import NatsAddress

_REQUEST = 5.0
"""Seconds that JetStream has to answer."""

_BEAT, _ANSWER = 4.0, 7
"""A server is asked whether it is there that often, and has to answer in that time (seconds)."""

_PENDING_BYTES = 4 * 1024 * 1024
"""How many bytes may wait for a server that takes nothing in."""

_HEADERS = 512
"""The most bytes that our headers have: the server counts them, and the client does not."""

_NOT_ALLOWED = re.compile(r'permissions violation for (publish|subscription) to "([^"]*)"')
_WRONG_USER = re.compile("auth(?!entication timeout)", re.IGNORECASE)


class _Client(Client):
    """A client on a line that we made."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._transport = line

    def fail_requests(self) -> None:
        """Tell all who wait for an answer that none will come."""
        for future in [it for it in self._resp_map.values() if not it.done()]:
            future.set_exception(ConnectionClosedError())
            future.exception()  # Some wait no more: the library leaves theirs behind.


class NatsConnection:
    """One connection to a server.

    Attributes:
        client: The client library's part of it.
        jetstream: What is stored is asked for there.
        ended: Whether it is over.
        reason: Why.
        births: When each stream was made that was looked at, as text.
        at_end: Called when it is over.
        told: What the server was told of messages, and may not have read.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self.client: _Client = _Client(line)
        self.jetstream: JetStreamContext = self.client.jetstream(timeout=_REQUEST)
        self.ended: asyncio.Event = asyncio.Event()
        self.reason: str = ""
        self.births: dict[str, str] = {}
        self.at_end: set[Callable[[], object]] = set()
        self.told: list[tuple[str, bytes]] = []
        self._largest = 0
        self._not_allowed: set[tuple[str, str]] = set()
        self._greeted = False
        self._watching: asyncio.Task[None] | None = None

    @property
    def is_there(self) -> bool:
        """Whether something can be sent over it; otherwise it has ended, or is about to."""
        return not self.ended.is_set() and self.client.is_connected

    async def greet(
        self, address: NatsAddress, host: str, port: int, tls: ssl.SSLContext | None
    ) -> None:
        """Say who we are, on a line that is dialled.

        Raises:
            RelayError: If the server will not have us, or is none.
        """
        prove = _prover(tls) if tls is not None and address.encrypted else _nothing

        def proven(word: str) -> Callable[[], str]:
            def say() -> str:
                prove()
                return word

            return say

        self._greeted = True
        await self.client.connect(
            [url_of(host, port)],
            error_cb=self._note,
            closed_cb=self._closed,
            allow_reconnect=False,
            connect_timeout=int(PATIENCE),
            pending_size=-1,  # It is bounded here: the library would wait for room for ever.
            tls=tls,
            user=None if address.user is None else proven(address.user),
            password=None if address.password is None else proven(address.password),
            token=None if address.token is None else proven(address.token),
            drain_timeout=1,
        )
        prove()
        self._largest = self.client.max_payload - _HEADERS
        self._watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        """Notice a server that is silent.

        The library's own pings do not do: it wants to write the rest before it closes a line, and
        waits for that on a line that takes nothing.
        """
        while not self.ended.is_set():
            await asyncio.sleep(_BEAT)
            before = len(self.told)
            try:
                async with asyncio.timeout(_ANSWER):
                    await self.client.rtt(_ANSWER)
            except (Error, OSError):
                self.end("the server does not answer")
            else:
                del self.told[:before]

    async def _note(self, error: Exception) -> None:
        """Keep what the server does not let us do: it says so to nobody in particular."""
        # The library has made it lower case.
        if found := _NOT_ALLOWED.search(str(error)):
            self._not_allowed.add((found[1], found[2]))

    async def _closed(self) -> None:
        self.end(f"the line was closed ({self.client.last_error or 'by the server'})")

    def end(self, reason: str) -> None:
        """Take it as over."""
        if self.ended.is_set():
            return
        self.reason = reason
        self.ended.set()
        self._line.drop()
        self.client.fail_requests()
        for call in [*self.at_end]:
            call()

    async def round_trip(self) -> None:
        """Wait until the server has read all that was written so far.

        Raises:
            UnavailableError: If it does not answer.
        """
        # It must not be cancelled: a late answer to it would end the library's reading for good.
        asking = asyncio.ensure_future(self.client.flush(_ANSWER))
        try:
            await asyncio.shield(asking)
        except (Error, OSError) as error:
            self.end("the server does not answer")
            raise translated(error) from None

    def check(self, verb: str, subject: str) -> None:
        """Refuse what the server has refused before.

        Raises:
            RefusedError: If it did.
        """
        if (verb, subject.lower()) in self._not_allowed:
            what = "send to" if verb == "publish" else "hear"
            msg = f"Our user may not {what} {subject!r} at the NATS server."
            raise RefusedError(msg)

    def check_size(self, data: bytes) -> None:
        """Refuse what the server would close the connection for.

        Raises:
            RefusedError: If it is too large.
        """
        if len(data) > self._largest:
            msg = (
                f"The envelope has {len(data):,} bytes, and the NATS server takes messages of up "
                f"to {self.client.max_payload:,}: raise its max_payload."
            )
            raise RefusedError(msg)

    async def publish(self, subject: str, data: bytes) -> None:
        """Hand something over, without an answer.

        Raises:
            UnavailableError: If the server is away, or takes nothing in.
            RefusedError: If it would not take it.
        """
        self.check_size(data)
        if self._not_allowed:
            self.check("publish", subject)
        if self.client.pending_data_size > _PENDING_BYTES:
            msg = "The NATS server takes nothing in."
            raise UnavailableError(msg)
        try:
            await self.client.publish(subject, data)
        except Error as error:
            raise translated(error) from None

    async def tell(self, subject: str, word: bytes) -> None:
        """Tell the server what became of a message, and keep that until it has read it.

        An answer to each would cost as much as the message itself.

        Raises:
            UnavailableError: If the server is away.
        """
        await self.publish(subject, word)
        self.told.append((subject, word))

    async def ask(self, subject: str, data: bytes, headers: dict[str, str]) -> dict[str, Any]:
        """Ask for something, and return the answer of JetStream.

        Raises:
            nats.errors.Error: If it does not answer, or says that it does not do that.
        """
        answer = await self.client.request(subject, data, _REQUEST, headers=headers)
        found: dict[str, Any] = json.loads(answer.data)
        if "error" in found:
            raise APIError.from_error(found["error"])
        return found

    async def close(self) -> None:
        """End it, after what was written has left."""
        self.at_end.clear()
        if self._watching is not None:
            self._watching.cancel()
            if not self.ended.is_set():
                with suppress(Error, OSError):
                    async with asyncio.timeout(PATIENCE):
                        await self.client.flush()
        self.end("it was closed here")
        if self._greeted:
            with suppress(Error, OSError):
                async with asyncio.timeout(PATIENCE):
                    await self.client.close()

    def abandon(self, null: int) -> None:
        """Let go of the socket in a process that was forked."""
        self._line.abandon(null)


async def connected(
    address: NatsAddress, host: str, port: int, tls: ssl.SSLContext | None, lines: set[Line]
) -> NatsConnection:
    """Make a connection.

    Args:
        address: Who we are, and whether the line has to be encrypted.
        host: The server.
        port: Its port.
        tls: How lines are encrypted.
        lines: Where the line is while it is being made.

    Raises:
        UnavailableError: If nobody answers.
        RefusedError: If the server refuses us, or is no NATS server.
    """
    line = Line()
    lines.add(line)
    connection = NatsConnection(line)
    try:
        try:
            await line.dial(host, port)
        except OSError as error:
            msg = f"No NATS server answers at {host}:{port}: {str(error) or 'it took too long'}."
            raise UnavailableError(msg) from None
        try:
            await connection.greet(address, host, port, tls)
        except (Error, OSError, ValueError, AssertionError) as error:
            raise await _why(error, line, f"{host}:{port}") from None
    except BaseException:
        await connection.close()
        raise
    finally:
        lines.discard(line)
    return connection


async def _why(error: Exception, line: Line, where: str) -> RelayError:
    """Return what stands behind an error of the greeting."""
    if isinstance(error, ssl.SSLError):
        return RefusedError(f"No encrypted line to the NATS server at {where}: {error}.")
    said = line.greeting or await line.asked()
    if said and not said.startswith(b"INFO "):
        return RefusedError(f"What answers at {where} is no NATS server, or wants TLS at once.")
    if not said:
        return UnavailableError(f"What listens at {where} says nothing.")
    # It may break off before we have read why.
    if _WRONG_USER.search(str(error)) or b'"auth_required":true' in said:
        return RefusedError(f"The NATS server at {where} refuses our user: {error}.")
    return UnavailableError(f"The NATS server at {where} breaks off: {error}.")


def _prover(tls: ssl.SSLContext) -> Callable[[], None]:
    """Return what raises unless a line was encrypted since now.

    The client library takes a server's word for whether it does so: one that does not, or one in
    between, would get the password as plain text.
    """
    before = tls.session_stats()["connect_good"]

    def prove() -> None:
        if tls.session_stats()["connect_good"] == before:
            msg = "The NATS server does not encrypt: give it a certificate, or use nats://…."
            raise RefusedError(msg)

    return prove


def _nothing() -> None:
    pass
