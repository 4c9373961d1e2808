"""Stream: the emissions of a signal from now on, to be read one by one."""

from __future__ import annotations

import sys
from collections.abc import Coroutine

from heliograph.core.connections.dead import is_at_once
from heliograph.core.connections.options import PLACE, terms
from heliograph.core.describe import describe_sender, title_of
from heliograph.core.errors import ArgumentError, StateError
from heliograph.core.identity import ANY, unwrapped
from heliograph.core.mistakes import warn_of_unused
from heliograph.core.showing import shown
from heliograph.core.streams.blocking import Patience, pause, pause_task, refuse_loop
from heliograph.core.streams.inbox import Inbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from typing import Any, Self

    from heliograph.core.observing.emission import Emission
    from heliograph.core.source import Place

    Wanted = Callable[[Emission], object] | Mapping[str, object]

# Whoever waits wants what the receivers did to be done.
_AFTER_ALL_OTHERS = -sys.maxsize


class Stream:
    """The emissions of a signal from now on, to be read one by one; see `Signal.stream`.

    It is read in tasks of asyncio, by ``async for`` or `next`, or in threads, by `wait`;
    in several at once, too: each emission goes to one of them.
    """

    __slots__ = ("__weakref__", "_inbox", "_sender", "_unused")

    def __init__(self, inbox: Inbox, sender: object) -> None:
        # The place that made it, until it is read, entered or closed.
        self._unused: Place | None = None
        self._inbox = inbox
        # The connection would end with its sender, and whoever waits would wait forever.
        self._sender = sender

    # As for threads: whoever asks for one emission should not need another block for it.
    async def next(self, *, timeout: float | None = None) -> Emission:  # noqa: ASYNC109 - above.
        """Return the next emission, once there is one.

        Args:
            timeout: The most seconds to wait; None is for ever.

        Raises:
            TimeoutError: If there was none in time.
            LostEmissionsError: If some are missing before the next one.
            StateError: If the stream is closed and read, or if no loop of asyncio runs here.
            ArgumentError: If the timeout is none.
        """
        emission = await self._read(Patience(self._inbox, timeout))
        if emission is None:
            raise self._ended()
        return emission

    def wait(self, *, timeout: float | None = None) -> Emission:
        """Block this thread until there is an emission, and return it.

        Args:
            timeout: The most seconds to wait; None is for ever.

        Raises:
            TimeoutError: If there was none in time.
            LostEmissionsError: If some are missing before the next one.
            StateError: If the stream is closed and read, or if a loop of asyncio runs in
                this thread, which this would block.
            ArgumentError: If the timeout is none.
        """
        self._unused = None
        refuse_loop()
        patience = Patience(self._inbox, timeout)
        while (emission := self._inbox.take()) is None:
            if self._inbox.closed:
                raise self._ended()
            pause(self._inbox, patience)
        return emission

    def close(self) -> None:
        """Hear the signal no more. What has come until now can still be read."""
        self._unused = None
        self._inbox.close()

    async def aclose(self) -> None:
        """Do as `close` does, for `contextlib.aclosing`."""
        self.close()

    @property
    def lost(self) -> int:
        """How many emissions were lost because too many were waiting to be read."""
        self._inbox.settle()
        return self._inbox.lost

    @property
    def closed(self) -> bool:
        """Whether nothing more can come."""
        return self._inbox.closed

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Emission:
        emission = await self._read(Patience(self._inbox, None))
        if emission is None:
            raise StopAsyncIteration
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
        # It has none if making it was interrupted; and when the interpreter ends, what modules
        # are made of may be gone.
        inbox = getattr(self, "_inbox", None)
        if inbox is None or ending() or inbox.closed:
            return
        inbox.close()
        # If it was made and dropped in one statement: others may have been given up because
        # something was raised.
        unused = self._unused
        if unused is not None and is_at_once(unused, sys._getframe().f_back):
            warn_of_unused(f"A stream of {title_of(inbox.signal)}", unused)

    @shown
    def __repr__(self) -> str:
        return repr(self._inbox)

    async def _read(self, patience: Patience) -> Emission | None:
        """Return the next emission, or None at the end."""
        self._unused = None
        while (emission := self._inbox.take()) is None and not self._inbox.closed:
            await pause_task(self._inbox, patience)
        return emission

    def _ended(self) -> StateError:
        title = title_of(self._inbox.signal)
        return StateError(f"The stream of {title} is closed and read: make another one.")


