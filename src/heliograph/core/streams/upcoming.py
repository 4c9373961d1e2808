"""Next: waits in a task for one emission, and then hears no more."""

from __future__ import annotations

import sys
from collections.abc import Coroutine
from functools import partial

from heliograph.core.callables import OWN_RECEIVERS
from heliograph.core.connections.options import listening
from heliograph.core.describe import title_of
from heliograph.core.failures import raise_kept
from heliograph.core.identity import ANY, unwrapped
from heliograph.core.observing.watching import current_emission
from heliograph.core.showing import shown
from heliograph.core.source import call_site
from heliograph.core.streams.blocking import FOR_EVER, Patience, loop_here, rest, wake_task
from heliograph.core.streams.inbox import disconnect
from heliograph.core.streams.wanted import chosen, ended, predicate, which

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable, Generator
    from typing import Any

    from heliograph.core.connections.connection import Connection
    from heliograph.core.observing.emission import Emission
    from heliograph.core.streams.wanted import Wanted

_NEXT = "Signal.next"


class Arrival:
    """What a `Next` connects: it receives one emission, and wakes the one task that waits for it.

    An `Inbox` for one emission and one reader, in a fraction of the time: it needs no lock, as
    whoever comes second finds that there is something, or replaces what nobody has read.
    """

    # Listed among the receivers of its signal, it is a stream for one emission.
    __module__ = "heliograph"
    __qualname__ = "Stream"

    __slots__ = (
        "__weakref__",
        "closed",
        "connection",
        "found",
        "matches",
        "sender",
        "signal",
        "woken",
    )

    signal: Any
    # Held here, as the connection ends when the sender dies, and the task would wait for ever.
    sender: object
    matches: Callable[[Emission], object] | None
    connection: Connection | None
    # The emission, or the error of what chooses.
    found: Emission | Exception | None
    # What the task waits for.
    woken: Future[bool] | None
    closed: bool

    def __call__(self, sender: Any, /, **payload: Any) -> None:
        """Receive an emission."""
        try:
            if self.found is None and not self.closed:
                seen = current_emission(self.signal, sender, payload)
                self.found = seen if self.matches is None else chosen(self.matches, seen)
        finally:  # Also if a signal handler raises in between.
            if self.woken is not None:
                self.wake()

    @shown
    def __repr__(self) -> str:
        title = f"{title_of(self.signal)}{', closed' if self.closed else ''}"
        return f"<Stream of {title}: {int(self.found is not None)} to read, 0 lost>"

    def something(self) -> bool:
        """Tell whether the task should look now; it asks before it waits, so it misses nothing."""
        return self.found is not None or self.closed

    def wake(self) -> None:
        """Wake the task if it waits, and there is something."""
        woken = self.woken
        if woken is not None and self.something() and not woken.done():
            wake_task(woken.get_loop(), woken)

    def close(self) -> None:
        """Receive nothing more, and wake the task."""
        if self.closed:
            return
        try:
            disconnect(self)
        except BaseException:
            # Once more, if a signal handler came in between.
            disconnect(self)
            raise
        finally:
            self.closed = True
            self.wake()


OWN_RECEIVERS[Arrival] = "heliograph.Stream object"


class _Wait:
    """Hears no more when nobody refers to it: neither a `Next`, nor what runs of it."""

    __slots__ = ("arrival",)

    def __init__(self, arrival: Arrival) -> None:
        self.arrival: Arrival = arrival

    def __del__(self, ending: Callable[[], bool] = sys.is_finalizing) -> None:
        # As that of `Stream`.
        arrival = getattr(self, "arrival", None)
        if arrival is None or arrival.closed or ending():
            return
        arrival.close()


class Next(Coroutine["Any", "Any", "Emission"]):
    """What `Signal.next` returns: a coroutine that hears no more, even if it never begins.

    A plain coroutine runs no line if its task is cancelled before it begins. A program that
    keeps the task then keeps the coroutine's arguments, through the traceback of the error.
    """

    __slots__ = ("_arrival", "_coroutine")

    __name__ = _NEXT  # The repr of a task shows it.

    def __init__(self, wait: _Wait, timeout: float | None) -> None:
        self._arrival = wait.arrival
        self._coroutine = _next(wait, timeout)

    def send(self, value: Any, /) -> Any:
        """Continue, as `coroutine.send`."""
        return self._coroutine.send(value)

    def throw(self, *error: Any) -> Any:
        """Raise an error inside, as `coroutine.throw`, and hear no more."""
        try:
            return self._coroutine.throw(*error)
        finally:
            self._arrival.close()

    def close(self) -> None:
        """Close the coroutine and hear no more, whether it has begun or not."""
        self._coroutine.close()
        self._arrival.close()

    @shown
    def __repr__(self) -> str:
        state = ", over" if self._arrival.closed else ""
        return f"<Next emission of {title_of(self._arrival.signal)}{state}>"

    def __await__(self) -> Generator[Any, Any, Emission]:
        return self._coroutine.__await__()


# A `timeout` as for threads: waiting for one emission should not need a block around it.
async def _next(wait: _Wait, timeout: float | None) -> Emission:  # noqa: ASYNC109 - above.
    arrival = wait.arrival
    try:
        patience = FOR_EVER
        if timeout is not None:
            text = partial(which, arrival.signal, arrival.sender, arrival.matches)
            patience = Patience(timeout, text)
        while (found := arrival.found) is None:
            if arrival.closed:
                raise ended(arrival.signal)
            loop = loop_here()
            arrival.woken = woken = loop.create_future()
            if not arrival.something():
                await (woken if patience is FOR_EVER else rest(loop, woken, patience))
        arrival.found = None
        if not isinstance(found, Exception):
            return found
        error = found
        del found
        try:
            raise_kept(error)
        finally:
            del error  # It must not refer to itself through its traceback's frames.
    finally:
        arrival.woken = None
        arrival.close()


# Python shows this name when it warns that a coroutine was never awaited.
_next.__qualname__ = _NEXT


def upcoming(signal: Any, sender: object, matching: Wanted | None, timeout: float | None) -> Next:
    """Return the wait for the next emission, which listens from now on."""
    arrival = Arrival()
    arrival.signal = signal
    arrival.matches = None if matching is None else predicate(matching)
    arrival.sender = sender = sender if sender is ANY else unwrapped(sender)
    arrival.connection = arrival.found = arrival.woken = None
    arrival.closed = False
    # First, so that nothing stays connected if a signal handler comes in between.
    wait = _Wait(arrival)
    arrival.connection = signal._listen(arrival, sender, listening(call_site(2)))
    return Next(wait, timeout)
