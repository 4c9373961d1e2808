"""psygnal, by its fastest way of sending: `SignalInstance.emit_fast`."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from psygnal import SignalInstance
from psygnal.utils import monitor_events

from benchmarks.engines import SENDER, Loop
from benchmarks.harness import Work
from benchmarks.peers.senderless import Senderless
from benchmarks.receivers import ExactMethodOwner

if TYPE_CHECKING:
    from collections.abc import Iterable


class Psygnal(Senderless):
    """Arguments go by position, functions are held strongly, and nothing is collected."""

    name = "psygnal"

    def new_method_owner(self) -> ExactMethodOwner:
        """Return an object whose method is held weakly."""
        return ExactMethodOwner()

    def sending(self, keywords: int = 1, *, sender: object = SENDER) -> Loop:
        """Return a loop that passes the sender and the values by position."""
        signal = self._signal(keywords)

        def none(items: Iterable[object]) -> None:
            for _ in items:
                signal.emit_fast(sender)

        def one(items: Iterable[object]) -> None:
            for _ in items:
                signal.emit_fast(sender, 1)

        def three(items: Iterable[object]) -> None:
            for _ in items:
                signal.emit_fast(sender, 1, 2, 3)

        return {0: none, 1: one, 3: three}[keywords]

    def sending_watched(self) -> Loop:
        """Return a loop of sends that a monitor counts: `SignalInstance.emit`, which tells it."""
        signal = self._signal(1)
        count = 0

        def monitor(_: object) -> None:
            nonlocal count
            count += 1

        def loop(items: Iterable[object]) -> None:
            with monitor_events(logger=monitor):
                for _ in items:
                    signal.emit(SENDER, 1)

        return loop

    def _signal(self, keywords: int) -> Any:
        signal: Any = SignalInstance((object,) * (1 + keywords))
        for receiver in self.heard_by:
            signal.connect(receiver)
        return signal


def two_sends_and_a_clock() -> Work:
    """Return a piece of work with two signals, by hand, of which one receiver hears the end."""
    started, finished = (SignalInstance((object,) * several) for several in (2, 3))

    def hear_end(sender: object, path: str, duration: float) -> None:
        """Receive the end of a piece of work."""

    finished.connect(hear_end, check_nargs=False)

    def run(items: Iterable[object]) -> None:
        for _ in items:
            started.emit_fast(SENDER, "a")
            begun = perf_counter()
            finished.emit_fast(SENDER, "a", perf_counter() - begun)

    return Work(run, alive=hear_end)


ENGINE = Psygnal
