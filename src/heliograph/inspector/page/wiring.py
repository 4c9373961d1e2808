"""Reads which signals the program holds, who receives them, and where a test imports them from."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from heliograph import Namespace, Signal
from heliograph.describe import (
    describe_sender,
    label_of,
    location_of,
    portable_location,
    variables,
)
from heliograph.inspector.finding import held_by
from heliograph.inspector.static import is_a

if TYPE_CHECKING:
    from collections.abc import Iterable

    from heliograph import Connection


class Held(NamedTuple):
    """A signal of the program.

    Attributes:
        signal: The signal.
        label: What lists call it.
        namespace: The name of its namespace, or None.
        variable: Where it can be imported from, or "".
        holder: Where its namespace can be imported from, or "".
    """

    signal: Signal[...]
    label: str
    namespace: str | None
    variable: str
    holder: str


def held_signals() -> list[Held]:
    """Return the signals that modules hold, by themselves or in a namespace."""
    found = list(variables(lambda _, it: is_a(it, Signal) or is_a(it, Namespace)))
    own = _own(found)
    # Of several namespaces that have a signal, the name that says most.
    namespaces = sorted(
        (it for it in own if is_a(it[1], Namespace) and it[1].name), key=lambda it: len(it[1].name)
    )
    holders = {signal: (path, it) for path, it in namespaces for signal in it.values()}
    paths: dict[Signal[...], str] = {}
    for path, it in own:
        if is_a(it, Signal):
            paths.setdefault(it, path)
    # Those of modules first, then those that only a namespace holds.
    signals = [*paths, *(it for it in holders if it not in paths)]
    return [_held(it, paths.get(it, ""), *holders.get(it, ("", None))) for it in signals]


def _held(signal: Signal[...], variable: str, holder: str, namespace: Any) -> Held:
    name = None if namespace is None else namespace.name
    return Held(signal, label_of(signal), name, variable, holder)


def _own(found: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Leave out what a module has imported from another one."""
    modules = {name: None for path, _ in found if (name := path.rpartition(".")[0]) in sys.modules}
    held = [it for name in modules for it in held_by([sys.modules[name]])]
    return [(path, it) for path, it in held if is_a(it, Signal) or is_a(it, Namespace)]


def as_dicts(held: Iterable[Held]) -> list[dict[str, Any]]:
    """Describe signals and their receivers, as JSON has it."""
    return [_signal(it) for it in held]


def _signal(held: Held) -> dict[str, Any]:
    declaration = held.signal.declaration
    arguments: Any = () if declaration is None else declaration.arguments
    return {
        "name": held.label,
        "namespace": held.namespace,
        "variable": held.variable,
        "doc": vars(held.signal).get("__doc__"),
        "declared": declaration is not None,
        "payload": [{"name": it.name, "type": it.annotation} for it in arguments],
        "receivers": [_receiver(it) for it in held.signal.connections],
    }


def _receiver(connection: Connection) -> dict[str, Any]:
    receiver = connection.receiver
    place = None if receiver is None else location_of(receiver)
    return {
        "name": connection.name,
        "location": None if place is None else portable_location(place),
        "connected": portable_location(connection.location),
        "sender": describe_sender(connection.sender),
        "priority": connection.priority,
        "on_error": connection.on_error,
        "is_async": connection.is_async,
        "weak": connection.weak,
        "when": connection.when,
    }
