"""Checks of a send in development, before a receiver is called."""

from __future__ import annotations

from heliograph.core.connections.dead import lost_now, warn_of_lost
from heliograph.core.describe import title_of
from heliograph.core.development import check_once_known, in_development
from heliograph.core.mistakes import warn_of_named_sender

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def check(signal: Any, sender: Any, payload: dict[str, Any]) -> None:
    """Warn about a send that looks wrong, or refuse it.

    Raises:
        ArgumentError: If the payload does not match the declaration.
    """
    registry, checked = signal._registry, in_development()
    declaration = registry.declaration
    if checked is None:
        check_once_known(registry)
        return
    if not checked or declaration is None:  # The declaration may be refused at this moment.
        registry.check(on=False)
    if checked and registry.dead:
        _warn_of_lost(signal)
    if checked and declaration is not None:
        from heliograph.core.declared.checking import refuse_mismatch

        refuse_mismatch(declaration, sender, payload)


def _warn_of_lost(signal: Any) -> None:
    registry = signal._registry
    for it in lost_now(registry.dead):
        # The next send checks again: the warning may be raised as an error, and others be left.
        registry.check(on=True)
        warn_of_lost(it, title_of(signal))


def check_sender(signal: Any, sender: Any, payload: dict[str, Any]) -> None:
    """Warn about a sender that is passed by keyword, and so is part of the payload."""
    named = sender is None and "sender" in payload and signal._registry.declaration is None
    if named and in_development():
        warn_of_named_sender(title_of(signal))
