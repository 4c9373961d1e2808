"""Isolation: what was connected meanwhile is undone, to the connection."""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from heliograph import ANY, add_instrument, remove_instrument
from heliograph.testing.matching import SameSender

if TYPE_CHECKING:
    from collections.abc import Hashable
    from types import FrameType
    from typing import Self

    from heliograph import Connection, Emission, Signal

_HERE: ContextVar[frozenset[isolated]] = ContextVar("heliograph_isolated", default=frozenset())
"""The local blocks that the current context is inside of."""


class Journal:
    """Who was connected to which signal; neither is kept alive longer than without it."""

    def __init__(self) -> None:
        self._made: WeakKeyDictionary[Signal, list[Connection]] = WeakKeyDictionary()

    def note(self, signal: Signal, connection: Connection, new: bool) -> None:
        """Write down a new connection, or that one of those written down has been replaced."""
        made = self._made.setdefault(signal, [])
        replaced = [it for it in made if not it.connected and _same(it, connection)]
        if new or replaced:
            made.append(connection)

    def undo(self) -> None:
        """End the connections that are still there, and forget the receivers that have died."""
        for signal, made in list(self._made.items()):
            for connection in made:
                signal.disconnect(connection)
            # Messages list them, and would in whatever comes later.
            signal._registry.forget(made)
        self._made.clear()


def _same(one: Connection, other: Connection) -> bool:
    if one.receiver != other.receiver:
        return False
    hears_all = [it.sender is ANY for it in (one, other)]
    return all(hears_all) or (not any(hears_all) and SameSender(one.sender)(other.sender))


class Isolation:
    """An instrument that writes down connections for whoever is making them: the innermost scope.

    A scope is anything hashable. What is connected outside of all scopes, or
    while a module is being imported, is nobody's: it stays. A module is imported
    once, and would be without its receivers for the rest of the run.
    """

    def __init__(self) -> None:
        self._journals: dict[Hashable, Journal] = {}
        self._scopes: list[tuple[Hashable, int]] = []

    def __call__(self, emission: Emission) -> None:
        """See an emission, of which there is nothing to write down."""

    def on_connect(self, signal: Signal, connection: Connection, new: bool) -> None:
        """Write down a connection. The engine calls this."""
        if self._scopes:
            scope, modules = self._scopes[-1]
            if _modules_running() <= modules:
                self._journals.setdefault(scope, Journal()).note(signal, connection, new)

    def enter(self, scope: Hashable) -> None:
        """Let what is connected from now on belong to a scope."""
        self._scopes.append((scope, _modules_running()))

    def leave(self) -> None:
        """Let what is connected from now on belong to the scope before."""
        self._scopes.pop()

    def undo(self, scope: Hashable) -> None:
        """End what was connected in a scope."""
        journal = self._journals.pop(scope, None)
        if journal is not None:
            journal.undo()


def _modules_running() -> int:
    """Return how many modules are just being executed in this thread."""
    frame: FrameType | None = sys._getframe(1)
    many = 0
    while frame is not None:
        many += frame.f_code.co_name == "<module>" and _is_of_a_module(frame)
        frame = frame.f_back
    return many


def _is_of_a_module(frame: FrameType) -> bool:
    # A doctest, or whatever else is executed, runs under the same name.
    module = sys.modules.get(frame.f_globals.get("__name__", ""))
    return getattr(module, "__dict__", None) is frame.f_globals


class isolated:  # noqa: N801 - it reads as a verb.
    """A ``with`` block at the end of which every connection made inside is undone.

    Connections that were there before stay, to the same receivers too. So do
    those that are made while a module is imported: it will not be imported again.
    What is disconnected inside is not connected again.

    Args:
        local: Whether only what the current context connects is undone: this thread
            or task, and the tasks started from it. Otherwise it is what anybody
            connects while the block lasts, in another such block too.

    Example:
        >>> from heliograph import Signal
        >>> order_paid = Signal("order-paid")
        >>> with isolated():
        ...     _ = order_paid.connect(print)
        >>> order_paid.connections
        ()
    """

    def __init__(self, *, local: bool = False) -> None:
        self._isolation = LocalIsolation(self) if local else Isolation()
        self._local = local

    def __enter__(self) -> Self:
        self._isolation.enter(self)
        if self._local:
            _HERE.set(_HERE.get() | {self})
        add_instrument(self._isolation)
        return self

    def __exit__(self, *_: object) -> None:
        remove_instrument(self._isolation)
        if self._local:
            _HERE.set(_HERE.get() - {self})
        self._isolation.leave()
        self._isolation.undo(self)


class LocalIsolation(Isolation):
    """An isolation that writes down what is connected in the context of one block alone."""

    def __init__(self, block: isolated) -> None:
        super().__init__()
        self._block = block

    def on_connect(self, signal: Signal, connection: Connection, new: bool) -> None:
        """Write down a connection, if it is made there. The engine calls this."""
        if self._block in _HERE.get():
            super().on_connect(signal, connection, new)
