"""The door of a process: a thread that lets watchers of the same user in and answers them."""

from __future__ import annotations

import json
import logging
import os
import secrets
import selectors
import socket
import threading
from contextlib import suppress
from time import monotonic, sleep
from typing import TYPE_CHECKING

from heliograph.inspector.attaching.guest import Guest
from heliograph.inspector.attaching.messages import AttachError
from heliograph.inspector.attaching.peers import refuse_stranger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from heliograph.inspector.attaching.folder import Entry, Folder
    from heliograph.inspector.attaching.guest import Answer
    from heliograph.inspector.attaching.locks import Claim
    from heliograph.inspector.attaching.messages import Message

_LOG = logging.getLogger("heliograph")

_WAITING = 16
_REST = 0.05
"""Seconds until the next attempt to let somebody in, as one has failed."""

_LOOK = 1.0
"""Seconds between two looks at guests that say nothing."""


class Door:
    """Lets watchers in, in a thread of its own: the application waits for none of them.

    Args:
        name: The name of the application.
        folder: Where to lay down the socket.
        answers: What can be asked, each with the function that answers it.
        greeting: Returns what every watcher is told first.
        idle: Is called about once a second.
        tcp: Whether to listen on loopback with a token, where there are no Unix sockets. The port
            and the token are written into the private folder.
    """

    def __init__(
        self,
        name: str,
        folder: Folder,
        answers: Mapping[str, Answer],
        greeting: Callable[[], Message],
        *,
        idle: Callable[[], object] = lambda: None,
        tcp: bool = False,
    ) -> None:
        self._name = name
        self._folder = folder
        self._answers = answers
        self._greeting = greeting
        self._idle = idle
        self._tcp = tcp
        self._token: str | None = None
        self._claimed: tuple[Entry, Claim] | None = None
        self._listening: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._wake: tuple[socket.socket, socket.socket] | None = None

    @property
    def path(self) -> Path | None:
        """Where watchers find it, or None while it is closed."""
        return None if self._claimed is None else self._claimed[0].path

    # --- from outside of the thread ----------------------------------------------------

    def open(self) -> None:
        """Take a name, listen, and begin to answer.

        Raises:
            OSError: If that is not possible; then nothing is left.
            AttachError: If the folder is not private.
        """
        self._folder.prepare()
        self._folder.sweep(self._name)
        self._claimed = self._folder.claim(self._name, ".tcp" if self._tcp else ".sock")
        try:
            self._listening = self._listen(self._claimed[0].path)
            self.resume()
        except BaseException:
            self.close()
            raise

    def _listen(self, path: Path) -> socket.socket:
        if self._tcp:
            listening = socket.create_server(("127.0.0.1", 0), backlog=_WAITING)
            self._token = secrets.token_urlsafe(32)
            told = {"port": listening.getsockname()[1], "token": self._token}
            _write_privately(path, json.dumps(told))
        else:
            listening = socket.socket(socket.AF_UNIX)
            try:
                _bind_privately(listening, path)
            except BaseException:
                listening.close()
                raise
        listening.setblocking(False)
        return listening

    def pause(self, timeout: float = 1.0) -> None:
        """End the thread, and keep the socket: a process that forks has one thread then."""
        thread, wake, self._thread, self._wake = self._thread, self._wake, None, None
        if wake is not None:
            with suppress(OSError):
                wake[1].send(b"x")
            if thread is not None:
                thread.join(timeout)
            for it in wake:
                it.close()

    def resume(self) -> None:
        """Begin to answer, in a thread that ends with the process."""
        if self._listening is not None and self._thread is None:
            # Here, as who opens the door is told if there are too many open files.
            selector = selectors.DefaultSelector()
            self._wake = wake = socket.socketpair()
            thread = threading.Thread(
                target=self._serve,
                args=(selector, self._listening, wake[0]),
                name="heliograph-attach",
                daemon=True,
            )
            thread.start()
            self._thread = thread

    def close(self, timeout: float = 1.0) -> None:
        """Send all watchers away, and leave nothing behind.

        Args:
            timeout: Seconds to wait for an answer that is being given.
        """
        self.pause(timeout)
        if self._listening is not None:
            self._listening.close()
        if self._claimed is not None:
            entry, claim = self._claimed
            with suppress(OSError):
                entry.path.unlink()
            claim.release()
        self._listening = self._claimed = None

    def leave(self) -> None:
        """Close what a fork has copied: the door is still that of the parent.

        Otherwise connections to it would succeed as long as the child lives, and nobody answer.
        """
        if self._listening is not None:
            self._listening.close()
        if self._claimed is not None:
            self._claimed[1].leave()
        self._listening = self._claimed = self._thread = self._wake = None

    # --- in the thread -----------------------------------------------------------------

    def _serve(
        self, selector: selectors.BaseSelector, listening: socket.socket, wake: socket.socket
    ) -> None:
        with selector:
            selector.register(listening, selectors.EVENT_READ)
            selector.register(wake, selectors.EVENT_READ)
            try:
                # A thread that was too slow to be waited for may find that another one serves.
                while self._wake is not None and self._wake[0] is wake:
                    self._turn(selector, listening, wake)
            except Exception:  # noqa: BLE001 - it ends the watching, and nothing else.
                _LOG.exception("Watchers can attach to this process no more.")
            finally:
                for key in list(selector.get_map().values()):
                    if isinstance(key.data, Guest):
                        key.data.close()

    def _turn(
        self, selector: selectors.BaseSelector, listening: socket.socket, wake: socket.socket
    ) -> None:
        for key, _ in selector.select(_LOOK):
            if key.fileobj is wake:
                return
            if key.fileobj is listening:
                self._let_in(selector, listening)
            else:
                self._attend(selector, key.data)
        now = monotonic()
        for key in list(selector.get_map().values()):
            if isinstance(key.data, Guest) and now > key.data.until:
                _send_away(selector, key.data)
        self._idle()

    def _let_in(self, selector: selectors.BaseSelector, listening: socket.socket) -> None:
        try:
            connection, _ = listening.accept()
        except OSError:  # It has gone already, or there are too many open files.
            sleep(_REST)
            return
        try:
            refuse_stranger(connection)
        except (AttachError, OSError):
            connection.close()
            return
        connection.setblocking(False)
        guest = Guest(connection, self._token, self._greeting, self._answers)
        selector.register(connection, selectors.EVENT_READ, guest)

    def _attend(self, selector: selectors.BaseSelector, guest: Guest) -> None:
        if not guest.go_on():
            _send_away(selector, guest)
            return
        wants = selectors.EVENT_WRITE if guest.has_to_say else selectors.EVENT_READ
        selector.modify(guest.connection, wants, guest)


def _send_away(selector: selectors.BaseSelector, guest: Guest) -> None:
    selector.unregister(guest.connection)
    guest.close()


def _bind_privately(listening: socket.socket, path: Path) -> None:
    with suppress(OSError):  # Not every system can, and the folder is private anyway.
        os.fchmod(listening.fileno(), 0o600)  # Before it has a name.
    listening.bind(os.fspath(path))
    listening.listen(_WAITING)


def _write_privately(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="ascii") as file:  # noqa: PTH123 - of a descriptor.
        file.write(text)
