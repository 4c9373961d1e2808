"""Stream: the emissions of a signal from now on, for reading one by one."""

from __future__ import annotations

import sys

from heliograph.core.connections.dead import is_at_once
from heliograph.core.connections.options import listening
from heliograph.core.describe import short_repr, title_of
from heliograph.core.errors import ArgumentError
from heliograph.core.identity import ANY, unwrapped
from heliograph.core.mistakes import warn_of_unused
from heliograph.core.showing import shown
from heliograph.core.source import call_site
from heliograph.core.streams.blocking import FOR_EVER, Patience, pause, pause_task, refuse_loop
from heliograph.core.streams.inbox import Inbox
from heliograph.core.streams.wanted import ended, predicate, which

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self

    from heliograph.core.observing.emission import Emission
    from heliograph.core.source import CallSite
    from heliograph.core.streams.wanted import Wanted


class Stream:
    """The emissions of a signal from now on, for reading one by one; see `Signal.stream`.

    Asyncio tasks read it by ``async for`` or `next`, threads by `wait`. Several may read
    at once: each emission goes to one of them.
    """

    __slots__ = ("__weakref__", "_inbox", "_sender", "_unused")

    def __init__(self, inbox: Inbox, sender: object) -> None:
        # The place in the source that made it, until it is read, entered or closed.
        self._unused: CallSite | None = None
        self._inbox = inbox
        # Held here, as the connection ends when the sender dies, and readers would wait for ever.
        self._sender = sender

    # A `timeout` as for threads: waiting for one emission should not need a block around it.
    async def next(self, *, timeout: float | None = None) -> Emission:  # noqa: ASYNC109 - above.
        """Return the next emission, once there is one.

        Args:
            timeout: The most seconds to wait; None is for ever.

        Raises:
            TimeoutError: If no emission came in time.
            LostEmissionsError: If some were lost before the next one.
            StateError: If the stream is closed and empty, or if no asyncio loop runs here.
            ArgumentError: If *timeout* is not None and not a number of seconds from 0 on.
        """
        self._unused = None
        inbox = self._inbox
        patience = FOR_EVER if timeout is None else Patience(timeout, self._which)
        while (emission := inbox.take()) is None:
            if inbox.closed:
                raise ended(inbox.signal)
            await pause_task(inbox, patience)
        return emission

    def wait(self, *, timeout: float | None = None) -> Emission:
        """Block this thread until there is an emission, and return it.

        Args:
            timeout: The most seconds to wait; None is for ever.

        Raises:
            TimeoutError: If no emission came in time.
            LostEmissionsError: If some were lost before the next one.
            StateError: If the stream is closed and empty, or if an asyncio loop runs in
                this thread, which this would block.
            ArgumentError: If *timeout* is not None and not a number of seconds from 0 on.
        """
        self._unused = None
        refuse_loop()
        inbox = self._inbox
        patience = FOR_EVER if timeout is None else Patience(timeout, self._which)
        while (emission := inbox.take()) is None:
            if inbox.closed:
                raise ended(inbox.signal)
            pause(inbox, patience)
        return emission

    def close(self) -> None:
        """Receive nothing more. Emissions that came before can still be read."""
        self._unused = None
        self._inbox.close()

    async def aclose(self) -> None:
        """Close the stream as `close` does, for `contextlib.aclosing`."""
        self.close()

    @property
    def lost(self) -> int:
        """How many emissions were lost because too many were waiting to be read."""
        self._inbox.settle()
        return self._inbox.lost

    @property
    def closed(self) -> bool:
        """Whether the stream is closed: nothing more comes."""
        return self._inbox.closed

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Emission:
        self._unused = None
        inbox = self._inbox
        while (emission := inbox.take()) is None:
            if inbox.closed:
                raise StopAsyncIteration
            await pause_task(inbox, FOR_EVER)
        return emission

    def __enter__(self) -> Self:
        self._unused = None
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        self._unused = None
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def __del__(self, ending: Callable[[], bool] = sys.is_finalizing) -> None:
        # Without an inbox, making it was interrupted. When the interpreter ends, the names of
        # this module may be gone.
        inbox = getattr(self, "_inbox", None)
        if inbox is None or ending() or inbox.closed:
            return
        inbox.close()
        # Warn only if one statement made and dropped it: otherwise an error may have kept the
        # program from using it.
        unused = self._unused
        if unused is not None and is_at_once(unused, sys._getframe().f_back):
            warn_of_unused(f"A stream of {title_of(inbox.signal)}", unused)

    @shown
    def __repr__(self) -> str:
        return repr(self._inbox)

    def _which(self) -> str:
        """Return which emissions it waits for, as messages say it."""
        return which(self._inbox.signal, self._sender, self._inbox.matches)


def listen(
    signal: Any, sender: object, matching: Wanted | None, size: Any, when_full: Any
) -> Stream:
    """Return a stream that is connected to the signal.

    Raises:
        ArgumentError: If an argument has a value that it cannot have.
    """
    if not isinstance(size, int) or size < 1:
        msg = f"size={short_repr(size)} is not a number of emissions. Use an int of at least 1."
        raise ArgumentError(msg)
    if when_full not in ("raise", "drop_oldest"):
        msg = f"when_full={short_repr(when_full)} is not an option. Use 'raise' or 'drop_oldest'."
        raise ArgumentError(msg)
    matches = None if matching is None else predicate(matching)
    inbox = Inbox(signal, matches, size, when_full)
    if sender is not ANY:
        sender = unwrapped(sender)
    # First, so that nothing stays connected if a signal handler comes in between.
    stream = Stream(inbox, sender)
    site = call_site()
    inbox.connection = signal._listen(inbox, sender, listening(site))
    stream._unused = site
    return stream
