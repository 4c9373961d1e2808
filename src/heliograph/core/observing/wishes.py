"""Who watches which signals: what instruments want, and what a send asks of it."""

from __future__ import annotations

from weakref import WeakSet

from heliograph.core.errors import ArgumentError
from heliograph.core.lock import keep_until_unlocked, under_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence
    from typing import Any

    from heliograph.core.connections.registry import Registry
    from heliograph.core.observing.emission import Emission

    Instrument = Callable[[Emission], object]

    # A key, by which two can be told to be the same, and what grants a wish.
    Choice = tuple[Hashable, Callable[["Wish"], object]]


class Watchers(list["Instrument"]):
    """Those who watch a signal, in the order in which they were added.

    It is a list because all that most sends ask is whether it is empty.

    Attributes:
        on_start: Those who want to be told of emissions before anybody is called.
        on_connect: Those who want to be told of connections.
    """

    __slots__ = ("on_connect", "on_start")

    def __init__(self, wishes: Iterable[Wish] = ()) -> None:
        super().__init__()
        self.hold(wishes)

    def hold(self, wishes: Iterable[Wish]) -> None:
        """Be those who have these wishes."""
        wishes = tuple(wishes)
        self.on_connect: list[Instrument] = [it.instrument for it in wishes if it.connects]
        self.on_start: list[Instrument] = [it.instrument for it in wishes if it.starts]
        self[:] = [it.instrument for it in wishes]


class Wish:
    """What an instrument wants to see.

    Attributes:
        instrument: Who wants it.
        starts: Whether it wants to be told of emissions that begin.
        connects: Whether it wants to be told of connections.
        wanted: What it has named, by keys that say whether two have named the same; None if it
            wants to see every signal.
        registries: Those of the signals that it wants to see, if it has named them.
    """

    __slots__ = ("__weakref__", "connects", "instrument", "registries", "starts", "wanted")

    def __init__(
        self,
        instrument: Instrument,
        wanted: frozenset[Hashable] | None,
        starts: bool,
        connects: bool,
    ) -> None:
        self.instrument: Instrument = instrument
        self.wanted: frozenset[Hashable] | None = wanted
        self.starts: bool = starts
        self.connects: bool = connects
        self.registries: WeakSet[Registry] = WeakSet()


EVERYWHERE = Watchers()
"""Those who watch the signals of which nobody has named any: they want to see all signals."""

_added: dict[Hashable, Wish] = {}
"""What the instruments want, by the keys of these."""

_named: WeakSet[Registry] = WeakSet()
"""The registries of the signals that some of them have named, which have watchers of their own."""


def add(key: Hashable, wish: Wish) -> Wish:
    """Take in a wish, unless the instrument has one; returns the one it has.

    Must run under the lock.
    """
    found = _added.setdefault(key, wish)
    _publish()
    return found


def remove(key: Hashable) -> None:
    """Let an instrument want nothing any more. Must run under the lock."""
    keep_until_unlocked(_added.pop(key, None))
    _publish()


def everybody() -> list[Instrument]:
    """Return all instruments, in the order in which they were added."""
    return [it.instrument for it in tuple(_added.values())]


def show(wish: Wish, registries: Iterable[Registry]) -> None:
    """Let an instrument see some of the signals that it wants, unless it was removed."""
    under_lock(_show, wish, tuple(registries))


def _show(wish: Wish, registries: Sequence[Registry]) -> None:
    if wish in _added.values():
        wish.registries.update(registries)
        _named.update(registries)
        _publish_to(registries)


def _publish() -> None:
    # All that were added, each time: a change that was interrupted is made good by the next one.
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


def chosen(signals: Any) -> dict[Hashable, Callable[[Wish], object]]:
    """Return what grants an instrument the signals that it has named, by their keys.

    Raises:
        ArgumentError: If something is no signal, namespace or pattern, or nothing is named.
    """
    if isinstance(signals, str) or _choose(signals) is not None:
        msg = f"signals={signals!r} is one thing: name a list of them, as in signals=[order_paid]."
        raise ArgumentError(msg)
    try:
        named = list(signals)
    except TypeError:
        msg = f"signals={signals!r} is not a list of signals."
        raise ArgumentError(msg) from None
    if not named:
        msg = f"signals={signals!r} names no signal. Leave it out to see every signal."
        raise ArgumentError(msg)
    return dict(map(_choice_of, named))


def _choice_of(named: Any) -> Choice:
    choose = _choose(named)
    if choose is None:
        msg = (
            f"{named!r} is nothing that an instrument could see: name a signal, a namespace, or "
            'what namespace.signals("order-*") returns.'
        )
        raise ArgumentError(msg)
    choice: Choice = choose(named)
    return choice


def _choose(named: Any) -> Callable[[Any], Choice] | None:
    # Of the type: proxies and mocks have any attribute.
    return getattr(type(named), "_choice", None)
