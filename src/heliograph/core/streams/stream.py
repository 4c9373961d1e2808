"""Stream: the emissions of a signal from now on, for reading one by one."""

from __future__ import annotations

import sys
from collections.abc import Coroutine

from heliograph.core.connections.dead import is_at_once
from heliograph.core.connections.options import DEFAULTS, Options
from heliograph.core.describe import describe_sender, short_repr, title_of
from heliograph.core.errors import ArgumentError, StateError
from heliograph.core.identity import ANY, unwrapped
from heliograph.core.mistakes import warn_of_unused
from heliograph.core.showing import shown
from heliograph.core.source import call_site
from heliograph.core.streams.blocking import FOR_EVER, Patience, pause, pause_task, refuse_loop
from heliograph.core.streams.inbox import Inbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from typing import Any, Self

    from heliograph.core.observing.emission import Emission
    from heliograph.core.source import CallSite

    Wanted = Callable[[Emission], object] | Mapping[str, object]

# When a reader wakes up, the other receivers should have finished. And `inline`, so that a
# `_sync_wrapper` does not call a stream in another thread.
_LISTENING = tuple({**DEFAULTS, "priority": -sys.maxsize, "inline": True}.values())


_NEXT = "Signal.next"

_new: Any = tuple.__new__


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
                raise self._ended()
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
                raise self._ended()
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
        of_sender = "" if self._sender is ANY else f" from {describe_sender(self._sender)}"
        chosen = "" if self._inbox.matches is None else " that `matching` accepts"
        return f"of {title_of(self._inbox.signal)}{of_sender}{chosen}"

    def _ended(self) -> StateError:
        title = title_of(self._inbox.signal)
        return StateError(f"The stream of {title} is closed and empty: make another one.")


class Next(Coroutine["Any", "Any", "Emission"]):
    """What `Signal.next` returns: a coroutine that closes its stream, even if it never begins.

    A plain coroutine runs no line if its task is cancelled before it begins. A program that
    keeps the task then keeps the coroutine's arguments, through the traceback of the error.
    """

    __slots__ = ("_coroutine", "_stream")

    __name__ = _NEXT  # The repr of a task shows it.

    def __init__(self, stream: Stream, timeout: float | None) -> None:
        stream._unused = None  # Python warns of coroutines itself.
        self._stream = stream
        self._coroutine = _next(stream, timeout)

    def send(self, value: Any, /) -> Any:
        """Continue, as `coroutine.send`."""
        return self._coroutine.send(value)

    def throw(self, *error: Any) -> Any:
        """Raise an error inside, as `coroutine.throw`, and close the stream."""
        try:
            return self._coroutine.throw(*error)
        finally:
            self._stream.close()

    def close(self) -> None:
        """Close the coroutine and its stream, whether it has begun or not."""
        self._coroutine.close()
        self._stream.close()

    @shown
    def __repr__(self) -> str:
        state = ", over" if self._stream.closed else ""
        return f"<Next emission of {title_of(self._stream._inbox.signal)}{state}>"

    def __await__(self) -> Generator[Any, Any, Emission]:
        return self._coroutine.__await__()


async def _next(stream: Stream, timeout: float | None) -> Emission:  # noqa: ASYNC109 - as above.
    try:
        # As `Stream.next`: a coroutine around that of another would take as long again.
        inbox = stream._inbox
        patience = FOR_EVER if timeout is None else Patience(timeout, stream._which)
        while (emission := inbox.take()) is None:
            if inbox.closed:
                raise stream._ended()
            await pause_task(inbox, patience)
        return emission
    finally:
        stream.close()


# Python shows this name when it warns that a coroutine was never awaited.
_next.__qualname__ = _NEXT


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
    return listen_for_some(signal, sender, matching, size, when_full)


def listen_for_some(
    signal: Any, sender: object, matching: Wanted | None, size: int, when_full: Any
) -> Stream:
    """Return a stream as `listen` does, of which the last two arguments are known to be good."""
    inbox = Inbox(signal, None if matching is None else _predicate(matching), size, when_full)
    if sender is not ANY:
        sender = unwrapped(sender)
    # First, so that nothing stays connected if a signal handler comes in between.
    stream = Stream(inbox, sender)
    site = call_site()
    # Not unpacked, as concatenating takes half the time.
    options: Options = _new(Options, _LISTENING + (False, None, site))  # noqa: RUF005 - just told.
    made = signal._connect_with(inbox, sender, options)
    if made:  # A handler in the middle of a change is given nothing.
        [inbox.connection] = made
    stream._unused = site
    return stream


def _predicate(matching: Wanted) -> Callable[[Emission], object]:
    if callable(matching):
        return matching
    try:
        wanted = dict(matching)
    except (TypeError, ValueError):
        text = short_repr(matching)
        msg = f"matching={text} cannot choose emissions. Use a mapping or a function."
        raise ArgumentError(msg) from None
    return lambda emission: all(
        name in emission.payload and _is_equal(emission.payload[name], value)
        for name, value in wanted.items()
    )


def _is_equal(found: Any, wanted: Any) -> bool:
    """Tell whether two values are equal; values that cannot be compared are not."""
    if found is wanted:
        return True
    try:
        answer = found == wanted
        # Arrays compare each element, and an array of one element has a truth value.
        return bool(answer) and not hasattr(type(answer), "__len__")
    except Exception:  # noqa: BLE001 - the objects are the users', and comparing them may fail in any way.
        return False
