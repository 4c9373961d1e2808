"""Calls receivers, sync and async, and settles their errors; what several become, signals say."""

from __future__ import annotations

from time import perf_counter

from heliograph.core.callables import coroutine_function, is_async
from heliograph.core.describe import name_of, title_of
from heliograph.core.errors import AsyncReceiverError
from heliograph.core.failures import leaves_at_once, log, log_aside, note, raise_kept
from heliograph.core.mistakes import hints, misspelt_wrappers, wrapped
from heliograph.core.observing.emission import PLACE, Emission, delivery
from heliograph.core.observing.instruments import TELLERS, is_telling
from heliograph.core.observing.nesting import enter
from heliograph.core.observing.watching import begin_watching, end_watching
from heliograph.core.sending.lookup import still_connected, unshared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from heliograph.core.connections.connection import Connection
    from heliograph.core.connections.registry import Registry
    from heliograph.core.observing.nesting import Place
    from heliograph.core.sending.snapshot import Snapshot
    from heliograph.core.signal import Signal

    Receiver = Callable[..., Any]
    Results = list[tuple[Receiver, Any]]
    # A connection with its receiver to be looked up when its turn comes, or a receiver that
    # an overridden `receivers_for` gave, with the connection that it has, if any.
    Step = tuple[Connection | None, Receiver | None]


