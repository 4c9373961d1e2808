"""Selects signals of a catalogue: by pattern, and by what is wrong with them."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heliograph.inspector.facts import Catalogue, NamespaceInfo, SignalInfo


def select(
    catalogue: Catalogue,
    patterns: Sequence[str] = (),
    *,
    own: bool = False,
    unheard: bool = False,
    dead: bool = False,
) -> Catalogue:
    """Return a catalogue with some of the signals, equal ones once, and no empty namespaces.

    Args:
        catalogue: All signals.
        patterns: A signal is selected if its name, its name after that of its namespace, or
            where it is imported from matches one of these, or if there are none. ``*`` and ``?``
            stand for any characters and for one; without them, a part of the name is enough.
        own: Whether to leave out the signals of packages that the program uses.
        unheard: Whether to leave out signals that have receivers.
        dead: Whether to leave out signals none of whose receivers has died.
    """

    def wanted(namespace: NamespaceInfo, signal: SignalInfo) -> bool:
        return (
            (not patterns or _matches(patterns, namespace, signal))
            and (namespace.own or not own)
            and not (unheard and signal.receivers)
            and not (dead and not signal.dead)
        )

    chosen = (
        # Equal ones once: objects of one class may have a signal each.
        replace(
            namespace,
            signals=tuple(dict.fromkeys(it for it in namespace.signals if wanted(namespace, it))),
        )
        for namespace in catalogue.namespaces
    )
    return replace(catalogue, namespaces=tuple(it for it in chosen if it.signals))


def _matches(patterns: Sequence[str], namespace: NamespaceInfo, signal: SignalInfo) -> bool:
    full = f"{namespace.name or ''}.{signal.name}"
    return matches_any(patterns, signal.name, full, signal.variable)


def matches_any(patterns: Sequence[str], *names: str) -> bool:
    """Tell whether a pattern fits one of several names: a part, or with wildcards the whole."""
    whole = [it if set(it) & set("*?[") else f"*{it}*" for it in patterns]
    return any(fnmatchcase(name, it) for name in names for it in whole)
