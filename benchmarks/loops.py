"""No signal at all: the loops over a list of receivers that people write by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from benchmarks.engines import SENDER, Engine, Loop, UnsupportedError, drive
from benchmarks.vectorcall import compiled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from benchmarks.receivers import Receiver

Outcomes = list[tuple["Receiver", object]]


class _ListOfReceivers(Engine):
    """The author of a loop knows the receivers of `SENDER`, so the list has no others."""

    def __init__(self) -> None:
        self.receivers: list[Receiver] = []

    def hear(self, receiver: Receiver, sender: object = None) -> None:
        """Add a receiver to the list, if it is for `SENDER` or for the sender in its place."""
        if sender is None or sender is SENDER or isinstance(sender, str):
            self.receivers.append(receiver)


class PlainLoop(_ListOfReceivers):
    """A loop in Python that collects what the receivers return."""

    name = "plain loop"

    def sending(self, keywords: int = 1, *, sender: object = SENDER) -> Loop:
        """Return the loop as one would write it for that many keywords."""
        loops = {0: _plain_none, 1: _plain_one, 3: _plain_three}
        return loops[keywords](self.receivers, sender)

    def sending_async(self) -> Loop:
        """Return the loop that awaits the receivers, one after the other."""
        receivers = self.receivers

        async def send(sender: object, a: object) -> Outcomes:
            outcomes = []
            for receiver in receivers:
                awaitable = cast("Awaitable[object]", receiver(sender, a=a))
                outcomes.append((receiver, await awaitable))
            return outcomes

        async def send_each(items: Iterable[object]) -> None:
            for _ in items:
                await send(SENDER, a=1)

        return lambda items: drive(send_each(items))


# The names of the payload are written out: the author of a loop knows them, and needs no **payload.
# They append because a comprehension is slower before Python 3.12.


def _plain_none(receivers: list[Receiver], sender: object) -> Loop:
    def send(sender: object) -> Outcomes:
        outcomes = []
        for receiver in receivers:
            outcomes.append((receiver, receiver(sender)))  # noqa: PERF401 - see above
        return outcomes

    def loop(items: Iterable[object]) -> None:
        for _ in items:
            send(sender)

    return loop


def _plain_one(receivers: list[Receiver], sender: object) -> Loop:
    def send(sender: object, a: object) -> Outcomes:
        outcomes = []
        for receiver in receivers:
            outcomes.append((receiver, receiver(sender, a=a)))  # noqa: PERF401 - see above
        return outcomes

    def loop(items: Iterable[object]) -> None:
        for _ in items:
            send(sender, a=1)

    return loop


def _plain_three(receivers: list[Receiver], sender: object) -> Loop:
    def send(sender: object, a: object, b: object, c: object) -> Outcomes:
        outcomes = []
        for receiver in receivers:
            outcomes.append((receiver, receiver(sender, a=a, b=b, c=c)))  # noqa: PERF401 - see above
        return outcomes

    def loop(items: Iterable[object]) -> None:
        for _ in items:
            send(sender, a=1, b=2, c=3)

    return loop


class CLoop(_ListOfReceivers):
    """The same loop in C, which hands the caller's own arguments on: nothing can cost less."""

    name = "C loop"

    def sending(self, keywords: int = 1, *, sender: object = SENDER) -> Loop:
        """Return a loop over the receivers that are there now."""
        extension = compiled()
        if extension is None:
            raise UnsupportedError
        send = extension.over(tuple(self.receivers))

        def none(items: Iterable[object]) -> None:
            for _ in items:
                send(sender)

        def one(items: Iterable[object]) -> None:
            for _ in items:
                send(sender, a=1)

        def three(items: Iterable[object]) -> None:
            for _ in items:
                send(sender, a=1, b=2, c=3)

        return {0: none, 1: one, 3: three}[keywords]
