"""Continues a fast send after an error, or after a change of connections."""

from __future__ import annotations

from heliograph.core.failures import AT_ONCE
from heliograph.core.observing.wishes import Watchers
from heliograph.core.sending.delivering import deliver, deliver_async
from heliograph.core.sending.lookup import own_connections
from heliograph.core.sending.outcome import Outcome, is_raised
from heliograph.core.sending.turns import Turns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self

    from heliograph.core.observing.nesting import Place
    from heliograph.core.sending.snapshot import Snapshot
    from heliograph.core.sending.turns import Step

    Results = list[tuple[Callable[..., Any], Any]]


NOBODY: Any = ()
"""The results of a send that has not called a receiver yet."""


class Unfinished:
    """A send that has to go on: a receiver has failed, or connections have changed.

    The C part fills in the slots by their names.

    Attributes:
        signal: The signal.
        sender: The sender.
        payload: The payload.
        snapshot: The snapshot that it uses.
        version: The version of the registry when the snapshot was found.
        position: The index of the running receiver, or of the next one if none is running.
        results: Pairs of receiver and value, so far.
        receiver: The running receiver, or None.
        error: The error that it raised, or None.
        wrapper: The wrapper of receivers, or None.
        place: The place of the watched send, or None.
        clock: When the receiver began, if the send is watched.
    """

    __slots__ = (
        "clock",
        "error",
        "payload",
        "place",
        "position",
        "receiver",
        "results",
        "sender",
        "signal",
        "snapshot",
        "version",
        "wrapper",
    )

    def __init__(
        self,
        signal: Any,
        sender: Any,
        payload: dict[str, Any],
        snapshot: Snapshot,
        version: int,
        wrapper: Any,
        results: Results,
    ) -> None:
        self.signal: Any = signal
        self.sender: Any = sender
        self.payload: dict[str, Any] = payload
        self.snapshot: Snapshot = snapshot
        self.version: int = version
        self.wrapper: Any = wrapper
        self.results: Results = results
        self.place: Place | None = None
        self.position: int = len(results)

    def stopped(self, receiver: Any, errors: Any) -> Self:
        """Note the receiver that was called last, and its error; return this object.

        Args:
            receiver: The receiver that was called last.
            errors: A list with its error, or an empty list. The error is taken out, as it must
                not refer to itself through the frames of its traceback.
        """
        self.receiver: Any = receiver
        self.error: BaseException | None = errors.pop() if errors else None
        return self

    def watched(self, place: Place, clock: float, position: int) -> Self:
        """Note the place of the watched send, and how far it has got; return this object."""
        self.place = place
        self.clock: float = clock
        self.position = position
        return self


def was_called(receiver: Any, snapshot: Snapshot, results: Results) -> bool:
    """Tell whether the next receiver itself has failed, and not the code that calls it."""
    if receiver is NOBODY or len(results) == len(snapshot.receiver_refs):
        return False
    # It is the one before, if the next one could not be looked up.
    return not results or receiver is not results[-1][0]


def is_over(
    signal: Any,
    sender: Any,
    payload: dict[str, Any],
    snapshot: Snapshot,
    results: Results,
    receiver: Any,
    error: Exception,
) -> bool:
    """Tell whether an error ends a send now: nobody is called who was not called before it."""
    return (
        isinstance(error, AT_ONCE)
        or not was_called(receiver, snapshot, results)
        or is_raised(signal, sender, payload, snapshot, len(results), receiver, error)
    )


def finish(send: Unfinished) -> Results:
    """Do the rest of a send."""
    turns, outcome = _rest_of(send)
    return deliver(turns, outcome, send.wrapper)


async def finish_async(send: Unfinished) -> Results:
    """Do the rest of a send, as `finish` does."""
    turns, outcome = _rest_of(send)
    return await deliver_async(turns, outcome, send.wrapper)


def _rest_of(send: Unfinished) -> tuple[Turns, Outcome]:
    signal, sender, snapshot, after = send.signal, send.sender, send.snapshot, send.position
    registry = signal._registry
    connections = own_connections(registry, snapshot, sender)
    outcome = _outcome_so_far(send)
    if send.error is not None:
        if send.receiver is not None and was_called(send.receiver, snapshot, send.results):
            outcome.at_work = connections[after], send.receiver
        # Otherwise no receiver was left to be called, or the error is not a receiver's.
        if outcome.at_work is not None or send.place is not None:
            outcome.error = send.error
        send.error = None  # An error must not refer to itself through its traceback's frames.
        after += 1
    steps: list[Step] = [(connection, None) for connection in connections[after:]]
    return Turns(registry, sender, steps, send.version, snapshot.newest), outcome


def _outcome_so_far(send: Unfinished) -> Outcome:
    if send.place is None:
        outcome = Outcome(send.signal, send.sender, send.payload)
    else:
        outcome = watched = Watchers.watching.outcome(send.signal, send.sender, send.payload)
        watched.go_on(send.place, send.clock)
    outcome.results = send.results
    return outcome
