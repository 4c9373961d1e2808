"""Waiting for what is sent: for the next emission, or for one after the other."""

from __future__ import annotations

from heliograph.core.connecting import Connectable, P
from heliograph.core.connections.options import refuse_misspelt
from heliograph.core.identity import ANY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any, Never

    from heliograph.core.observing.emission import Emission
    from heliograph.core.streams.inbox import WhenFull
    from heliograph.core.streams.stream import Stream, Wanted


class Waitable(Connectable[P]):
    """The part of a signal for those who wait, in a task or in a thread."""

    def next(
        self,
        sender: Any = ANY,
        *,
        timeout: float | None = None,
        matching: Wanted | None = None,
        **misspelt: Never,
    ) -> Coroutine[Any, Any, Emission]:
        """Wait in a task of asyncio for the next emission: ``await`` what this returns.

        It counts from this call on, so what is sent before the ``await`` is not missed.

        Args:
            sender: Hear this sender alone, as for `connect`; it is held meanwhile.
            timeout: The most seconds to wait, from the ``await`` on; None is for ever.
            matching: Which emissions are meant: what their payload must have, as a mapping,
                or a function that is given the `Emission`. What it raises, this raises.
            misspelt: Any other option is an error.

        Raises:
            TimeoutError: If there was none in time.
            ArgumentError: If an argument has a value that it cannot have.
            StateError: If no loop of asyncio runs where it is awaited.

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
        from heliograph.core.streams.stream import Next

        return Next(self.stream(sender, matching=matching, size=1), timeout)

    def wait(
        self,
        sender: Any = ANY,
        *,
        timeout: float | None = None,
        matching: Wanted | None = None,
        **misspelt: Never,
    ) -> Emission:
        """Block this thread until the next emission, and return it.

        To act between beginning to listen and waiting, use a `stream`, which counts from
        the call that makes it.

        Args:
            sender: Hear this sender alone, as for `connect`; it is held meanwhile.
            timeout: The most seconds to wait; None is for ever.
            matching: As for `next`.
            misspelt: As for `next`.

        Raises:
            TimeoutError: If there was none in time.
            ArgumentError: If an argument has a value that it cannot have.
            StateError: If a loop of asyncio runs in this thread, which this would block.
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
        """Return all emissions from now on, to be read one by one, in tasks or in threads.

        Whoever sends never waits for whoever reads. The stream hears the signal until it
        is closed, by leaving a ``with`` or an ``async with`` block, by ``close()``, or when
        nothing refers to it any more.

        Args:
            sender: Hear this sender alone, as for `connect`; it is held meanwhile.
            matching: As for `next`.
            size: How many emissions may wait to be read.
            when_full: What becomes of more than these: ``"raise"`` keeps the oldest, and
                tells the reader how many were lost once all before them are read;
                ``"drop_oldest"`` keeps the newest. ``Stream.lost`` counts in both cases.
            misspelt: As for `next`.

        Raises:
            ArgumentError: If an argument has a value that it cannot have.

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
        from heliograph.core.streams.stream import listen

        return listen(self, sender, matching, size, when_full)
