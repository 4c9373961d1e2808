"""zope.event, the least of all: a list of receivers, and one argument."""

from __future__ import annotations

from typing import TYPE_CHECKING

import zope.event

from benchmarks import receivers
from benchmarks.engines import SENDER, Loop
from benchmarks.peers.senderless import Senderless

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.receivers import Receiver


class Zope(Senderless):
    """The process has one list, held strongly; a send carries exactly one object."""

    name = "zope.event"

    def new_receiver(self, keywords: int = 1, *, exact: bool = False) -> Receiver:
        """Return a receiver that takes one object."""
        return receivers.exact(0)

    def sending(self, keywords: int = 1, *, sender: object = SENDER) -> Loop:
        """Return a loop that sends the sender, or a tuple of it and the values."""
        # Rows are measured one after the other: the list is this one's until the next.
        zope.event.subscribers[:] = self.heard_by
        notify = zope.event.notify

        def none(items: Iterable[object]) -> None:
            for _ in items:
                notify(sender)

        def one(items: Iterable[object]) -> None:
            for _ in items:
                notify((sender, 1))

        def three(items: Iterable[object]) -> None:
            for _ in items:
                notify((sender, 1, 2, 3))

        return {0: none, 1: one, 3: three}[keywords]


ENGINE = Zope
