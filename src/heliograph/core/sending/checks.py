"""Checks of a send in development, before a receiver is called."""

from __future__ import annotations

import os

from heliograph.core.connections.dead import lost_now, warn_of_lost
from heliograph.core.describe import title_of
from heliograph.core.development import KNOWN, check_once_known, in_development
from heliograph.core.mistakes import warn_of_named_sender

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from heliograph.core.connections.state import Expected
    from heliograph.core.declared.declaration import Declaration


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
        if KNOWN and not any(it._lost_in is not None for it in registry.dead or ()):
            registry.expect(declaration, _expected_by(declaration))


def _expected_by(declaration: Declaration) -> Expected:
    """Return what a send compares its payload with: see `SendState.expected`."""
    names = declaration.names
    classes = {name: declaration.classes.get(name, (object,)) for name in ("sender", *names)}
    sender, *arguments = (its[0] if len(its) == 1 else its for its in classes.values())
    return dict(zip(names, arguments, strict=True)), declaration.required, sender


def is_as_expected(expected: Expected, sender: Any, payload: dict[str, Any]) -> bool:
    """Tell whether a send is known to be as declared, while programs are being developed.

    No may be too careful: `check` knows in every case, in ten times the time.
    """
    classes, required, sender_classes = expected
    try:
        environ, data, key, switch, variable = KNOWN
        if os.environ is not environ or data.get(key) is not switch:
            return False
        if variable is not None and variable not in data:
            return False
        for name, value in payload.items():
            if not isinstance(value, classes[name]):
                return False
        # As all that it carries is declared, it carries everything if it is as long.
        complete = len(payload) == len(classes) or required <= payload.keys()
        return complete and isinstance(sender, sender_classes)
    except Exception:  # noqa: BLE001 - nothing is known, or a name is not declared.
        return False


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
