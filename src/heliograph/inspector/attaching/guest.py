"""One watcher that has come in: what it asks is answered, one question after the other."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

from heliograph import SignalError
from heliograph.inspector.attaching.messages import (
    MOST_ASKED,
    AttachError,
    Message,
    line_of,
    message_in,
    why_refused,
)

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

_LOG = logging.getLogger("heliograph")

Answer = Callable[[Message], Message]

TO_GREET = 1.0
TO_READ = 10.0
TO_ASK = 60.0
"""Seconds that a watcher has: to say who it is, to take an answer, to ask the next question."""

_PART = 262_144


class Guest:
    """A watcher, on a connection that waits for nothing.

    Args:
        connection: A socket that does not block.
        token: What it has to know, if anything.
        greeting: Returns what it is told first.
        answers: What can be asked, each with the function that answers it.

    Attributes:
        connection: As it was given.
        until: When to send it away, unless it does something.
    """

    def __init__(
        self,
        connection: socket.socket,
        token: str | None,
        greeting: Callable[[], Message],
        answers: Mapping[str, Answer],
    ) -> None:
        self.connection: socket.socket = connection
        self.until: float = monotonic() + TO_GREET
        self._token = token
        self._greeting = greeting
        self._answers = answers
        self._heard = bytearray()
        self._said = memoryview(b"")
        self._known = False
        self._leaving = False

    @property
    def has_to_say(self) -> bool:
        """Whether it has not taken all of the last answer."""
        return bool(self._said)

    def go_on(self) -> bool:
        """Read or write as much as is possible now; tell whether it stays."""
        try:
            if not self._said and not self._hear():
                return False
            self._say()
        except BlockingIOError:
            return True
        except (OSError, AttachError):  # It has gone, or is no watcher.
            return False
        return bool(self._said) or not self._leaving

    def close(self) -> None:
        """Send it away."""
        with suppress(OSError):
            self.connection.close()

    def _hear(self) -> bool:
        part = self.connection.recv(_PART)
        self._heard += part
        if len(self._heard) > MOST_ASKED:
            return False
        return bool(part)

    def _say(self) -> None:
        while True:
            if self._said:
                sent = self.connection.send(self._said[:_PART])
                self._said = self._said[sent:]
                self.until = monotonic() + TO_READ
            elif b"\n" in self._heard and not self._leaving:
                line, _, self._heard = self._heard.partition(b"\n")
                self._said = memoryview(line_of(self._answer(message_in(line))))
            else:
                break
        if self._known:
            self.until = monotonic() + TO_ASK

    def _answer(self, said: Message) -> Message:
        if not self._known:
            refused = why_refused(said, self._token)
            self._known, self._leaving = refused is None, refused is not None
            return self._greeting() if refused is None else {"error": refused}
        answer = self._answers.get(str(said.get("ask")))
        if answer is None:
            return {"error": f"this process does not know what {said.get('ask')!r} is"}
        try:
            return answer(said)
        except SignalError as error:
            return {"error": str(error)}
        except Exception as error:  # noqa: BLE001 - the watcher is told, and the process goes on.
            _LOG.exception("A watcher that asked for %r got no answer.", said.get("ask"))
            return {"error": f"it failed with {type(error).__name__}, as the log says"}
