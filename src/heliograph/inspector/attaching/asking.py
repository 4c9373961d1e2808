"""Asks processes of an application the same question, all at once, and waits for none too long."""

from __future__ import annotations

import selectors
import socket
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from heliograph.inspector.attaching.folder import remove_if_left
from heliograph.inspector.attaching.messages import AttachError, greeting, line_of, message_in
from heliograph.inspector.attaching.peers import refuse_stranger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from heliograph.inspector.attaching.folder import Entry
    from heliograph.inspector.attaching.messages import Message

PATIENCE = 1.0
"""Seconds without a word after which a process counts as gone."""

_PART = 262_144


@dataclass(frozen=True)
class Address:
    """Where to find a process by loopback TCP, instead of in the folder.

    Attributes:
        port: The port, on 127.0.0.1.
        token: What proves that it is allowed.
    """

    port: int
    token: str

    def __str__(self) -> str:
        return f"127.0.0.1:{self.port}"


@dataclass(frozen=True)
class Reply:
    """What a process has said.

    Attributes:
        place: Where it was asked.
        hello: Who it is, or {}.
        answer: Its answer, or {}.
        problem: Why there is none, or None.
    """

    place: Entry | Address
    hello: Message
    answer: Message
    problem: str | None


def ask_all(
    places: Iterable[Entry | Address],
    question: Callable[[Message], Message],
    *,
    patience: float | None = None,
) -> list[Reply]:
    """Ask processes, and return what each has said.

    Args:
        places: Where they are.
        question: Makes the question for a process, given what it says of itself.
        patience: Seconds that each has for its next word, 1 by default.
    """
    seconds = PATIENCE if patience is None else patience
    talks = [_Talk(place, question, seconds) for place in places]
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for talk in talks:
            stack.callback(talk.close)
            talk.begin(selector)
        while selector.get_map():
            _go_on(selector)
    return [it.reply() for it in talks]


def _go_on(selector: selectors.BaseSelector) -> None:
    waiting: list[tuple[_Talk, socket.socket]] = [it.data for it in selector.get_map().values()]
    first = min(talk.until for talk, _ in waiting)
    for key, _ in selector.select(max(first - monotonic(), 0)):
        talk, connection = key.data
        talk.hear(selector, connection)
    now = monotonic()
    for talk, connection in waiting:
        if now > talk.until and not talk.over:
            talk.end(selector, connection, f"it has not answered for {talk.patience:g} s")


class _Talk:
    """One process that is asked."""

    def __init__(
        self, place: Entry | Address, question: Callable[[Message], Message], patience: float
    ) -> None:
        self.place = place
        self.patience = patience
        self.until = monotonic() + patience
        self.over = False
        self._question = question
        self._heard = bytearray()
        self._said: list[Message] = []
        self._problem: str | None = None
        self._socket: socket.socket | None = None

    def begin(self, selector: selectors.BaseSelector) -> None:
        """Connect, and greet."""
        try:
            self._socket, token = _connected(self.place, self.patience)
            self._socket.sendall(line_of(greeting(token)))
        except (OSError, AttachError) as error:
            self.over, self._problem = True, _why(self.place, error)
        else:
            selector.register(self._socket, selectors.EVENT_READ, (self, self._socket))

    def hear(self, selector: selectors.BaseSelector, connection: socket.socket) -> None:
        """Take what has come; ask when the process has greeted, and end when it has answered."""
        try:
            part = connection.recv(_PART)
            self.until = monotonic() + self.patience
            self._heard += part
            if b"\n" in part:
                *lines, self._heard = self._heard.split(b"\n")
                for line in lines:
                    self._take(message_in(line), connection)
            done = bool(self._problem) or len(self._said) > 1
            problem = self._problem if done or part else "it has closed the connection"
        except (OSError, AttachError) as error:
            done, part, problem = True, b"", _why(self.place, error)
        if done or not part:
            self.end(selector, connection, problem)

    def _take(self, message: Message, connection: socket.socket) -> None:
        if "error" in message:
            self._problem = str(message["error"])
            return
        self._said.append(message)
        if len(self._said) == 1:
            connection.sendall(line_of(self._question(message)))

    def end(
        self, selector: selectors.BaseSelector, connection: socket.socket, problem: str | None
    ) -> None:
        """Wait for it no more."""
        self.over, self._problem = True, problem
        selector.unregister(connection)

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()

    def reply(self) -> Reply:
        """Return what came of it."""
        nothing: list[Message] = [{}, {}]
        hello, answer, *_ = self._said + nothing
        return Reply(self.place, hello, answer, self._problem)


def _connected(place: Entry | Address, patience: float) -> tuple[socket.socket, str | None]:
    if isinstance(place, Address):
        return socket.create_connection(("127.0.0.1", place.port), patience), place.token
    if place.path.suffix == ".tcp":
        told = message_in(place.path.read_bytes())
        return socket.create_connection(("127.0.0.1", told["port"]), patience), told["token"]
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(patience)
        connection.connect(str(place.path))
        refuse_stranger(connection)
    except BaseException:
        connection.close()
        raise
    return connection, None


def _why(place: Entry | Address, error: Exception) -> str:
    """Tell why a process cannot be asked; remove what it has left if it is gone."""
    if isinstance(error, (ConnectionRefusedError, FileNotFoundError)):
        if isinstance(place, Address):
            return "nothing listens there"
        left = remove_if_left(place)
        return "it has ended" if left else "it lives, and does not listen any more"
    if isinstance(error, (ConnectionResetError, BrokenPipeError)):
        return "it has closed the connection"
    if isinstance(error, (BlockingIOError, TimeoutError)):
        return "it does not answer, and others wait for it"
    return str(error) or type(error).__name__
