"""Reads what is known of live signals: their declarations, their receivers, who sends them."""

from __future__ import annotations

import inspect
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from heliograph import ANY, Signal
from heliograph.inspector.facts import (
    Catalogue,
    KnownArgument,
    KnownNamespace,
    KnownReceiver,
    KnownSignal,
)
from heliograph.inspector.finding import held_by
from heliograph.inspector.looking import is_a
from heliograph.inspector.sending import sends_in
from heliograph.inspector.sources import portable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from heliograph import Connection
    from heliograph.inspector.facts import KnownSend
    from heliograph.inspector.finding import Found


def read(target: str, found: Iterable[Found], modules: Sequence[ModuleType]) -> Catalogue:
    """Return what is known of signals.

    Args:
        target: The ``module`` or ``module:namespace`` that they were found in.
        found: The signals.
        modules: Where to look for who sends them, and for where they can be imported from.
    """
    sends = sends_in(modules)
    variables: dict[Signal, str] = {}
    for path, it in held_by(modules):
        if is_a(it, Signal):
            variables.setdefault(it, path)

    def known(signal: Signal) -> KnownSignal:
        return _signal(signal, variables.get(signal, ""), sends.get(signal, ()))

    return Catalogue(
        target,
        tuple(KnownNamespace(it.name, it.variable, tuple(map(known, it.signals))) for it in found),
    )


def _signal(signal: Signal, variable: str, sends: tuple[KnownSend, ...]) -> KnownSignal:
    declaration = signal.declaration
    own = vars(signal).get("__doc__")
    return KnownSignal(
        name=str(signal.name or variable),
        variable=variable,
        doc=inspect.cleandoc(own) if own else None,
        declared=declaration is not None,
        location=portable(declaration.location) if declaration else None,
        sender=declaration.sender if declaration else "",
        payload=tuple(map(_argument, declaration.arguments)) if declaration else (),
        deprecated=declaration.deprecated if declaration else None,
        receivers=tuple(map(_receiver, signal.connections)),
        sends=sends,
    )


def _argument(declared: Any) -> KnownArgument:
    return KnownArgument(
        name=declared.name,
        type=declared.annotation,
        required=declared.default is None,
        default=declared.default,
        deprecated=declared.deprecated,
    )


def _receiver(connection: Connection) -> KnownReceiver:
    return KnownReceiver(
        name=connection.name,
        location=portable(connection.location),
        sender=_who(connection.sender),
        priority=connection.priority,
        on_error=connection.on_error,
        is_async=connection.is_async,
        takes_extra=connection.takes_extra,
    )


def _who(sender: object) -> str:
    """Return what a sender is called; not its `repr`, which may hold an address or a secret."""
    if sender is ANY:
        return "ANY"
    if type(sender) in (str, int):
        return repr(sender)  # Which of them it is, and not only of which type.
    if is_a(sender, ModuleType):
        return sender.__name__
    if is_a(sender, type) or is_a(sender, FunctionType):
        return f"{sender.__module__}.{sender.__qualname__}"
    return f"a {type(sender).__qualname__}"
