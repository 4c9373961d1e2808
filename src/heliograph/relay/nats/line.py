"""Line: the TCP connection to a NATS server, which ends when we say so."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from nats.aio.transport import TcpTransport

if TYPE_CHECKING:
    from urllib.parse import ParseResult

PATIENCE = 2.0
"""Seconds that a server has for each step of a greeting."""


class Line(TcpTransport):
    """The TCP connection below a client. It is dialled first, and can be dropped at any time.

    Attributes:
        greeting: The first line that the server has said.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # It has no annotations.
        self.greeting: bytes = b""
        self._socket: socket.socket | None = None
        self._dropped = False

    def __bool__(self) -> bool:
        """Be there from the beginning: the client would make another one."""
        return True

    async def dial(self, host: str, port: int) -> None:
        """Connect to the first address of a host that answers.

        Raises:
            OSError: If none does.
        """
        loop = asyncio.get_running_loop()
        problem: OSError | None = None
        for family, kind, proto, _, address in await loop.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        ):
            self._socket = socket.socket(family, kind, proto)
            self._socket.setblocking(False)
            try:
                async with asyncio.timeout(PATIENCE):
                    await loop.sock_connect(self._socket, address)
            except OSError as error:
                problem = error
                self._socket.close()
            except BaseException:
                self._socket.close()
                raise
            else:
                await self._open(self._socket)
                return
        raise problem or OSError("it has no address")

    async def _open(self, connected: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=connected)
        self._bare_io_reader = self._io_reader = reader
        self._bare_io_writer = self._io_writer = writer

    async def connect(self, uri: ParseResult, buffer_size: int, connect_timeout: int) -> None:
        """Do nothing: it is dialled already."""

    async def readline(self) -> bytes:
        """Read a line, and keep the first one."""
        line = b"" if self._io_reader is None else await self._io_reader.readline()
        self.greeting = self.greeting or line
        return line

    async def asked(self) -> bytes:
        """Return what a server says that did not greet, once it is spoken to."""
        if self._io_reader is None or self._io_writer is None:
            return b""
        with suppress(OSError):
            async with asyncio.timeout(PATIENCE / 2):
                self._io_writer.write(b"PING\r\n\r\n")
                return await self._io_reader.read(64)
        return b""

    def drop(self) -> None:
        """End the connection at once, whatever waits to be written."""
        self._dropped = True
        if self._io_writer is not None:
            self._io_writer.transport.abort()

    async def wait_closed(self) -> None:
        """Wait for the end; one that was dropped is at its end.

        After an encryption that failed, nobody would ever be told of it.
        """
        if self._io_writer is not None and not self._dropped:
            await self._io_writer.wait_closed()

    def abandon(self, null: int) -> None:
        """Let this process's copy of the socket be something else."""
        if self._socket is not None and (number := self._socket.fileno()) >= 0:
            os.dup2(null, number, inheritable=False)
