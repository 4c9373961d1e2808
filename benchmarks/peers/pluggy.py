"""pluggy, where a hook is the signal and every plugin brings one receiver."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from pluggy import HookimplMarker, HookspecMarker, PluginManager

from benchmarks.engines import SENDER, Loop
from benchmarks.peers.senderless import Senderless

if TYPE_CHECKING:
    from collections.abc import Iterable

PROJECT = "benchmarks"

specify: Any = HookspecMarker(PROJECT)
implement: Any = HookimplMarker(PROJECT)


class _Hooks:
    @specify  # type: ignore[untyped-decorator]  # Any, so that it is the same where pluggy is missing.
    def none(self, sender: object) -> object: ...

    @specify  # type: ignore[untyped-decorator]  # As above.
    def one(self, sender: object, a: object) -> object: ...

    @specify  # type: ignore[untyped-decorator]  # As above.
    def three(self, sender: object, a: object, b: object, c: object) -> object: ...


class Pluggy(Senderless):
    """Receivers are held strongly, and only values are collected, without their receivers."""

    name = "pluggy"

    def sending(self, keywords: int = 1, *, sender: object = SENDER) -> Loop:
        """Return a loop of calls of one hook, where all arguments go by name."""
        hook: Any = self._manager({0: "none", 1: "one", 3: "three"}[keywords]).hook

        def none(items: Iterable[object]) -> None:
            for _ in items:
                hook.none(sender=sender)

        def one(items: Iterable[object]) -> None:
            for _ in items:
                hook.one(sender=sender, a=1)

        def three(items: Iterable[object]) -> None:
            for _ in items:
                hook.three(sender=sender, a=1, b=2, c=3)

        return {0: none, 1: one, 3: three}[keywords]

    def sending_watched(self) -> Loop:
        """Return a loop of calls of one hook that a monitor counts."""
        manager = self._manager("one")
        count = 0

        def before(*_: object) -> None: ...

        def after(*_: object) -> None:
            nonlocal count
            count += 1

        manager.add_hookcall_monitoring(before, after)
        hook: Any = manager.hook

        def loop(items: Iterable[object]) -> None:
            for _ in items:
                hook.one(sender=SENDER, a=1)

        return loop

    def _manager(self, hook: str) -> PluginManager:
        manager = PluginManager(PROJECT)
        manager.add_hookspecs(_Hooks)
        for receiver in self.heard_by:
            manager.register(SimpleNamespace(**{hook: implement(receiver)}))
        return manager


ENGINE = Pluggy
