"""Admits receivers to declared signals, and declarations to signals that have receivers."""

from __future__ import annotations

from functools import partial

from heliograph.core.declared.compatibility import warn_of_deprecation
from heliograph.core.describe import title_of
from heliograph.core.errors import ReceiverError
from heliograph.core.lock import under_lock
from heliograph.core.source import file_and_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
    from typing import Any

    from heliograph.core.connections.receivers import ReceiverRef
    from heliograph.core.connections.registry import Registry
    from heliograph.core.declared.declaration import Declaration
    from heliograph.core.signal import Signal


def set_declaration(
    registry: Registry,
    declaration: Declaration | None,
    omitted: Mapping[ReceiverRef, frozenset[str]],
) -> None:
    """Declare a signal all of whose receivers can take the payload. Must run under the lock.

    Args:
        registry: That of the signal.
        declaration: What every payload is; None if the signal is no longer declared.
        omitted: The arguments that receivers do not get.
    """
    registry.declaration, registry.expected = declaration, None
    registry.fitted = {}
    # Where connecting may warn, each receiver is looked at.
    if declaration is not None and not declaration.deprecates:
        registry.fitted = declaration._fitted
    for receiver_ref in registry.receivers.values():
        receiver_ref.omitted = omitted.get(receiver_ref, frozenset())
    registry.checked |= declaration is not None
    registry.outdate_snapshots()


class _Candidate:
    """A declaration that a signal may get, if its receivers can take the payload."""

    def __init__(self, signal: Signal[...], declaration: Declaration) -> None:
        self.signal = signal
        self.wanted = declaration
        self.before: Declaration | None = None
        self.declaration = declaration
        # What each receiver does not get, by its key; and the receivers, so that no other object
        # gets the address of one of them.
        self.omitted: dict[Hashable, frozenset[str]] = {}
        self.held: list[object] = []
        self.omitted_before: dict[ReceiverRef, frozenset[str]] | None = None

    def check(self) -> None:
        """Check the receivers that have not been checked yet.

        Raises:
            ArgumentError: If the signal is declared already, elsewhere.
            ReceiverError: If a receiver cannot take the payload.
        """
        registry = self.signal._registry
        self.before = registry.declaration
        self.declaration = self.wanted._after(self.before)
        for receiver_ref in list(registry.receivers.values()):
            receiver = None if receiver_ref.key in self.omitted else receiver_ref()
            if receiver is not None:
                self.held.append(receiver)
                self.omitted[receiver_ref.key] = self._omitted_for(receiver_ref, receiver)

    def _omitted_for(self, receiver_ref: ReceiverRef, receiver: Any) -> frozenset[str]:
        declaration, site = self.declaration, receiver_ref.call_site
        try:
            omitted = declaration._omitted_for(receiver)
        except ReceiverError as error:
            msg = (
                f"{title_of(self.signal)} cannot be declared at {declaration.location}. "
                f"{receiver_ref.name}, connected at {file_and_line(site)}, could not take it. "
                f"{error}"
            )
            raise ReceiverError(msg) from None
        if declaration != self.before:
            warn_of_deprecation(receiver, declaration, site)
        return omitted

    def is_current(self) -> bool:
        """Tell whether nothing has changed since the check. Must run under the lock."""
        registry = self.signal._registry
        return (
            registry.declaration is self.before and registry.receivers.keys() <= self.omitted.keys()
        )

    def apply(self) -> None:
        """Declare the signal. Must run under the lock."""
        registry = self.signal._registry
        self.omitted_before = {it: it.omitted for it in registry.receivers.values()}
        omitted = {it: self.omitted[it.key] for it in self.omitted_before}
        set_declaration(registry, self.declaration, omitted)

    def undo(self) -> None:
        """Restore what was declared before `apply`. Must run under the lock."""
        if self.omitted_before is not None:
            set_declaration(self.signal._registry, self.before, self.omitted_before)


def agree(pairs: Iterable[tuple[Signal[...], Declaration]]) -> Callable[[], None]:
    """Declare each of the signals, or none of them.

    Receivers are checked outside the lock, because looking at a signature may run anybody's
    code. If others connect or declare in the meantime, those receivers are checked as well.

    Returns:
        A function that undoes it.

    Raises:
        ArgumentError: If one of the signals is declared already, elsewhere.
        ReceiverError: If a receiver cannot take the payload.
    """
    found = [_Candidate(signal, declaration) for signal, declaration in pairs]
    undo = partial(under_lock, _undo, found)
    made = False
    while made is False:  # None if it has to wait, as in a signal handler.
        for it in found:
            it.check()
        try:
            made = under_lock(_apply, found)
        except BaseException:  # A signal handler may raise right after the change.
            undo()
            raise
    return undo


def _apply(candidates: Sequence[_Candidate]) -> bool:
    if not all(it.is_current() for it in candidates):
        return False
    for it in candidates:
        it.apply()
    return True


def _undo(candidates: Sequence[_Candidate]) -> None:
    for it in candidates:
        it.undo()
