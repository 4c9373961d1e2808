"""Lets signals become what is declared of them, once whoever is connected can take it."""

from __future__ import annotations

from functools import partial

from heliograph.core.declared.compatibility import omitted_for, warn_of_deprecation
from heliograph.core.describe import title_of
from heliograph.core.errors import ReceiverError
from heliograph.core.lock import under_lock
from heliograph.core.source import where_is

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence
    from typing import Any

    from heliograph.core.connections.receivers import ReceiverRef
    from heliograph.core.declared.declaration import Declaration
    from heliograph.core.signal import Signal


class _Agreement:
    """What is found out of a signal, a declaration, and those who are connected."""

    def __init__(self, signal: Signal[...], declaration: Declaration) -> None:
        self.signal = signal
        self.wanted = declaration
        self.before: Declaration | None = None
        self.declaration = declaration
        # What each receiver is spared, by its key; and the receivers, so that no other one can
        # come to have the key.
        self.spared: dict[Hashable, frozenset[str]] = {}
        self.held: list[object] = []
        self.spared_before: dict[ReceiverRef, frozenset[str]] | None = None

    def look(self) -> None:
        """Find out whether those take it who have not been looked at yet.

        Raises:
            ArgumentError: If the signal is declared already, elsewhere.
            ReceiverError: If somebody does not take it.
        """
        registry = self.signal._registry
        self.before = registry.declaration
        self.declaration = self.wanted._after(self.before)
        for receiver_ref in list(registry.receivers.values()):
            receiver = None if receiver_ref.key in self.spared else receiver_ref()
            if receiver is not None:
                self.held.append(receiver)
                self.spared[receiver_ref.key] = self._looked_at(receiver_ref, receiver)

    def _looked_at(self, receiver_ref: ReceiverRef, receiver: Any) -> frozenset[str]:
        declaration, place = self.declaration, receiver_ref.options.place
        try:
            spared = omitted_for(receiver, declaration)
        except ReceiverError as error:
            msg = (
                f"{title_of(self.signal)} cannot be declared at {declaration.location}. "
                f"{receiver_ref.name}, connected at {where_is(place)}, could not take it. {error}"
            )
            raise ReceiverError(msg) from None
        if declaration != self.before:
            warn_of_deprecation(receiver, declaration, place)
        return spared

    def holds(self) -> bool:
        """Tell whether nothing has changed since. Must run under the lock."""
        registry = self.signal._registry
        return (
            registry.declaration is self.before and registry.receivers.keys() <= self.spared.keys()
        )

    def make(self) -> None:
        """Declare. Must run under the lock."""
        registry = self.signal._registry
        self.spared_before = {it: it.omitted for it in registry.receivers.values()}
        registry.agree(self.declaration, {it: self.spared[it.key] for it in self.spared_before})

    def undo(self) -> None:
        """Be as before, if anything was made. Must run under the lock."""
        if self.spared_before is not None:
            self.signal._registry.agree(self.before, self.spared_before)


def agree(pairs: Iterable[tuple[Signal[...], Declaration]]) -> Callable[[], None]:
    """Let each signal be what is declared of it, or none of them.

    Receivers are looked at outside of the change, as that may run anybody's code; if others
    connect or declare meanwhile, those are looked at as well.

    Returns:
        What undoes it.

    Raises:
        ArgumentError: If one of them is declared already, elsewhere.
        ReceiverError: If somebody who is connected does not take what is declared.
    """
    found = [_Agreement(signal, declaration) for signal, declaration in pairs]
    undo = partial(under_lock, _undo, found)
    made = False
    while made is False:  # None if it has to wait, as in a signal handler.
        for it in found:
            it.look()
        try:
            made = under_lock(_make, found)
        except BaseException:  # A signal handler may have come in between.
            undo()
            raise
    return undo


def _make(agreements: Sequence[_Agreement]) -> bool:
    if not all(it.holds() for it in agreements):
        return False
    for it in agreements:
        it.make()
    return True


def _undo(agreements: Sequence[_Agreement]) -> None:
    for it in agreements:
        it.undo()
