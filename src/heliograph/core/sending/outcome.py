"""Outcome: the values of the receivers, and their errors, which wait until all were called."""

from __future__ import annotations

from heliograph.core.claims import told
from heliograph.core.describe import name_of, title_of
from heliograph.core.failures import leaves_at_once, log, log_aside, note, raise_kept
from heliograph.core.lock import under_lock
from heliograph.core.mistakes import hints
from heliograph.core.observing.wishes import TELLERS, Watchers
from heliograph.core.sending.turns import payload_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from heliograph.core.connections.connection import Connection
    from heliograph.core.sending.snapshot import Snapshot
    from heliograph.core.sending.turns import Turn

    Receiver = Callable[..., Any]
    Results = list[tuple[Receiver, Any]]


class Outcome:
    """The outcome of one send so far. It is entered while receivers are called.

    Attributes:
        signal: The signal.
        sender: The sender.
        payload: The payload.
        results: Pairs of receiver and value.
        failures: The errors that receivers raised, with the receivers.
        at_work: The turn of the receiver that is running, until its outcome is known.
        error: An error from before this was entered, or None.
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
        """Log the errors that are not raised, if something else is being raised."""
        if left_by is None:
            return
        message = "A receiver of %s failed, but %s came before its error could be raised."
        failures, self.failures = self.failures, []
        for error, _ in failures:
            log_aside(error, message, title_of(self.signal), type(left_by).__name__)

    def settle(self) -> None:
        """Keep or log the error from before this was entered, if there is one.

        Raises:
            BaseException: The error itself, if it ends the send at once.
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
        """Note which receiver is called next."""
        self.at_work = turn

    def end(self, value: object, error: BaseException | None) -> None:  # noqa: ARG002 - subclasses note it.
        """Note the outcome of the call."""
        self.at_work = None

    def returned(self, value: object) -> None:
        """Keep the value that the running receiver has returned."""
        _, receiver = self._turn()
        self.results.append((receiver, value))
        self.end(value, None)

    def failed(self, error: Exception) -> None:
        """Log the error of the running receiver, or keep it until all receivers were called.

        Raises:
            Exception: The error itself, if it ends the send at once.
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
        turn: Any = self.at_work  # A receiver returns or fails only in its turn.
        return turn  # type: ignore[no-any-return]  # There is one.

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
        whose = _whose(connection, receiver)
        note(error, _delivering(self.signal, whose))
        if isinstance(error, TypeError):
            _hint(error, receiver, self.sender, payload_for(connection, self.payload))
        self.failures.append((error, whose))

    def result(self) -> Results:
        """Return the results, or raise the errors of the receivers."""
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
        """Log the other errors if only the first one is raised."""
        (first, _), *others = failures
        message = "%s failed when %s was delivered to it; the error of an earlier one is raised."
        for error, whose in others:
            note(first, f"and {whose}, raised {type(error).__name__}: see the log of 'heliograph'")
            log_aside(error, message, whose, title_of(self.signal))


def outcome_of(
    signal: Any,
    sender: Any,
    payload: dict[str, Any],
    *,
    muted: bool,
    wrapping: bool | None,
    origin: str | None = None,
    envelopes: tuple[str, ...] = (),
) -> Outcome:
    """Return the object that collects the outcome; with an instrument, one that notes it."""
    if signal._registry.watchers and not (TELLERS and Watchers.watching.is_telling()):
        return Watchers.watching.outcome(
            signal,
            sender,
            payload,
            muted=muted,
            wrapping=wrapping,
            origin=origin,
            envelopes=envelopes,
        )
    return Outcome(signal, sender, payload)


def is_raised(
    signal: Any,
    sender: Any,
    payload: dict[str, Any],
    snapshot: Snapshot,
    position: int,
    receiver: Receiver | None,
    error: Exception,
) -> bool:
    """Tell whether an error is raised right away, as nobody is called after its receiver.

    If so, it has the notes that `Outcome` would add, and the caller raises it. Otherwise nothing
    has been done: an `Outcome` sees to it.

    Args:
        signal: The signal.
        sender: The sender.
        payload: The payload.
        snapshot: The snapshot that the send uses.
        position: How many receivers it has called before.
        receiver: The receiver that raised the error, or None if it has died in the meantime.
            No other one has failed in this send.
        error: The error.
    """
    if receiver is None or position + 1 != len(snapshot.connections):
        return False  # Who has died is left out.
    connection = snapshot.connections[position]  # If it is shared, the others have its options.
    if connection.on_error == "log":
        return False
    if not leaves_at_once(error):
        note(error, _last_note(signal, snapshot, connection, receiver))
        if isinstance(error, TypeError):
            _hint(error, receiver, sender, payload_for(connection, payload))
    return True


def _last_note(signal: Any, snapshot: Snapshot, connection: Connection, receiver: Receiver) -> str:
    name = told(signal, "name")
    known = snapshot.last_failed
    if known is not None and known[0] is name:
        return known[1]
    text = _delivering(signal, _whose(connection, receiver))
    if name is None or type(name) is str:
        snapshot.last_failed = name, text
    return text


def _whose(connection: Connection | None, receiver: Receiver) -> str:
    location = f", connected at {connection.location}" if connection is not None else ""
    return f"{name_of(receiver)}{location}"


def _delivering(signal: Any, whose: str) -> str:
    return f"while {title_of(signal)} was delivered to {whose}"


def _hint(error: TypeError, receiver: Receiver, sender: Any, payload: dict[str, Any]) -> None:
    for hint in hints(error, receiver, sender, payload):
        note(error, hint)
