"""The engines that are compared, each behind the same few names.

To add one, write a class with what it can do and name it in `ENGINES`.
What it does not override it cannot do, and the tables show a dash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import blinker

import heliograph
import heliograph.blinker

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

Receiver = Callable[..., object]
Outcomes = list[tuple[Receiver, object]]
Loop = Callable[[Iterable[object]], None]


class Sender:
    """Somebody who sends, who can be held weakly."""

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

    @property
    def connect(self) -> Callable[..., object]:
        """What connects a receiver, held weakly, to every sender or to one."""
        raise UnsupportedError

    @property
    def disconnect(self) -> Callable[..., object]:
        """What disconnects a receiver from every sender or from one."""
        raise UnsupportedError

    @property
    def connected_to(self) -> Callable[..., AbstractContextManager[object]]:
        """What connects a receiver for the length of a ``with`` block."""
        raise UnsupportedError

    @property
    def send(self) -> Callable[..., object]:
        """What sends, for any sender, outside a timed loop."""
        raise UnsupportedError

    def hear(self, receiver: Receiver, sender: object = None) -> None:
        """Connect before the clock starts: to every sender, or to *sender* alone."""
        if sender is None:
            self.connect(receiver)
        else:
            self.connect(receiver, sender)

    def sending(self, keywords: int, *, wrapped: bool = False) -> Loop:
        """Return a loop in which `SENDER` sends once per item.

        Args:
            keywords: How many keyword arguments to send: 0, 1 or 3.
            wrapped: Whether to pass ``_async_wrapper`` as well, as Flask does with every send.
        """
        raise UnsupportedError


class _WithSenders(Engine):
    """An engine with Blinker's methods."""

    signal: Any

    @property
    def connect(self) -> Callable[..., object]:
        connect: Callable[..., object] = self.signal.connect
        return connect

    @property
    def disconnect(self) -> Callable[..., object]:
        disconnect: Callable[..., object] = self.signal.disconnect
        return disconnect

    @property
    def connected_to(self) -> Callable[..., AbstractContextManager[object]]:
        connected_to: Callable[..., AbstractContextManager[object]] = self.signal.connected_to
        return connected_to

    @property
    def send(self) -> Callable[..., object]:
        send: Callable[..., object] = self.signal.send
        return send

    def sending(self, keywords: int, *, wrapped: bool = False) -> Loop:
        signal = self.signal
        sender = SENDER

        def none(items: Iterable[object]) -> None:
            for _ in items:
                signal.send(sender)

        def one(items: Iterable[object]) -> None:
            for _ in items:
                signal.send(sender, a=1)

        def three(items: Iterable[object]) -> None:
            for _ in items:
                signal.send(sender, a=1, b=2, c=3)

        def one_as_flask(items: Iterable[object]) -> None:
            for _ in items:
                signal.send(sender, _async_wrapper=_ensure_sync, a=1)

        return one_as_flask if wrapped else {0: none, 1: one, 3: three}[keywords]


def _ensure_sync(function: Receiver) -> Receiver:
    return function


class Heliograph(_WithSenders):
    """The signal at the front door."""

    name = "heliograph"
    ours = True

    def __init__(self) -> None:
        self.signal = heliograph.Signal()


class HeliographBlinker(_WithSenders):
    """The signal that Flask gets after ``install()``."""

    name = "h.blinker"
    ours = True

    def __init__(self) -> None:
        self.signal = heliograph.blinker.Signal()


class Blinker(_WithSenders):
    """What Heliograph replaces."""

    name = "blinker"

    def __init__(self) -> None:
        self.signal = blinker.Signal()


class PlainLoop(Engine):
    """No signal at all: a loop over a list of those who are to hear, collecting what they say.

    Whoever writes it knows who hears `SENDER`, so receivers of others never enter the list.
    """

    name = "plain loop"

    def __init__(self) -> None:
        self.receivers: list[Receiver] = []

    def hear(self, receiver: Receiver, sender: object = None) -> None:
        """Add to the list who hears `SENDER`."""
        if sender is None or sender is SENDER:
            self.receivers.append(receiver)

    def sending(self, keywords: int, *, wrapped: bool = False) -> Loop:
        """Return the loop of whoever writes it with that many keywords; there is no wrapper."""
        loops = {0: _plain_none, 1: _plain_one, 3: _plain_three}
        return loops[keywords](self.receivers)


# The names of the payload are written out: who loops by hand knows them and needs no **payload.
# They append because a comprehension is slower before Python 3.12.


def _plain_none(receivers: list[Receiver]) -> Loop:
    def send(sender: object) -> Outcomes:
        outcomes = []
        for receiver in receivers:
            outcomes.append((receiver, receiver(sender)))  # noqa: PERF401 - see above
        return outcomes

    def loop(items: Iterable[object]) -> None:
        sender = SENDER
        for _ in items:
            send(sender)

    return loop


def _plain_one(receivers: list[Receiver]) -> Loop:
    def send(sender: object, a: object) -> Outcomes:
        outcomes = []
        for receiver in receivers:
            outcomes.append((receiver, receiver(sender, a=a)))  # noqa: PERF401 - see above
        return outcomes

    def loop(items: Iterable[object]) -> None:
        sender = SENDER
        for _ in items:
            send(sender, a=1)

    return loop


def _plain_three(receivers: list[Receiver]) -> Loop:
    def send(sender: object, a: object, b: object, c: object) -> Outcomes:
        outcomes = []
        for receiver in receivers:
            outcomes.append((receiver, receiver(sender, a=a, b=b, c=c)))  # noqa: PERF401 - see above
        return outcomes

    def loop(items: Iterable[object]) -> None:
        sender = SENDER
        for _ in items:
            send(sender, a=1, b=2, c=3)

    return loop


ENGINES: tuple[type[Engine], ...] = (Heliograph, HeliographBlinker, Blinker, PlainLoop)
