"""Lets signals become what is declared of them, once whoever is connected can take it."""

from __future__ import annotations

from functools import partial

from heliograph.core.callables import title_of
from heliograph.core.declared.fitting import left_out_for, warn_of_deprecation
from heliograph.core.errors import ReceiverError
from heliograph.core.record import NOTHING
from heliograph.core.terms import PLACE, where_is
from heliograph.core.writer import exclusively

TYPE_CHECKING = False  # What type checkers believe, without importing typing.
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from heliograph.core.declared.declaration import Declaration
    from heliograph.core.record import Record
    from heliograph.core.signal import Signal


class _Agreement:
    """What was found out of a signal, a declaration, and those who are connected."""

    def __init__(self, signal: Signal[...], declaration: Declaration) -> None:
        registry = signal._registry
        self.signal = signal
        self.before = registry.declaration
        self.declaration = declaration._after(self.before)
        found = [(record, record()) for record in list(registry.receivers.values())]
        self.spared = {record: self._spared(record, it) for record, it in found}
        told = [] if declaration == self.before else found
        for record, receiver in ((record, it) for record, it in told if it is not None):
            warn_of_deprecation(receiver, declaration, record.terms[PLACE])
        self.spared_before: dict[Record, frozenset[str]] = {}

    def _spared(self, record: Record, receiver: Any) -> frozenset[str]:
        try:
            return NOTHING if receiver is None else left_out_for(receiver, self.declaration)
        except ReceiverError as error:
            place = where_is(record.terms[PLACE])
            msg = f"{record.name}, connected at {place}, could not take it. {error}"
            raise ReceiverError(msg) from None

    def holds(self) -> bool:
        """Tell whether nothing has changed since. Has to run in `exclusively`."""
        registry = self.signal._registry
        known = self.spared
        return registry.declaration is self.before and known.keys() >= set(
            registry.receivers.values()
        )

    def make(self) -> None:
        """Declare. Has to run in `exclusively`."""
        registry = self.signal._registry
        self.spared_before = {it: it.left_out for it in registry.receivers.values()}
        registry.agree(self.declaration, self.spared)

    def undo(self) -> None:
        """Be as before. Has to run in `exclusively`."""
        self.signal._registry.agree(self.before, self.spared_before)


def agree(pairs: Iterable[tuple[Signal[...], Declaration]]) -> Callable[[], None]:
    """Let each signal be what is declared of it, or none of them.

    Receivers are looked at outside of the change, as that may run anybody's code; if others
    connect or declare meanwhile, they are looked at again.

    Returns:
        What undoes it.

    Raises:
        ArgumentError: If one of them is declared already, elsewhere.
        ReceiverError: If somebody who is connected does not take what is declared.
    """
    wanted = list(pairs)
    made = None
    while made is None:
        found = [_agreement(signal, declaration) for signal, declaration in wanted]
        # None if it has to wait, being made by a finalizer in the middle of another change.
        made = None if exclusively(_make, found) is False else found
    return partial(exclusively, _undo, made)


def _agreement(signal: Signal[...], declaration: Declaration) -> _Agreement:
    try:
        return _Agreement(signal, declaration)
    except ReceiverError as error:
        msg = f"{title_of(signal)} cannot be declared at {declaration.where}. {error}"
        raise ReceiverError(msg) from None


def _make(agreements: Sequence[_Agreement]) -> bool:
    if not all(it.holds() for it in agreements):
        return False
    for it in agreements:
        it.make()
    return True


def _undo(agreements: Sequence[_Agreement]) -> None:
    for it in agreements:
        it.undo()
