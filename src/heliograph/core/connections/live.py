"""What `Signal.receivers` gives: the receivers as they are whenever somebody looks."""

from __future__ import annotations

from collections.abc import Sequence

from heliograph.core.connections.group import listed
from heliograph.core.connections.scopes import counted_here
from heliograph.core.identity import ANY
from heliograph.core.lock import pending_changes
from heliograph.core.showing import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, overload

    from heliograph.core.connections.receivers import ReceiverRef
    from heliograph.core.connections.registry import Registry

    Receiver = Callable[..., Any]


class Here:
    """Knows which receivers of a registry count in the current context."""

    __slots__ = ()

    if TYPE_CHECKING:
        registry: Registry

    def _receiver_refs(self) -> list[ReceiverRef]:
        """Return them, each once, as a send to everybody would call them; some may be dead."""
        connections = counted_here(self.registry.connections())
        return list(dict.fromkeys(it._receiver_ref for it in connections))


class Anyone(Here):
    """Something that is true while anybody is connected: that costs one look.

    Whoever answered last is looked at first, so that it makes no difference how many there are
    or were.
    """

    __slots__ = ("last", "registry")

    def __init__(self, registry: Registry) -> None:
        self.registry: Registry = registry
        self.last: ReceiverRef | None = None

    def __bool__(self) -> bool:
        registry, last = self.registry, self.last
        if not registry.receivers and not registry.idle:
            return False
        # Where the context matters, or a change is still to come, all of them are looked at.
        alone = last is not None and not registry.local_connections and not pending_changes
        if not (alone and is_connected(registry, last)):
            self.last = last = self._find_anyone()
        return last is not None

    if TYPE_CHECKING:

        def _find_anyone(self) -> ReceiverRef | None:
            """Return one of those that are connected, if there is one; subclasses know how."""


def is_connected(registry: Registry, receiver_ref: Any) -> bool:
    """Tell whether a receiver lives, and is connected for everybody or for one who lives."""
    counts = receiver_ref.sender_counts
    if ANY not in counts:
        groups = (registry.senders.get(key) for key in tuple(counts))
        connections = (it for group in groups if group is not None for it in listed(group))
        if not any(it() is not None for it in connections if it._receiver_ref is receiver_ref):
            return False
    return receiver_ref() is not None


class ReceiverSequence(Here, Sequence["Receiver"]):
    """The live receivers of a signal, each once: a view that changes with them.

    It compares, shows and is indexed as the tuple of them does, and a copy of it is one.
    """

    __slots__ = ()

    def _now(self) -> tuple[Receiver, ...]:
        found = (receiver_ref() for receiver_ref in self._receiver_refs())
        return tuple(receiver for receiver in found if receiver is not None)

    def _find_anyone(self) -> ReceiverRef | None:
        return next((it for it in self._receiver_refs() if it() is not None), None)

    def __len__(self) -> int:
        return len(self._now())

    def __iter__(self) -> Iterator[Receiver]:
        return iter(self._now())

    def __contains__(self, receiver: object) -> bool:
        return receiver in self._now()

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, index: int) -> Receiver: ...
        @overload
        def __getitem__(self, index: slice) -> tuple[Receiver, ...]: ...

    def __getitem__(self, index: int | slice) -> Receiver | tuple[Receiver, ...]:
        return self._now()[index]

    def __reversed__(self) -> Iterator[Receiver]:
        return reversed(self._now())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ReceiverSequence):
            other = other._now()
        return self._now() == other if isinstance(other, tuple) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # What it equals changes.

    def __reduce__(self) -> tuple[Any, ...]:
        return tuple, (self._now(),)

    @shown
    def __repr__(self) -> str:
        return repr(self._now())


class Receivers(Anyone, ReceiverSequence):
    """What a signal gives where there is no part in C."""

    __slots__ = ()