class Sending:
    """One act of sending under way: whose turn it is, and what came of the turns so far."""

    __slots__ = (
        "clock",
        "emission",
        "error",
        "failures",
        "given",
        "muted",
        "newest",
        "payload",
        "place",
        "registry",
        "results",
        "sender",
        "signal",
        "steps",
        "turn",
        "version",
        "watched",
    )

    def __init__(
        self,
        signal: Signal[...],
        registry: Registry,
        sender: Any,
        payload: dict[str, Any],
        steps: Sequence[Step],
        *,
        version: int,
        newest: int = 0,
        muted: bool = False,
    ) -> None:
        self.signal: Signal[...] = signal
        self.registry: Registry = registry
        self.sender: Any = sender
        self.payload: dict[str, Any] = payload
        # To the receiver whose turn it is: without what was declared after it was written.
        self.given: dict[str, Any] = payload
        self.steps: Sequence[Step] = steps
        self.newest: int = newest
        self.version: int = version
        self.results: Results = []
        # What was raised, and by whom.
        self.failures: list[tuple[Exception, str]] = []
        self.error: BaseException | None = None
        self.clock: float = 0.0
        self.muted: bool = muted
        self.watched: bool = True
        self.turn: tuple[Connection | None, Receiver] | None = None
        self.emission: Emission | None = None
        self.place: Place | None = None

    def resume(
        self,
        results: Results,
        error: BaseException | None,
        turn: tuple[Connection | None, Receiver] | None,
        clock: float,
        place: Place | None,
    ) -> None:
        """Take over from a send that was plain until now, because of an error or a change.

        Args:
            results: What it has got so far.
            error: What came instead of the last one, or None.
            turn: Whose turn it was then. None if that receiver was dead; in a send that is
                watched, if the error is no receiver's.
            clock: When it began.
            place: Where the send is watched, or None.
        """
        self.watched = False
        self.results = results
        self.error = error
        self.turn = turn
        self.clock = clock
        if place is not None:
            self.place = place
            self.emission = place.work

    def settle(self) -> None:
        """Settle the error that was taken over, if there is one.

        Raises:
            BaseException: The error itself, if it has to leave at once.
        """
        error, self.error = self.error, None
        try:
            if error is None or (self.turn is None and self.place is None):
                return
            if self.turn is None or not isinstance(error, Exception):
                raise_kept(error)
            connection, receiver = self.turn
            self.failed(connection, receiver, error)
        finally:
            error = None  # An error must not refer to itself through its traceback's frames.

    def __enter__(self) -> None:
        watchers = self.registry.watchers
        if self.watched and watchers and not (TELLERS and is_telling()):
            signal, sender, payload = self.signal, self.sender, self.payload
            self.place = begin_watching(watchers, signal, sender, payload, muted=self.muted)
            self.emission = self.place.work
            enter(PLACE, self.place)

    def __exit__(self, _: object, left_by: BaseException | None, __: object) -> None:
        if self.place is not None:
            self.place.work = None
        if left_by is not None:
            self._leave(left_by)
        if self.place is not None and self.emission is not None:
            # An error must not refer to itself through its traceback's frames, which hold this.
            seen, self.emission = self.emission, None
            end_watching(self.place, seen)

    def _leave(self, left_by: BaseException) -> None:
        """Let no error get lost that was to be raised in the end."""
        if self.turn is not None and self.emission is not None:
            connection, receiver = self.turn
            took = perf_counter() - self.clock
            left = delivery(receiver, connection, took, None, left_by)
            self.emission._deliveries.append(left)
        message = "A receiver of %s failed, but %s came before its error could be raised."
        for error, _ in self.failures:
            log_aside(error, message, title_of(self.signal), type(left_by).__name__)

    def due(self) -> Iterator[tuple[Connection | None, Receiver]]:
        """Give each receiver when its turn comes, leaving out those that went meanwhile."""
        gone_unless = None
        for connection, given in self.steps:
            receiver = given
            if connection is not None:
                if self.registry.version != self.version:
                    self.version = self.registry.version
                    gone_unless = still_connected(self.registry, self.sender, self.newest)
                if gone_unless is not None and connection._receiver_ref not in gone_unless:
                    continue
                receiver = receiver or connection.receiver
            if receiver is not None:
                omitted = connection is not None and connection._receiver_ref.omitted
                self.given = self._without(omitted) if omitted else self.payload
                self.clock = perf_counter()
                self.turn = connection, receiver
                yield self.turn

    def _without(self, omitted: frozenset[str]) -> dict[str, Any]:
        return {name: value for name, value in self.payload.items() if name not in omitted}

    def refuse_async(self) -> None:
        """Make sure that every receiver can be called without awaiting.

        Raises:
            AsyncReceiverError: If one cannot.
        """
        for connection, given in self.steps:
            receiver = given or (connection and connection.receiver)
            if receiver is not None and needs_await(connection, receiver):
                msg = (
                    f"{title_of(self.signal)} has an async receiver, {name_of(receiver)}. "
                    "Send it with `await signal.send_async(...)`, give `send` an "
                    "_async_wrapper, or connect a plain function. No receiver was called."
                )
                raise AsyncReceiverError(" ".join([msg, *misspelt_wrappers(self.payload)]))

    def delivered(self, connection: Connection | None, receiver: Receiver, value: object) -> None:
        """Note what a receiver returned."""
        self.turn = None
        self.results.append((receiver, value))
        if self.emission is not None:
            took = perf_counter() - self.clock
            self.emission._deliveries.append(delivery(receiver, connection, took, value))

    def failed(self, connection: Connection | None, receiver: Receiver, error: Exception) -> None:
        """Log what a receiver raised, or keep it until all have been called.

        Raises:
            Exception: The error itself, if it has to leave at once.
        """
        if leaves_at_once(error):
            raise_kept(error)
        self.turn = None
        if self.emission is not None:
            took = perf_counter() - self.clock
            failed = delivery(receiver, connection, took, None, error)
            self.emission._deliveries.append(failed)
        if connection is not None and connection.on_error == "log":
            self.registry.count_failure(connection)
            log(
                error,
                "%s failed when %s was delivered to it. "
                "It was connected with on_error='log' at %s.",
                connection.name,
                title_of(self.signal),
                connection.location,
            )
            return
        where = f", connected at {connection.location}" if connection is not None else ""
        whose = f"{name_of(receiver)}{where}"
        note(error, f"while {title_of(self.signal)} was delivered to {whose}")
        if isinstance(error, TypeError):
            for hint in hints(error, receiver, self.sender, self.given):
                note(error, hint)
        self.failures.append((error, whose))

    def outcome(self) -> Results:
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


