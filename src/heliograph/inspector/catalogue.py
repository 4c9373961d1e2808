"""Makes the catalogue of live signals: declarations, receivers, and the places that send."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from heliograph import Signal
from heliograph.describe import describe_sender, portable_location
from heliograph.inspector.facts import (
    ArgumentInfo,
    Catalogue,
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


def read(target: str, found: Iterable[SignalGroup], modules: Sequence[ModuleType]) -> Catalogue:
    """Describe signals.

    Args:
        target: The ``module`` or ``module:namespace`` that has them.
        found: The signals.
        modules: The modules to search for places that send them, and for variables that
            hold them.
    """
    sends = sends_in(modules)
    variables: dict[Signal, str] = {}
    for path, it in held_by(modules):
        if is_a(it, Signal):
            variables.setdefault(it, path)

    def described(signal: Signal) -> SignalInfo:
        return _signal(signal, variables.get(signal, ""), sends.get(signal, ()))

    return Catalogue(
        target,
        tuple(
            NamespaceInfo(it.name, it.variable, tuple(map(described, it.signals))) for it in found
        ),
    )


def _signal(signal: Signal, variable: str, sends: tuple[SendInfo, ...]) -> SignalInfo:
    declaration = signal.declaration
    own = vars(signal).get("__doc__")
    return SignalInfo(
        name=str(signal.name or variable),
        variable=variable,
        doc=inspect.cleandoc(own) if own else None,
        declared=declaration is not None,
        location=portable_location(declaration.location) if declaration else None,
        sender=declaration.sender if declaration else "",
        payload=tuple(map(_argument, declaration.arguments)) if declaration else (),
        deprecated=declaration.deprecated if declaration else None,
        receivers=tuple(map(_receiver, signal.connections)),
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


def _receiver(connection: Connection) -> ReceiverInfo:
    return ReceiverInfo(
        name=connection.name,
        location=portable_location(connection.location),
        sender=describe_sender(connection.sender, value=True),
        priority=connection.priority,
        on_error=connection.on_error,
        is_async=connection.is_async,
        takes_extra=connection.takes_extra,
    )
