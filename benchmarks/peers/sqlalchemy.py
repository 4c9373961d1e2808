"""SQLAlchemy's events, with one target as the signal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.event.registry import EventTarget

from benchmarks.engines import SENDER, Loop
from benchmarks.peers.senderless import Senderless

if TYPE_CHECKING:
    from collections.abc import Iterable


class _Target(EventTarget):
    dispatch: Any


class _Events(event.Events[_Target]):
    _dispatch_target = _Target

    def none(self, sender: object) -> None: ...

    def one(self, sender: object, a: object) -> None: ...

    def three(self, sender: object, a: object, b: object, c: object) -> None: ...


class SQLAlchemy(Senderless):
    """Arguments go by position, receivers are held strongly, and nothing is collected."""

    name = "sqlalchemy"

    def sending(self, keywords: int = 1, *, sender: object = SENDER) -> Loop:
        """Return a loop that passes the sender and the values by position."""
        target = _Target()
        for receiver in self.heard_by:
            event.listen(target, {0: "none", 1: "one", 3: "three"}[keywords], receiver)

        def none(items: Iterable[object]) -> None:
            for _ in items:
                target.dispatch.none(sender)

        def one(items: Iterable[object]) -> None:
            for _ in items:
                target.dispatch.one(sender, 1)

        def three(items: Iterable[object]) -> None:
            for _ in items:
                target.dispatch.three(sender, 1, 2, 3)

        return {0: none, 1: one, 3: three}[keywords]


ENGINE = SQLAlchemy
