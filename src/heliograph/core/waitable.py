"""The part of a signal that waits: for the next emission, or for one after another."""

from __future__ import annotations

from functools import cache

from heliograph.core.connected import P
from heliograph.core.connecting import Connectable
from heliograph.core.connections.options import refuse_misspelt
from heliograph.core.identity import ANY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any, Never

    from heliograph.core.observing.emission import Emission
    from heliograph.core.streams.inbox import WhenFull
    from heliograph.core.streams.stream import Stream
    from heliograph.core.streams.wanted import Wanted


# Kept, as to import them in each call would cost more than Python's `await`.
@cache
def _loaded() -> tuple[Callable[..., Stream], Callable[..., Coroutine[Any, Any, Emission]]]:
    from heliograph.core.streams.stream import listen
    from heliograph.core.streams.upcoming import upcoming

    return listen, upcoming


class Waitable(Connectable[P]):
    """The methods of a signal that wait for emissions, in a task or in a thread."""

    def next(
        self,
        sender: Any = ANY,
        *,
        timeout: float | None = None,
        matching: Wanted | None = None,
        **misspelt: Never,
    ) -> Coroutine[Any, Any, Emission]:
        """Wait in an asyncio task for the next emission: ``await`` the result of this call.

        It listens from this call on, so an emission before the ``await`` is not missed.

        Args:
            sender: Wait for emissions of this sender only, as for `connect`. It is kept
                alive until then.
            timeout: The most seconds to wait, from the ``await`` on; None is for ever.
            matching: Which emissions count: a mapping of values that their payload must
                have, or a function that takes the `Emission` and returns whether it counts.
                An error in the function is raised here.
            misspelt: Any other option is an error.

        Raises:
            TimeoutError: If no emission came in time.
            ArgumentError: If an argument has an impossible value, or there is no such option.
            StateError: If it is awaited where no asyncio loop runs.

        Example:
            >>> import asyncio
            >>> from heliograph import Signal
            >>> order_paid = Signal("order-paid")
            >>> async def checkout():
            ...     paid = order_paid.next("shop", timeout=5)
            ...     order_paid.send("shop", total=12)
            ...     return (await paid).payload["total"]
            >>> asyncio.run(checkout())
            12
        """
        if misspelt:
            refuse_misspelt(misspelt, Waitable.next)
        _, upcoming = _loaded()
        return upcoming(self, sender, matching, timeout)

    def wait(
        self,
        sender: Any = ANY,
        *,
        timeout: float | None = None,
        matching: Wanted | None = None,
        **misspelt: Never,
    ) -> Emission:
        """Block this thread until the next emission, and return it.

        To cause the emission in this thread, use a `stream`: it listens from the call that
        makes it, so the program can act between that call and waiting.

        Args:
            sender: As for `next`.
            timeout: The most seconds to wait; None is for ever.
            matching: As for `next`.
            misspelt: As for `next`.

        Raises:
            TimeoutError: If no emission came in time.
            ArgumentError: If an argument has an impossible value, or there is no such option.
            StateError: If an asyncio loop runs in this thread, which this would block.
        """
        if misspelt:
            refuse_misspelt(misspelt, Waitable.wait)
        with self.stream(sender, matching=matching, size=1) as stream:
            return stream.wait(timeout=timeout)

    def stream(
        self,
        sender: Any = ANY,
        *,
        matching: Wanted | None = None,
        size: int = 1000,
        when_full: WhenFull = "raise",
        **misspelt: Never,
    ) -> Stream:
        """Return a stream of all emissions from now on, for reading in tasks or in threads.

        A sender never waits for a reader. The stream listens until it is closed: by leaving
        a ``with`` or an ``async with`` block, by ``close()``, or when nothing refers to it
        any more.

        Args:
            sender: As for `next`.
            matching: As for `next`.
            size: How many emissions may wait for a reader.
            when_full: What to do with more than these. ``"raise"`` keeps the oldest, and
                after these raises `LostEmissionsError`, which says how many were lost.
                ``"drop_oldest"`` keeps the newest. ``Stream.lost`` counts in both cases.
            misspelt: As for `next`.

        Raises:
            ArgumentError: If an argument has an impossible value, or there is no such option.

        Example:
            >>> from heliograph import Signal
            >>> order_paid = Signal("order-paid")
            >>> with order_paid.stream("shop") as payments:
            ...     sent = order_paid.send("shop", total=12)
            ...     payments.wait(timeout=5).payload["total"]
            12
        """
        if misspelt:
            refuse_misspelt(misspelt, Waitable.stream)
        listen, _ = _loaded()
        return listen(self, sender, matching, size, when_full)
