"""A line to a broker that can be held, cut, or lose what is said on it, in each direction."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Line:
    """Passes on what two sides say, over as many connections as are opened.

    Attributes:
        port: Where to connect.
    """

    def __init__(self, server: int) -> None:
        self._server = server
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(None)
        self.port: int = self._listening.getsockname()[1]
        # Whether each direction is open; what is said waits meanwhile.
        self._open = {"to": threading.Event(), "from": threading.Event()}
        self._connections: list[_Connection] = []
        for it in self._open.values():
            it.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self, *directions: str) -> None:
        """Pass nothing on for now, as a line does on which packets are lost for a while."""
        for it in directions or ("to", "from"):
            self._open[it].clear()

    def go_on(self) -> None:
        """Pass on what has waited, and what follows."""
        for it in self._open.values():
            it.set()

    def swallow(self) -> None:
        """Lose whatever is said on the connections that are open, and never end them.

        So does a machine that vanishes: new connections get through.
        """
        for it in [*self._connections]:
            it.is_lost = True

    def cut(self) -> None:
        """End the connections that are open."""
        for it in [*self._connections]:
            it.close()

    def close(self) -> None:
        """Take no further connections, and end the others."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.go_on()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._server), timeout=5)
                except OSError:
                    client.close()
                    continue
                server.settimeout(None)
                connection = _Connection(client, server)
                self._connections.append(connection)
                for source, target, way in ((client, server, "to"), (server, client, "from")):
                    threading.Thread(
                        target=self._pass_on, args=(connection, source, target, way), daemon=True
                    ).start()

    def _pass_on(
        self, connection: _Connection, source: socket.socket, target: socket.socket, way: str
    ) -> None:
        with suppress(OSError):
            while part := source.recv(65_536):
                self._open[way].wait()
                if not connection.is_lost:
                    target.sendall(part)
        if not connection.is_lost:
            connection.close()


class _Connection:
    """The two ends of one connection."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.ends = client, server
        self.is_lost = False

    def close(self) -> None:
        for it in self.ends:
            with suppress(OSError):
                it.shutdown(socket.SHUT_RDWR)
            it.close()


@contextmanager
def line(server: int) -> Iterator[Line]:
    """Run a line to a server's port."""
    made = Line(server)
    try:
        yield made
    finally:
        made.close()
