"""Which signals a program has before any of them is sent: those that its modules can name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heliograph import Namespace, Signal
from heliograph.describe import variables

if TYPE_CHECKING:
    from collections.abc import Iterable


def known_signals(chosen: Iterable[Any] | None) -> list[Signal[...]]:
    """Return the signals among those that are chosen, or of all modules, each once.

    It looks through all modules once, which takes some milliseconds.

    Args:
        chosen: Signals, namespaces and patterns; or None.
    """
    if chosen is None:
        # On the type, as proxies and mocks have any class.
        chosen = [it for _, it in variables(lambda _, it: issubclass(type(it), Signal | Namespace))]
    found: dict[int, Signal[...]] = {}
    for it in chosen:
        inside = it.values() if isinstance(it, Namespace) else [it]
        found |= {id(signal): signal for signal in inside if isinstance(signal, Signal)}
    return list(found.values())