def rest_of(
    signal: Signal[...],
    sender: Any,
    payload: dict[str, Any],
    snapshot: Snapshot,
    position: int,
    results: Results,
    version: int,
    failure: BaseException | None,
    receiver: Receiver | None,
    clock: float = 0.0,
    place: Place | None = None,
) -> Sending:
    """Return what goes on with a send that was plain until an error or a change came.

    It does so from a position on: at that one a call has failed, if there is a failure.
    """
    registry = signal._registry
    snapshot = unshared(registry, snapshot, sender)
    after = position if failure is None else position + 1
    steps: list[Step] = [(left, None) for left in snapshot.connections[after:]]
    turn = None
    if failure is not None and receiver is not None:
        turn = snapshot.connections[position], receiver
    sending = Sending(
        signal, registry, sender, payload, steps, version=version, newest=snapshot.newest
    )
    sending.resume(results, failure, turn, clock, place)
    return sending


def needs_await(connection: Connection | None, receiver: Receiver) -> bool:
    """Tell whether a receiver is async, which is known already if it is connected."""
    return is_async(receiver) if connection is None else connection.is_async


def deliver(sending: Sending, async_wrapper: Callable[[Receiver], Receiver] | None) -> Results:
    """Call everybody whose turn comes, then return their values or raise their errors."""
    if async_wrapper is None:
        sending.refuse_async()
    with sending:
        sending.settle()
        for connection, receiver in sending.due():
            try:
                call = receiver
                if async_wrapper is not None and needs_await(connection, receiver):
                    function = coroutine_function(receiver)
                    call = wrapped(async_wrapper, function, "_async_wrapper")
                value = call(sending.sender, **sending.given)
            except Exception as error:  # noqa: BLE001 - kept until all have been called.
                sending.failed(connection, receiver, error)
            else:
                sending.delivered(connection, receiver, value)
    return sending.outcome()


async def deliver_async(
    sending: Sending,
    sync_wrapper: Callable[[Receiver], Receiver] | None,
    *,
    to_the_end: bool = False,
) -> Results:
    """Await or call everybody whose turn comes, one after the other, as `deliver` does.

    Cancellation leaves at once; *to_the_end*, only when those have been called who need no waiting.
    """
    with sending:
        sending.settle()
        turns = sending.due()
        for connection, receiver in turns:
            try:
                inline = connection is not None and connection.inline
                if sync_wrapper is None or inline or needs_await(connection, receiver):
                    value = receiver(sending.sender, **sending.given)
                else:
                    call = wrapped(sync_wrapper, receiver, "_sync_wrapper")
                    value = await call(sending.sender, **sending.given)
                # Also what a plain function returned, in place or through the wrapper.
                if value is not None and hasattr(type(value), "__await__"):
                    value = await value
            except Exception as error:  # noqa: BLE001 - kept until all have been called.
                sending.failed(connection, receiver, error)
            except BaseException:
                if to_the_end:
                    _call_plain(sending, turns)
                raise
            else:
                sending.delivered(connection, receiver, value)
    return sending.outcome()


def _call_plain(sending: Sending, turns: Iterator[tuple[Connection | None, Receiver]]) -> None:
    """Call those of the others who need no waiting, while an interruption is on its way."""
    interrupted = sending.turn
    for connection, receiver in turns:
        if not needs_await(connection, receiver):
            try:
                value = receiver(sending.sender, **sending.given)
            except Exception as error:  # noqa: BLE001 - logged when the send is left.
                sending.failed(connection, receiver, error)
            else:
                sending.delivered(connection, receiver, value)
    sending.turn = interrupted
