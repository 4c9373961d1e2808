"""Which instruments watch which signals, as a send can look it up."""

from __future__ import annotations

from weakref import WeakSet

from heliograph.core.lock import keep_until_unlocked, under_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence
    from typing import Any, ClassVar

    from heliograph.core.connections.registry import Registry
    from heliograph.core.instrumenting import Watching
    from heliograph.core.observing.emission import Emission

    Instrument = Callable[[Emission], object]

    # A key, equal for equal choices, and a function that grants a wish.
    Choice = tuple[Hashable, Callable[["Wish"], object]]


class Watchers(list["Instrument"]):
    """The instruments that watch a signal, in the order in which they were added.

    It is a list because most sends only ask whether it is empty.

    Attributes:
        on_start: The instruments that have the method ``on_start``.
        on_connect: The instruments that have the method ``on_connect``.
        on_disconnect: The instruments that have the method ``on_disconnect``.
        told: All of them, as a tuple that does not change while they are called.
        watching: What watches. It is there as soon as there is an instrument.
    """

    __slots__ = ("on_connect", "on_disconnect", "on_start", "told")

    watching: ClassVar[type[Watching]]

    def __init__(self, wishes: Iterable[Wish] = ()) -> None:
        super().__init__()
        self.hold(wishes)

    def hold(self, wishes: Iterable[Wish]) -> None:
        """Hold the instruments of these wishes, and no others."""
        wishes = tuple(wishes)
        self.on_connect: list[Instrument] = [it.instrument for it in wishes if it.connects]
        self.on_disconnect: list[Instrument] = [it.instrument for it in wishes if it.disconnects]
        self.on_start: list[Instrument] = [it.instrument for it in wishes if it.starts]
        self.told: tuple[Instrument, ...] = tuple(it.instrument for it in wishes)
        self[:] = self.told


class Wish:
    """What an instrument wants to see.

    Attributes:
        instrument: The instrument.
        starts: Whether it has the method ``on_start``.
        connects: Whether it has the method ``on_connect``.
        disconnects: Whether it has the method ``on_disconnect``.
        wanted: The keys of its choices; None if it wants to see every signal.
        registries: The registries of the signals that it has named.
    """

    __slots__ = (
        "__weakref__",
        "connects",
        "disconnects",
        "instrument",
        "registries",
        "starts",
        "wanted",
    )

    def __init__(
        self,
        instrument: Instrument,
        wanted: frozenset[Hashable] | None,
        starts: bool,
        connects: bool,
        disconnects: bool,
    ) -> None:
        self.instrument: Instrument = instrument
        self.wanted: frozenset[Hashable] | None = wanted
        self.starts: bool = starts
        self.connects: bool = connects
        self.disconnects: bool = disconnects
        self.registries: WeakSet[Registry] = WeakSet()


EVERYWHERE = Watchers()
"""The watchers of every signal that no instrument has named: those that want all signals."""

TELLERS: dict[int | tuple[int, int], None] = {}
"""The threads, tasks and greenlets in which an instrument is running now."""

_added: dict[Hashable, Wish] = {}
"""The wishes of all instruments, by the keys of the instruments."""

_failed: set[Hashable] = set()
"""The keys of instruments that have failed, until they are added again: other threads may still be
calling them."""

_named: WeakSet[Registry] = WeakSet()
"""The registries with watchers of their own: an instrument has named their signals."""


def add(key: Hashable, wish: Wish) -> Wish:
    """Add a wish, unless the instrument has one; return the wish that it has.

    Must run under the lock.
    """
    _failed.discard(key)
    found = _added.setdefault(key, wish)
    _publish()
    return found


def remove(key: Hashable) -> None:
    """Remove the wish of an instrument. Must run under the lock."""
    keep_until_unlocked(_added.pop(key, None))
    _publish()


def remove_failed(key: Hashable) -> bool:
    """Remove the wish of an instrument that has failed; tell whether it is the first failure.

    Must run under the lock.
    """
    first = key not in _failed
    _failed.add(key)
    remove(key)
    return first


def everybody() -> list[Instrument]:
    """Return all instruments, in the order in which they were added."""
    return [it.instrument for it in tuple(_added.values())]


def show(wish: Wish, registries: Iterable[Registry]) -> None:
    """Let an instrument see the signals of these registries, unless it was removed."""
    under_lock(_show, wish, tuple(registries))


def _show(wish: Wish, registries: Sequence[Registry]) -> None:
    if wish in _added.values():
        wish.registries.update(registries)
        _named.update(registries)
        _publish_to(registries)


def watch_likewise(registry: Any, before: Any) -> None:
    """Let all who have named a signal see it, though it has another registry now.

    Must run under the lock.
    """
    for wish in _added.values():
        if before in wish.registries:
            wish.registries.add(registry)
            _named.add(registry)
    _publish_to([registry])


def _publish() -> None:
    # From all wishes each time, so that the next change repairs one that was interrupted.
    EVERYWHERE.hold(it for it in _added.values() if it.wanted is None)
    _publish_to(tuple(_named))


def _publish_to(registries: Sequence[Registry]) -> None:
    for registry in registries:
        wishes = [it for it in _added.values() if it.wanted is None or registry in it.registries]
        if all(it.wanted is None for it in wishes):
            registry.be_watched_by(EVERYWHERE)
            _named.discard(registry)
        else:
            registry.be_watched_by(Watchers(wishes))
