"""Prices of sends that are awaited, that fail, or that are the least a send can be."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from benchmarks import receivers
from benchmarks.costs.price import Price
from benchmarks.engines import (
    SENDER,
    Blinker,
    Heliograph,
    HeliographBlinker,
    UnsupportedError,
    drive,
)
from benchmarks.harness import Work
from benchmarks.loops import CLoop, PlainLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from benchmarks.engines import Engine, SignalEngine
    from benchmarks.receivers import Receiver

BY_HAND = "by hand"
SIGNALS: tuple[type[SignalEngine], ...] = (Heliograph, HeliographBlinker, Blinker)


# --- awaited ---------------------------------------------------------------------------


def _awaiting(count: int, engine: type[SignalEngine]) -> Work:
    made, kept = engine(), [receivers.asynchronous() for _ in range(count)]
    for receiver in kept:
        made.hear(receiver)
    return Work(made.sending_async(), alive=kept)


def _awaiting_by_hand(count: int) -> Work:
    kept: list[Any] = [receivers.asynchronous() for _ in range(count)]

    async def each(items: Iterable[object]) -> None:
        for _ in items:
            outcomes = []
            for receiver in kept:
                outcomes.append((receiver, await receiver(SENDER, a=1)))  # noqa: PERF401 - as people write it.

    return Work(lambda items: drive(each(items)))


def _awaiting_aiosignal(count: int) -> Work:
    """It has neither senders nor results."""
    if find_spec("aiosignal") is None:
        raise UnsupportedError
    from aiosignal import Signal

    signal: Any = Signal(None)  # type: ignore[arg-type, unused-ignore]  # Later versions want an owner.
    signal.extend(receivers.asynchronous() for _ in range(count))
    signal.freeze()

    async def each(items: Iterable[object]) -> None:
        for _ in items:
            await signal.send(SENDER, a=1)

    return Work(lambda items: drive(each(items)))


def _awaited(count: int) -> Mapping[str, Callable[[], Work]]:
    return {
        **{it.name: partial(_awaiting, count, it) for it in SIGNALS},
        "aiosignal": partial(_awaiting_aiosignal, count),
        BY_HAND: partial(_awaiting_by_hand, count),
    }


# --- through a wrapper -------------------------------------------------------------------


def _run_in_place(function: Receiver) -> Receiver:
    """Make a plain function of a coroutine function that never waits.

    As Flask's does, but without an event loop, which would cost fifty times as much as the send.
    """

    def call(*args: object, **payload: object) -> object:
        coroutine: Any = function(*args, **payload)
        try:
            coroutine.send(None)
        except StopIteration as end:
            return end.value
        raise UnsupportedError

    return call


def _wrapping(count: int, engine: type[SignalEngine]) -> Work:
    made, kept = engine(), [receivers.asynchronous() for _ in range(count)]
    for receiver in kept:
        made.hear(receiver)
    signal = made.signal

    def loop(items: Iterable[object]) -> None:
        for _ in items:
            signal.send(SENDER, _async_wrapper=_run_in_place, a=1)

    return Work(loop, alive=kept)


def _wrapping_by_hand(count: int) -> Work:
    kept = [receivers.asynchronous() for _ in range(count)]

    def loop(items: Iterable[object]) -> None:
        for _ in items:
            outcomes = []
            for receiver in kept:
                outcomes.append((receiver, _run_in_place(receiver)(SENDER, a=1)))  # noqa: PERF401 - as above.

    return Work(loop)


def _wrapped(count: int) -> Mapping[str, Callable[[], Work]]:
    return {
        **{it.name: partial(_wrapping, count, it) for it in SIGNALS},
        BY_HAND: partial(_wrapping_by_hand, count),
    }


# --- that fail ---------------------------------------------------------------------------


def _fail(sender: object, **payload: object) -> None:
    raise LookupError


def _failing(send: Callable[..., object]) -> Work:
    def loop(items: Iterable[object]) -> None:
        for _ in items:
            try:  # noqa: SIM105 - `suppress` would cost more than the receiver.
                send(SENDER, a=1)
            except LookupError:
                pass

    return Work(loop)


def _failing_signal(engine: type[SignalEngine]) -> Work:
    made = engine()
    made.hear(_fail)
    return _failing(made.signal.send)


# --- the least a send can be --------------------------------------------------------------


def _plain(count: int, sender: object, engine: type[Engine]) -> Work:
    made, kept = engine(), [receivers.by_keyword() for _ in range(count)]
    for receiver in kept:
        made.hear(receiver, sender)
    return Work(made.sending(), alive=kept)


def _plainly(
    count: int, *engines: type[Engine], sender: object = None
) -> Mapping[str, Callable[[], Work]]:
    return {it.name: partial(_plain, count, sender, it) for it in engines}


_FOR_THE_SENDER = _plainly(1, *SIGNALS, PlainLoop, sender=SENDER)

PRICES: tuple[Price, ...] = (
    Price("send_async, 1 async receiver", _awaited(1), BY_HAND, 1.6, 2.2),
    Price("send_async, 10 async receivers", _awaited(10), BY_HAND, 1.3, 1.8),
    Price("through _async_wrapper, 1 async receiver", _wrapped(1), Blinker.name, 0.7, 0.9),
    Price("through _async_wrapper, 10 async receivers", _wrapped(10), Blinker.name, 0.7, 0.9),
    Price(
        "the only receiver raises",
        {
            **{it.name: partial(_failing_signal, it) for it in SIGNALS},
            BY_HAND: partial(_failing, _fail),
        },
        Blinker.name,
        1.0,
        1.2,
    ),
    Price("1 receiver for the sender", _FOR_THE_SENDER, PlainLoop.name, 0.8),
    Price("1 receiver for the sender, beside Blinker", _FOR_THE_SENDER, Blinker.name, 0.125, 0.455),
    Price("nobody, beside a C loop", _plainly(0, *SIGNALS, CLoop), CLoop.name, 1.15),
    Price("1 receiver, beside a C loop", _plainly(1, *SIGNALS, CLoop), CLoop.name, 1.15),
)
