"""What came of a send: the values of its receivers, and their errors, which wait for the others."""

from __future__ import annotations

from heliograph.core.describe import name_of, title_of
from heliograph.core.failures import leaves_at_once, log, log_aside, note, raise_kept
from heliograph.core.lock import under_lock
from heliograph.core.mistakes import hints
from heliograph.core.sending.turns import payload_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from heliograph.core.connections.connection import Connection
    from heliograph.core.sending.turns import Turn

    Receiver = Callable[..., Any]
    Results = list[tuple[Receiver, Any]]


class Outcome:
    """What came of one send so far. It is entered while receivers are called.

    Attributes:
        signal: What is sent.
        sender: Who sends it.
        payload: With what.
        results: Pairs of receiver and value.
        failures: What was raised, and by whom.
        at_work: Whose turn it is, until it is known what came of that.
        error: What came of it already, before this was entered; or None.
    """

    __slots__ = ("at_work", "error", "failures", "payload", "results", "sender", "signal")

    def __init__(self, signal: Any, sender: Any, payload: dict[str, Any]) -> None:
        self.signal: Any = signal
        self.sender: Any = sender
        self.payload: dict[str, Any] = payload
        self.results: Results = []
        self.failures: list[tuple[Exception, str]] = []
        self.at_work: Turn | None = None
        self.error: BaseException | None = None

    def __enter__(self) -> None:
        """Begin to call receivers."""

    def __exit__(self, _: object, left_by: BaseException | None, __: object) -> None:
        """Let no error get lost that was to be raised in the end."""
        if left_by is None:
            return
        message = "A receiver of %s failed, but %s came before its error could be raised."
        for error, _ in self.failures:
            log_aside(error, message, title_of(self.signal), type(left_by).__name__)

    def settle(self) -> None:
        """Settle the error that was there before this was entered, if there is one.

        Raises:
            BaseException: The error itself, if it has to leave at once.
        """
        error, self.error = self.error, None
        try:
            if error is None:
                return
            if self.at_work is None or not isinstance(error, Exception):
                raise_kept(error)
            self.failed(error)
        finally:
            error = None  # An error must not refer to itself through its traceback's frames.

    def begin(self, turn: Turn) -> None:
        """Note whose turn it is."""
        self.at_work = turn

    def end(self, value: object, error: BaseException | None) -> None:  # noqa: ARG002 - some note it.
        """Note what came of the turn."""
        self.at_work = None

    def returned(self, value: object) -> None:
        """Keep what the receiver at work returned."""
        _, receiver = self._turn()
        self.results.append((receiver, value))
        self.end(value, None)

    def failed(self, error: Exception) -> None:
        """Log what the receiver at work raised, or keep it until all have been called.

        Raises:
            Exception: The error itself, if it has to leave at once.
        """
        if leaves_at_once(error):
            raise_kept(error)
        connection, receiver = self._turn()
        self.end(None, error)
        if connection is not None and connection.on_error == "log":
            self._log(connection, error)
        else:
            self._keep(connection, receiver, error)

    def _turn(self) -> Turn:
        turn: Any = self.at_work  # Nobody returns or fails whose turn it is not.
        return turn  # type: ignore[no-any-return]

    def _log(self, connection: Connection, error: Exception) -> None:
        under_lock(connection._receiver_ref.count_failure)
        log(
            error,
            "%s failed when %s was delivered to it. It was connected with on_error='log' at %s.",
            connection.name,
            title_of(self.signal),
            connection.location,
        )

    def _keep(self, connection: Connection | None, receiver: Receiver, error: Exception) -> None:
        location = f", connected at {connection.location}" if connection is not None else ""
        whose = f"{name_of(receiver)}{location}"
        note(error, f"while {title_of(self.signal)} was delivered to {whose}")
        if isinstance(error, TypeError):
            given = payload_for(connection, self.payload)
            for hint in hints(error, receiver, self.sender, given):
                note(error, hint)
        self.failures.append((error, whose))

    def result(self) -> Results:
        """Return the results, or raise what the receivers raised."""
        if not self.failures:
            return self.results
        failures, self.failures = self.failures, []
        errors = [error for error, _ in failures]
        raised = errors[0] if len(errors) == 1 else self.signal._several_failed(errors)
        try:
            if raised is not errors[0]:
                raise raised
            self._tell_of_others(failures)
            raise_kept(raised)
        finally:
            # An error must not refer to itself through its traceback's frames.
            del failures, errors, raised

    def _tell_of_others(self, failures: list[tuple[Exception, str]]) -> None:
        """Let no error get lost where the first one is raised alone."""
        (first, _), *others = failures
        message = "%s failed when %s was delivered to it; the error of an earlier one is raised."
        for error, whose in others:
            note(first, f"and {whose}, raised {type(error).__name__}: see the log of 'heliograph'")
            log_aside(error, message, whose, title_of(self.signal))
