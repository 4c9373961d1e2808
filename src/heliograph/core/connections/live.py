"""The view that `Signal.receivers` returns: the live receivers at each look."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from heliograph.core.connections.connection import holds_object
from heliograph.core.connections.group import listed
from heliograph.core.connections.options import SCOPE
from heliograph.core.connections.scopes import counted_here, is_local
from heliograph.core.lock import pending_changes
from heliograph.core.showing import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, ClassVar, overload

    from heliograph.core.connections.connection import Connection
    from heliograph.core.connections.receivers import ReceiverRef
    from heliograph.core.connections.registry import Registry

    Receiver = Callable[..., Any]


class Kept(cached_property["Any"]):
    """A view that a signal makes when it is first asked, and keeps in the instance.

    There it is found without a call, and without the dict of the instance having to be made.
    """

    def __get__(self, signal: Any, owner: Any = None) -> Any:
        if signal is None:
            return self
        view = self.func(signal)
        # A subclass that has a property of its own asks for the view by `super()`.
        if type(signal).receivers is self:
            object.__setattr__(signal, "receivers", view)
        return view


class Here:
    """Looks for receivers that count in the current context."""

    __slots__ = ()

    if TYPE_CHECKING:
        registry: Registry

    def _receiver_refs(self) -> list[ReceiverRef]:
        """Return the receivers, each once, in the order of a send; some may be dead."""
        connections = counted_here(self.registry.connections())
        return list(dict.fromkeys(it._receiver_ref for it in connections))

    def _anyone(self, last: Connection | None) -> Connection | bool:
        """Return a connection that counts in every context, or else whether one counts here.

        The one that was returned last is looked at first. None is returned that holds an object
        as its sender, as views keep what they get.
        """
        registry = self.registry
        if last is not None and _is_alive(last) and registry.holds(last):
            return last
        for connection in _one_by_one(registry):
            if _is_alive(connection) and not is_local(connection._options[SCOPE]):
                return connection if not holds_object(connection) else True
        return any(map(_is_alive, counted_here(registry.connections())))


def _is_alive(connection: Connection) -> bool:
    return connection() is not None and connection._receiver_ref() is not None


def _one_by_one(registry: Registry) -> Iterator[Connection]:
    """Yield connections without copying the tables first, until somebody changes them."""
    try:
        yield from registry.any.connections.values()
        for group in registry.senders.values():
            yield from listed(group)
    except RuntimeError:  # pragma: no cover - only another thread can do that.
        return


class Anyone(Here):
    """An object that is true while a receiver is connected, at the cost of one look.

    It remembers a connection and the version of the registry in which that was there, so it
    makes no difference how many there are or were.
    """

    __slots__ = ("registry", "seen")

    def __init__(self, registry: Registry) -> None:
        self.registry: Registry = registry
        # At once, or another thread could see the half of it.
        self.seen: tuple[int | None, Connection | None] = (None, None)

    def __bool__(self) -> bool:
        registry = self.registry
        seen, last = self.seen
        version = registry.version
        # With a version, there is a last one. To ask `_is_alive` would take as long again.
        if (
            seen is version
            and not pending_changes
            and last() is not None  # type: ignore[misc]  # There is one, with a version.
            and last._receiver_ref() is not None  # type: ignore[union-attr]  # Likewise: a connection.
        ):
            return True
        if not registry.receivers and not registry.idle:
            return False
        found = self._anyone(last)
        if found is True or found is False:
            return found
        self.seen = version, found
        return True


class ReceiverSequence(Here, Sequence["Receiver"]):
    """The live receivers of a signal, each once: a view that changes with them.

    It compares, shows and is indexed as the tuple of them does, and a copy of it is one.
    """

    __slots__ = ()

    def _now(self) -> tuple[Receiver, ...]:
        found = (receiver_ref() for receiver_ref in self._receiver_refs())
        return tuple(receiver for receiver in found if receiver is not None)

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

    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # What it equals changes.

    def __reduce__(self) -> tuple[Any, ...]:
        return tuple, (self._now(),)

    @shown
    def __repr__(self) -> str:
        return repr(self._now())


class Receivers(Anyone, ReceiverSequence):
    """What a signal gives where there is no part in C."""

    __slots__ = ()
