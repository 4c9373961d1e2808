"""What signals add to a whole request, beyond signals that do nothing.

The signals that a framework holds are exchanged between two batches of requests, so that all
engines take turns under the same application.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

import blinker

import heliograph.blinker
from benchmarks.engines import Blinker, HeliographBlinker
from benchmarks.frameworks import SENT, on_flask, on_quart
from benchmarks.harness import Work, measure
from benchmarks.receivers import by_keyword
from benchmarks.vectorcall import compiled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import ModuleType

    from benchmarks.frameworks import Framework
    from benchmarks.harness import Timings
    from benchmarks.receivers import Receiver

    Signals = Mapping[str, object]

# So many requests that what the first of them costs after the exchange is little among them.
BATCH_NS = 8_000_000
NOTHING = "no signals"


class _Mute:
    """A signal that does nothing, as cheaply as possible."""

    def __init__(self, nothing: Callable[..., object]) -> None:
        self.send = nothing

    async def send_async(self, *args: object, **kw: object) -> None:
        """Call no receiver."""


@dataclass(frozen=True)
class Served:
    """Requests of one framework, with so many receivers connected, under every engine."""

    framework: str
    receivers: int
    timings: Timings


def serve(rounds: int) -> Iterator[Served]:
    """Serve requests without receivers, and with one receiver for each of some signals."""
    extension = compiled()
    if extension is None:
        return
    mute = dict.fromkeys(SENT, _Mute(extension.nothing))
    for enter in (on_flask, on_quart):
        with enter() as framework, _kept(framework):
            for heard in ((), framework.heard):
                receivers = {name: by_keyword() for name in heard}
                engines = {NOTHING: mute, **_engines(receivers, inline=framework.inline)}
                works = {name: _under(signals, framework) for name, signals in engines.items()}
                yield Served(framework.name, len(heard), measure(works, rounds, BATCH_NS))


def _engines(receivers: Mapping[str, Receiver], *, inline: bool) -> dict[str, Signals]:
    return {
        Blinker.name: _signals(blinker.Signal, receivers),
        HeliographBlinker.name: _signals(heliograph.blinker.Signal, receivers, inline=inline),
    }


def _signals(new: Callable[[], Any], receivers: Mapping[str, Receiver], **options: bool) -> Signals:
    signals = {name: new() for name in SENT}
    for name, receiver in receivers.items():
        signals[name].connect(receiver, **options)
    return signals


def _under(signals: Signals, framework: Framework) -> Work:
    def put_in_place(count: int) -> Iterable[object]:
        _put(signals, framework)
        return repeat(None, count)

    return Work(framework.serve, items=put_in_place, clock=framework.clock)


def _put(signals: Signals, framework: Framework) -> None:
    for name, holder in _held(framework):
        setattr(holder, name, signals[name])


def _held(framework: Framework) -> list[tuple[str, ModuleType]]:
    return [(name, holder) for holder in framework.holders for name in SENT if name in vars(holder)]


@contextmanager
def _kept(framework: Framework) -> Iterator[None]:
    before = {name: vars(holder)[name] for name, holder in _held(framework)}
    try:
        yield
    finally:
        _put(before, framework)
