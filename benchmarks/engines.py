"""What an engine is to the benchmarks, and the engines with Blinker's methods.

To add one, write a class with what it can do and name it in `roster.py`.
What it does not override it cannot do, and the tables show a dash.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import blinker

import heliograph
import heliograph.blinker
from benchmarks import receivers

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from benchmarks.receivers import Receiver

Loop = Callable[[Iterable[object]], None]


class Sender:
    """A sender that allows weak references."""

    __slots__ = ("__weakref__",)


SENDER = Sender()


class UnsupportedError(Exception):
    """An engine was asked for something that it does not have."""


class Engine:
    """One fresh signal of one engine.

    The properties return the engine's own bound methods, so that nothing of ours is timed.
    """

    name: ClassVar[str]
    ours: ClassVar[bool] = False
    most: ClassVar[int | None] = None
    """How many connections can be made without waiting for minutes, if that is limited."""

    def new_receiver(self, keywords: int = 1, *, exact: bool = False) -> Receiver:
        """Return a receiver of the kind that is written for this engine.

        Args:
            keywords: How many arguments it is to be sent.
            exact: Whether it takes the sender and these alone, and no ``**kw``.
        """
        return receivers.exact(keywords) if exact else receivers.by_keyword()

    def new_method_owner(self) -> receivers.MethodOwner | receivers.ExactMethodOwner:
        """Return an object whose method ``receive`` is of that kind."""
        return receivers.MethodOwner()

    @property
    def connect(self) -> Callable[..., object]:
        """The method that connects a weakly held receiver for every sender or for one."""
        raise UnsupportedError

    @property
    def disconnect(self) -> Callable[..., object]:
        """The method that disconnects a receiver from every sender or from one."""
        raise UnsupportedError

    @property
    def connected_to(self) -> Callable[..., AbstractContextManager[object]]:
        """The method that connects a receiver for the length of a ``with`` block."""
        raise UnsupportedError

    @property
    def send(self) -> Callable[..., object]:
        """The method that sends, outside a timed loop."""
        raise UnsupportedError

    def hear(self, receiver: Receiver, sender: object = None) -> None:
        """Connect before the clock starts: to every sender, or to *sender* alone."""
        if sender is None:
            self.connect(receiver)
        else:
            self.connect(receiver, sender)

    def sending(self, keywords: int = 1, *, sender: object = SENDER) -> Loop:
        """Return a loop in which *sender* sends 0, 1 or 3 keywords once per item."""
        raise UnsupportedError

    def sending_as_flask(self) -> Loop:
        """Return a loop of sends with 1 keyword and ``_async_wrapper``."""
        raise UnsupportedError

    def sending_async(self) -> Loop:
        """Return a loop of awaited sends with 1 keyword."""
        raise UnsupportedError

    def guarding(self) -> Loop:
        """Return a loop that asks whether `SENDER` has receivers."""
        raise UnsupportedError

    def sending_watched(self) -> Loop:
        """Return a loop of sends with 1 keyword that are watched in the engine's own way."""
        raise UnsupportedError


class SignalEngine(Engine):
    """An engine whose signal has ``connect``, ``disconnect`` and ``send``."""

    signal: Any

    @property
    def connect(self) -> Callable[..., object]:
        """The signal's own."""
        connect: Callable[..., object] = self.signal.connect
        return connect

    @property
    def disconnect(self) -> Callable[..., object]:
        """The signal's own."""
        disconnect: Callable[..., object] = self.signal.disconnect
        return disconnect

    @property
    def send(self) -> Callable[..., object]:
        """The signal's own."""
        send: Callable[..., object] = self.signal.send
        return send

    def sending(self, keywords: int = 1, *, sender: object = SENDER) -> Loop:
        """Return a loop of sends."""
        signal = self.signal

        def none(items: Iterable[object]) -> None:
            for _ in items:
                signal.send(sender)

        def one(items: Iterable[object]) -> None:
            for _ in items:
                signal.send(sender, a=1)

        def three(items: Iterable[object]) -> None:
            for _ in items:
                signal.send(sender, a=1, b=2, c=3)

        return {0: none, 1: one, 3: three}[keywords]


class _BlinkerLike(SignalEngine):
    """An engine with Blinker's methods."""

    @property
    def connected_to(self) -> Callable[..., AbstractContextManager[object]]:
        connected_to: Callable[..., AbstractContextManager[object]] = self.signal.connected_to
        return connected_to

    def sending_as_flask(self) -> Loop:
        signal = self.signal
        sender = SENDER

        def loop(items: Iterable[object]) -> None:
            for _ in items:
                signal.send(sender, _async_wrapper=_ensure_sync, a=1)

        return loop

    def sending_async(self) -> Loop:
        signal = self.signal
        sender = SENDER

        async def send_each(items: Iterable[object]) -> None:
            for _ in items:
                await signal.send_async(sender, a=1)

        return lambda items: drive(send_each(items))

    def guarding(self) -> Loop:
        signal = self.signal
        sender = SENDER

        def loop(items: Iterable[object]) -> None:
            for _ in items:
                if signal.has_receivers_for(sender):
                    pass

        return loop


def _ensure_sync(function: Receiver) -> Receiver:
    return function


def drive(coroutine: Coroutine[object, None, None]) -> None:
    """Run a coroutine that never waits, without the cost of an event loop."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    msg = "The coroutine waits for something, and there is no loop that could bring it."
    raise RuntimeError(msg)


class Heliograph(_BlinkerLike):
    """The signal at the front door."""

    name = "heliograph"
    ours = True

    def __init__(self) -> None:
        self.signal = heliograph.Signal()


class HeliographBlinker(_BlinkerLike):
    """The signal that Flask gets after ``install()``."""

    name = "h.blinker"
    ours = True

    def __init__(self) -> None:
        self.signal = heliograph.blinker.Signal()


class Blinker(_BlinkerLike):
    """Blinker, which Heliograph replaces."""

    name = "blinker"

    def __init__(self) -> None:
        self.signal = blinker.Signal()
