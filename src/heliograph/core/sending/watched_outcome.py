"""The outcome of a watched send: notes deliveries, and calls instruments at the end."""

from __future__ import annotations

from time import perf_counter

from heliograph.core.observing.emission import PLACE
from heliograph.core.observing.nesting import enter
from heliograph.core.observing.watching import begin_watching, end_watching
from heliograph.core.sending.outcome import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from heliograph.core.observing.emission import Emission
    from heliograph.core.observing.nesting import Place
    from heliograph.core.sending.turns import Turn


class WatchedOutcome(Outcome):
    """The outcome of a send, noted in its emission.

    Attributes:
        muted: Whether no receiver is called because the signal is muted.
        origin: Which other process has sent it.
        envelopes: In which envelopes it travels between processes.
        wrapping: Whether an async send was given a wrapper; None for one that is not async.
        place: The place of the watched send, once it has begun.
        clock: When the running receiver began.
    """

    __slots__ = ("clock", "emission", "envelopes", "muted", "origin", "place", "wrapping")

    def __init__(
        self,
        signal: Any,
        sender: Any,
        payload: dict[str, Any],
        *,
        muted: bool = False,
        wrapping: bool | None = None,
        origin: str | None = None,
        envelopes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(signal, sender, payload)
        self.origin: str | None = origin
        self.envelopes: tuple[str, ...] = envelopes
        self.wrapping: bool | None = wrapping
        self.muted: bool = muted
        self.place: Place | None = None
        self.emission: Emission | None = None
        self.clock: float = 0.0

    def go_on(self, place: Place, clock: float) -> None:
        """Continue to watch a send that is being watched."""
        self.place = place
        self.emission = place.work
        self.clock = clock

    def __enter__(self) -> None:
        """Begin to watch and to call receivers."""
        if self.place is None:
            self.place = begin_watching(
                self.signal._registry.watchers,
                self.signal,
                self.sender,
                self.payload,
                self.muted,
                self.origin,
                self.envelopes,
            )
            self.emission = self.place.work
            if self.wrapping is not None:
                self.place.work._wrapping = self.wrapping
            enter(PLACE, self.place)

    def __exit__(self, kind: object, left_by: BaseException | None, traceback: object) -> None:
        """Call the instruments."""
        place: Any = self.place
        place.work = None
        if left_by is not None:
            if self.at_work is not None:
                self.end(None, left_by)
            super().__exit__(kind, left_by, traceback)
        # An error must not refer to itself through its traceback's frames, which hold this.
        seen, self.emission = self.emission, None
        if seen is not None:
            end_watching(place, seen)

    def begin(self, turn: Turn) -> None:
        """Note which receiver is called next, and when it began."""
        self.clock = perf_counter()
        self.at_work = turn

    def end(self, value: object, error: BaseException | None) -> None:
        """Note the outcome of the call, and how long it took."""
        took = perf_counter() - self.clock
        connection, receiver = self._turn()
        self.at_work = None
        if self.emission is not None:
            note = receiver, connection, took, value, error
            self.emission._deliveries.append(note)
