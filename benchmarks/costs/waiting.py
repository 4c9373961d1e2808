"""Prices of spans, waiting for a signal, streams and captures."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import repeat
from time import perf_counter
from typing import TYPE_CHECKING, Any

import blinker

from benchmarks.costs.price import OURS, Price
from benchmarks.declared import in_production
from benchmarks.engines import SENDER
from benchmarks.harness import Work
from benchmarks.roster import MISSING
from heliograph import Namespace, Signal
from heliograph.testing import capture

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from benchmarks.harness import Items


class ByHand:
    """What a program would write that has no library: a list of receivers."""

    def __init__(self) -> None:
        self.receivers: list[Callable[..., object]] = []

    def connect(self, receiver: Callable[..., object]) -> None:
        """Add a receiver."""
        self.receivers.append(receiver)

    def disconnect(self, receiver: Callable[..., object]) -> None:
        """Remove a receiver."""
        self.receivers.remove(receiver)

    def send(self, sender: object, **payload: object) -> list[tuple[object, object]]:
        """Call all of them."""
        return [(receiver, receiver(sender, **payload)) for receiver in self.receivers]


# --- spans -------------------------------------------------------------------------------


def _hear_end(sender: object, *, duration: float, **extra: object) -> None:
    """Receive the end of a piece of work."""


def _span_of_ours() -> Work:
    @Namespace("shop").span
    def import_catalogue(sender: object, *, path: str) -> None:
        """A catalogue is read."""

    import_catalogue.finished.connect(_hear_end)
    with in_production(), import_catalogue(SENDER, path="a"):
        pass  # The first one finds out that this is production, before the clock starts.

    def run(items: Iterable[object]) -> None:
        for _ in items:
            with import_catalogue(SENDER, path="a"):
                pass

    return Work(run)


def _span_of_sends(new: Callable[[], Any]) -> Callable[[], Work]:
    """Return two sends and a clock, with an end of either kind."""

    def make() -> Work:
        started, finished, failed = new(), new(), new()
        finished.connect(_hear_end)

        def run(items: Iterable[object]) -> None:
            for _ in items:
                started.send(SENDER, path="a")
                begun = perf_counter()
                try:
                    pass
                except BaseException as error:
                    took = perf_counter() - begun
                    failed.send(SENDER, path="a", duration=took, error=error)
                    raise
                finished.send(SENDER, path="a", duration=perf_counter() - begun)

        return Work(run)

    return make


def _span_of_psygnal() -> Work:
    from benchmarks.peers.psygnal import two_sends_and_a_clock

    return two_sends_and_a_clock()


# --- waiting -----------------------------------------------------------------------------


def _on_a_loop(function: Callable[[Items], Coroutine[Any, Any, None]]) -> Work:
    """Return the work of a coroutine function, which has a loop of its own in each batch."""
    loops: list[asyncio.AbstractEventLoop] = []

    def items(count: int) -> Items:
        loops.append(asyncio.new_event_loop())
        return repeat(None, count)

    def run(items: Iterable[object]) -> None:
        loops[-1].run_until_complete(function(items))

    def after(_: Items) -> None:
        loops.pop().close()

    return Work(run, items=items, after=after)


async def _beside(
    reader: Coroutine[Any, Any, object], send: Callable[..., object], items: Items
) -> None:
    """Send once for each item, in a task beside the one that reads."""
    reading = asyncio.ensure_future(reader)
    await asyncio.sleep(0)
    for _ in items:
        send(SENDER, a=1)
        await asyncio.sleep(0)
    reading.cancel()
    with suppress(asyncio.CancelledError):
        await reading


def _next_of_ours() -> Work:
    signal = Signal()
    signal.next().close()  # The first one imports what the others use.

    async def read() -> None:
        while True:
            await signal.next(SENDER)

    return _on_a_loop(lambda items: _beside(read(), signal.send, items))


def _next_by_future(new: Callable[[], Any], *sender: object) -> Callable[[], Work]:
    """Return a receiver that settles a future, connected and disconnected each time."""

    def make() -> Work:
        signal = new()

        async def next_one() -> object:
            future = asyncio.get_running_loop().create_future()

            def receive(sender: object, **payload: object) -> None:
                if not future.done():
                    future.set_result((sender, payload))

            signal.connect(receive, *sender)
            try:
                return await future
            finally:
                signal.disconnect(receive, *sender)

        async def read() -> None:
            while True:
                await next_one()

        return _on_a_loop(lambda items: _beside(read(), signal.send, items))

    return make


def _stream_of_ours(*, waits: bool) -> Callable[[], Work]:
    def make() -> Work:
        signal = Signal()
        signal.stream().close()  # As above.

        async def run(items: Items) -> None:
            async with signal.stream() as stream:

                async def read() -> None:
                    while True:
                        await stream.next()

                if waits:
                    await _beside(read(), signal.send, items)
                    return
                for _ in items:
                    signal.send(SENDER, a=1)
                    await stream.next()

        return _on_a_loop(run)

    return make


def _stream_by_queue(new: Callable[[], Any], *, waits: bool) -> Callable[[], Work]:
    """Return a receiver that puts what it receives into a queue."""

    def make() -> Work:
        signal = new()

        async def run(items: Items) -> None:
            queue: asyncio.Queue[object] = asyncio.Queue(1000)

            def receive(sender: object, **payload: object) -> None:
                queue.put_nowait((sender, payload))

            async def read() -> None:
                while True:
                    await queue.get()

            signal.connect(receive)
            if waits:
                await _beside(read(), signal.send, items)
            else:
                for _ in items:
                    signal.send(SENDER, a=1)
                    await queue.get()
            signal.disconnect(receive)

        return _on_a_loop(run)

    return make


# --- captures ----------------------------------------------------------------------------


def _hear(sender: object, **payload: object) -> None:
    """Receive what is captured as well."""


def _captured_of_ours(receivers: int) -> Callable[[], Work]:
    def make() -> Work:
        signal = Signal()
        for _ in range(receivers):
            signal.connect(_hear)

        def run(items: Iterable[object]) -> None:
            with capture(signal):
                for _ in items:
                    signal.send(SENDER, a=1)

        return Work(run)

    return make


def _recorded(new: Callable[[], Any], receivers: int) -> Callable[[], Work]:
    """Return sends to a receiver that keeps what it receives."""

    def make() -> Work:
        signal, recorded = new(), list[object]()

        def record(sender: object, **payload: object) -> None:
            recorded.append((sender, payload))

        for _ in range(receivers):
            signal.connect(_hear)
        signal.connect(record)

        def run(items: Iterable[object]) -> None:
            for _ in items:
                signal.send(SENDER, a=1)

        return Work(run, after=lambda _: recorded.clear(), alive=record)

    return make


def _captured(receivers: int) -> dict[str, Callable[[], Work]]:
    return {
        "blinker": _recorded(blinker.Signal, receivers),
        OURS: _captured_of_ours(receivers),
        "by hand": _recorded(ByHand, receivers),
    }


def _streams(*, waits: bool) -> dict[str, Callable[[], Work]]:
    return {
        "blinker": _stream_by_queue(blinker.Signal, waits=waits),
        OURS: _stream_of_ours(waits=waits),
        "by hand": _stream_by_queue(ByHand, waits=waits),
    }


PRICES: tuple[Price, ...] = (
    Price(
        "a span whose end is heard",
        {
            "blinker": _span_of_sends(blinker.Signal),
            OURS: _span_of_ours,
            "by hand": _span_of_sends(ByHand),
            **({} if "psygnal" in MISSING else {"psygnal": _span_of_psygnal}),
        },
        base="blinker",
        most=0.45,
        most_in_python=0.8,
    ),
    Price(
        "waiting for the next send",
        {
            "blinker": _next_by_future(blinker.Signal, SENDER),
            OURS: _next_of_ours,
            "by hand": _next_by_future(ByHand),
        },
        base="blinker",
        most=1.2,
        most_in_python=1.5,
    ),
    Price(
        "a stream with a waiting reader",
        _streams(waits=True),
        base="blinker",
        most=1.2,
        most_in_python=1.5,
    ),
    Price(
        "a stream that is read later",
        _streams(waits=False),
        base="blinker",
        most=1.2,
        most_in_python=1.5,
    ),
    Price("a captured send", _captured(0), base="blinker", most=1.5, most_in_python=3.0),
    Price(
        "a captured send to 1 receiver", _captured(1), base="blinker", most=1.5, most_in_python=3.0
    ),
)
