"""Makes the catalogue of live signals: declarations, receivers, and the places that send."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from heliograph import Signal
from heliograph.describe import describe_sender, location_of, portable_location
from heliograph.inspector.facts import (
    ArgumentInfo,
    Catalogue,
    DeadInfo,
    NamespaceInfo,
    ReceiverInfo,
    SignalInfo,
)
from heliograph.inspector.finding import held_by
from heliograph.inspector.senders import sends_in
from heliograph.inspector.static import is_a

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import ModuleType

    from heliograph import Connection
    from heliograph.inspector.facts import SendInfo
    from heliograph.inspector.finding import SignalGroup
    from heliograph.inspector.unloaded import UnloadedInfo


def read(
    target: str,
    found: Iterable[SignalGroup],
    modules: Sequence[ModuleType],
    unloaded: Iterable[UnloadedInfo] = (),
) -> Catalogue:
    """Describe signals.

    Args:
        target: What the user calls the program.
        found: The signals.
        modules: The modules to search for places that send them, and for variables that
            hold them.
        unloaded: Modules that were not imported. Those that have to do with no signal are left
            out.
    """
    groups = list(found)
    sends = sends_in(modules)
    variables: dict[Signal, str] = {}
    for path, it in held_by(modules):
        if is_a(it, Signal):
            variables.setdefault(it, path)

    called = {it: _names(it, variables.get(it, "")) for group in groups for it in group.signals}
    known = frozenset[str]().union(*called.values())
    lacking = [it for it in unloaded if it.makes or not known.isdisjoint(it.connects)]

    def described(signal: Signal) -> SignalInfo:
        unknown = (it.name for it in lacking if not called[signal].isdisjoint(it.connects))
        return _signal(signal, variables.get(signal, ""), sends.get(signal, ()), tuple(unknown))

    namespaces = (
        NamespaceInfo(it.name, it.variable, tuple(map(described, it.signals)), it.own)
        for it in groups
    )
    return Catalogue(target, tuple(namespaces), tuple(it.name for it in lacking))


def _names(signal: Signal, variable: str) -> set[str]:
    """Return what the source may call a signal."""
    return {str(signal.name), variable.rpartition(".")[2]} - {"", "None"}


def _signal(
    signal: Signal, variable: str, sends: tuple[SendInfo, ...], unknown: tuple[str, ...]
) -> SignalInfo:
    declaration = signal.declaration
    own = vars(signal).get("__doc__")
    return SignalInfo(
        name=str(signal.name or variable or "a signal without a name"),
        variable=variable,
        doc=inspect.cleandoc(own) if own else None,
        declared=declaration is not None,
        location=portable_location(declaration.location) if declaration else None,
        sender=declaration.sender if declaration else "",
        payload=tuple(map(_argument, declaration.arguments)) if declaration else (),
        deprecated=declaration.deprecated if declaration else None,
        receivers=tuple(map(receiver_info, signal.connections)),
        dead=tuple(
            DeadInfo(it.name, portable_location(it.location)) for it in signal.dead_receivers
        ),
        unknown=unknown,
        sends=sends,
    )


def _argument(declared: Any) -> ArgumentInfo:
    return ArgumentInfo(
        name=declared.name,
        type=declared.annotation,
        required=declared.default is None,
        default=declared.default,
        deprecated=declared.deprecated,
    )


def receiver_info(connection: Connection) -> ReceiverInfo:
    """Describe a receiver and how it is connected."""
    receiver = connection.receiver
    location = None if receiver is None else location_of(receiver)
    return ReceiverInfo(
        name=connection.name,
        location=None if location is None else portable_location(location),
        connected=portable_location(connection.location),
        sender=describe_sender(connection.sender, value=True),
        weak=connection.weak,
        priority=connection.priority,
        on_error=connection.on_error,
        is_async=connection.is_async,
        inline=connection.inline,
        takes_extra=connection.takes_extra,
        when=connection.when,
    )