class Next(Coroutine["Any", "Any", "Emission"]):
    """What `Signal.next` returns: a coroutine that closes its stream, even if it never begins.

    A coroutine of Python's runs no line if its task is cancelled before it begins, and whoever
    keeps the task keeps its arguments, by way of the error's traceback.
    """

    __slots__ = ("_coroutine", "_stream")

    __name__ = "Signal.next"  # How tasks are shown that run it.

    def __init__(self, stream: Stream, timeout: float | None) -> None:
        stream._unused = None  # Python warns of coroutines itself.
        self._stream = stream
        self._coroutine = _next(stream, timeout)
        # Python names it where it warns that nobody has awaited it.
        setattr(self._coroutine, "__qualname__", self.__name__)  # noqa: B010 - no type has it.

    def send(self, value: Any, /) -> Any:
        """Go on."""
        return self._coroutine.send(value)

    def throw(self, *error: Any) -> Any:
        """Fail: nothing inside goes on after an error."""
        try:
            return self._coroutine.throw(*error)
        finally:
            self._stream.close()

    def close(self) -> None:
        """End, whether it has begun or not."""
        self._coroutine.close()
        self._stream.close()

    @shown
    def __repr__(self) -> str:
        state = ", over" if self._stream.closed else ""
        return f"<Next emission of {title_of(self._stream._inbox.signal)}{state}>"

    def __await__(self) -> Generator[Any, Any, Emission]:
        return self._coroutine.__await__()


async def _next(stream: Stream, seconds: float | None) -> Emission:
    with stream:
        return await stream.next(timeout=seconds)


def listen(
    signal: Any, sender: object, matching: Wanted | None, size: Any, when_full: Any
) -> Stream:
    """Return a stream that has begun to hear the signal.

    Raises:
        ArgumentError: If an argument has a value that it cannot have.
    """
    if not isinstance(size, int) or size < 1:
        msg = f"size={size!r} is not a number of emissions. Use an int, 1 at least."
        raise ArgumentError(msg)
    if when_full not in ("raise", "drop_oldest"):
        msg = f"when_full={when_full!r} is not a way to go on. Use 'raise' or 'drop_oldest'."
        raise ArgumentError(msg)
    inbox = Inbox(signal, _predicate(matching), size, when_full)
    sender = unwrapped(sender)
    inbox.limits = _limits(sender, matching)
    # First, so that nothing stays connected if a signal handler comes in between.
    stream = Stream(inbox, sender)
    # In place also under a wrapper that would put it into a thread.
    how = terms(_AFTER_ALL_OTHERS, on_error="raise", inline=True, weak=False)
    signal._connect_on_terms(inbox, sender, how)
    stream._unused = how[PLACE]
    return stream


def _limits(sender: object, matching: Wanted | None) -> str:
    of_sender = "" if sender is ANY else f" from {describe_sender(sender)}"
    return of_sender if matching is None else f"{of_sender} that `matching` accepts"


def _predicate(matching: Wanted | None) -> Callable[[Emission], object]:
    if matching is None:
        return lambda _: True
    if callable(matching):
        return matching
    try:
        wanted = dict(matching)
    except (TypeError, ValueError):
        msg = f"matching={matching!r} cannot choose emissions. Use a mapping or a function."
        raise ArgumentError(msg) from None
    return lambda emission: all(
        name in emission.payload and _is_equal(emission.payload[name], value)
        for name, value in wanted.items()
    )


def _is_equal(found: Any, wanted: Any) -> bool:
    """Tell whether two values are equal; what cannot be compared is not."""
    if found is wanted:
        return True
    try:
        answer = found == wanted
        # Arrays answer for each element, and one of them might pass for a yes or a no.
        return bool(answer) and not hasattr(type(answer), "__len__")
    except Exception:  # noqa: BLE001 - whatever keeps strangers' objects from being compared.
        return False
