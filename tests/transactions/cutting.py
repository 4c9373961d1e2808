"""A wire to PostgreSQL that can be cut or held just before the answer to COMMIT comes back."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Wire:
    """Passes on what two sides say, over as many connections as are opened.

    Attributes:
        port: Where to connect.
        armed: Whether the next answer to COMMIT is kept back, and the connection cut.
        hold: Seconds for which that answer is kept back instead, if it is not 0.
    """

    def __init__(self, server: int) -> None:
        self._server = server
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.armed = False
        self.hold = 0.0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no further connections."""
        with suppress(OSError):  # A thread waits in it, and would take one more.
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._server))
                committing = threading.Event()
                for source, target, asks in ((client, server, True), (server, client, False)):
                    threading.Thread(
                        target=self._pass_on, args=(source, target, committing, asks), daemon=True
                    ).start()

    def _pass_on(
        self, source: socket.socket, target: socket.socket, committing: threading.Event, asks: bool
    ) -> None:
        with suppress(OSError):
            while part := source.recv(65536):
                if asks and b"COMMIT" in part and (self.armed or self.hold):
                    committing.set()
                if not asks and committing.is_set():
                    if self.armed:
                        self.armed = False
                        break
                    threading.Event().wait(self.hold)
                    committing.clear()
                target.sendall(part)
        for it in (source, target):
            with suppress(OSError):
                it.shutdown(socket.SHUT_RDWR)
            it.close()


@contextmanager
def wire(server: int) -> Iterator[Wire]:
    """Run a wire to a server's port."""
    made = Wire(server)
    try:
        yield made
    finally:
        made.close()
