"""Isolation: undoes exactly the connections made inside a block."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from heliograph import add_instrument, remove_instrument
from heliograph.testing.belonging import LocalBlock
from heliograph.testing.unused import Block

if TYPE_CHECKING:
    from collections.abc import Hashable
    from types import FrameType
    from typing import Self

    from heliograph import Connection, Emission, Signal

_FEW = 32
"""How many ended connections of a signal may stay noted before they are looked for."""


class Journal:
    """The connections made to each signal. It keeps neither alive."""

    def __init__(self) -> None:
        self._made: WeakKeyDictionary[Signal, Noted] = WeakKeyDictionary()

    def note(self, signal: Signal, connection: Connection) -> None:
        """Note a new connection."""
        noted = self._made.get(signal)
        if noted is None:
            noted = self._made[signal] = Noted()
        noted.add(connection)

    def replace(self, signal: Signal, connection: Connection, previous: Connection) -> None:
        """Note that a connection has replaced another, if that one was noted."""
        noted = self._made.get(signal)
        if noted is not None and previous in noted.connections:
            del noted.connections[previous]
            noted.add(connection)

    def undo(self) -> None:
        """End the connections that are left, and forget the receivers that have died."""
        for signal, noted in list(self._made.items()):
            for connection in noted.connections:
                signal.disconnect(connection)
            # Or the messages of later tests would list them.
            signal.forget_dead(*noted.connections, *noted.dead.values())
        self._made.clear()


class Noted:
    """The connections of one signal in one scope. Those that have ended take no memory."""

    def __init__(self) -> None:
        # A dict, for their order and a fast look-up.
        self.connections: dict[Connection, None] = {}
        # One for each line that connected a receiver that has died.
        self.dead: dict[tuple[str, str], Connection] = {}
        self._room = _FEW

    def add(self, connection: Connection) -> None:
        """Note a connection."""
        self.connections[connection] = None
        if len(self.connections) > self._room:
            self._drop_ended()

    def _drop_ended(self) -> None:
        # Nothing tells when a connection ends. Per new connection, this looks at one or two.
        connected = {it: it.connected for it in self.connections}
        self.dead |= {
            (it.name, it.location): it
            for it, is_connected in connected.items()
            if not is_connected and it.receiver is None
        }
        self.connections = {it: None for it, is_connected in connected.items() if is_connected}
        self._room = 2 * len(self.connections) + _FEW


class Isolation:
    """An instrument that notes each connection for the innermost scope, which made it.

    A scope is anything hashable. A connection made outside all scopes, or while a
    module is being imported, belongs to no scope and stays: the module is imported
    once, and would lack its receivers for the rest of the run.
    """

    def __init__(self) -> None:
        self._journals: dict[Hashable, Journal] = {}
        self._scopes: list[tuple[Hashable, int]] = []

    def __call__(self, emission: Emission) -> None:
        """Do nothing: it watches connections only. The engine calls this."""

    def on_connect(
        self, signal: Signal, connection: Connection, previous: Connection | None
    ) -> None:
        """Note a connection. The engine calls this."""
        if previous is not None:  # It belongs to the scope of the one that it replaces.
            for journal in tuple(self._journals.values()):
                journal.replace(signal, connection, previous)
        elif self._scopes:
            scope, modules = self._scopes[-1]
            if modules_running() <= modules:
                self._journals.setdefault(scope, Journal()).note(signal, connection)

    def enter(self, scope: Hashable, modules: int) -> None:
        """Let the connections made from now on belong to a scope.

        Args:
            scope: The scope.
            modules: How many modules are being executed around it, see `modules_running`.
        """
        self._scopes.append((scope, modules))

    def leave(self) -> None:
        """Let the connections made from now on belong to the outer scope again."""
        self._scopes.pop()

    def undo(self, scope: Hashable) -> None:
        """End the connections that were made in a scope."""
        journal = self._journals.get(scope)
        if journal is not None:
            journal.undo()
            self._journals.pop(scope, None)  # Last: if this is interrupted, it is done again.

    def begin(self, scope: Hashable) -> None:
        """Begin to watch, for one scope only."""
        self.enter(scope, modules_running())
        add_instrument(self)

    def end(self, scope: Hashable) -> None:
        """Stop watching, and undo the connections. Doing so again does no harm."""
        remove_instrument(self)
        self.undo(scope)


def modules_running() -> int:
    """Return how many modules are being executed in this thread."""
    frame: FrameType | None = sys._getframe(1)
    many = 0
    while frame is not None:
        many += frame.f_code.co_name == "<module>" and _is_of_a_module(frame)
        frame = frame.f_back
    return many


def _is_of_a_module(frame: FrameType) -> bool:
    # Doctests, and other code that is executed, have the same name.
    module = sys.modules.get(frame.f_globals.get("__name__", ""))
    return getattr(module, "__dict__", None) is frame.f_globals


class isolated(Block):  # noqa: N801 - it reads as a verb.
    """A ``with`` block whose end undoes every connection made inside.

    Connections that were there before stay, also those to the same receivers. So do
    connections made while a module is imported, as it will not be imported again.
    A connection that was ended inside is not made again.

    Args:
        local: Whether to undo only what the current context connects: this thread
            or task, and the tasks started from it. Otherwise the block undoes
            whatever is connected while it lasts, in other such blocks too.

    Example:
        >>> from heliograph import Signal
        >>> order_paid = Signal("order-paid")
        >>> with isolated():
        ...     _ = order_paid.connect(print)
        >>> order_paid.connections
        ()
    """

    def __init__(self, *, local: bool = False) -> None:
        self._local = local
        # One for each time that the block was entered and not left yet, the innermost last.
        self._open: list[Isolation] = []
        super().__init__()

    def _called(self) -> str:
        return "isolated(local=True)" if self._local else "isolated()"

    def __repr__(self) -> str:
        return f"<{self._called()}: {'on' if self._open else 'off'}>"

    def __enter__(self) -> Self:
        self._used = True
        isolation = LocalIsolation() if self._local else Isolation()
        try:
            self._open.append(isolation)
            isolation.begin(self)
        except BaseException:  # A signal handler's: the block will not be left.
            self._close(isolation)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        isolation = self._open[-1]
        try:
            self._close(isolation)
        except BaseException:
            self._close(isolation)  # Once more, if a signal handler came in between.
            raise

    def _close(self, isolation: Isolation) -> None:
        isolation.end(self)
        with suppress(ValueError):  # A first attempt, which was interrupted, has removed it.
            self._open.remove(isolation)


class LocalIsolation(Isolation):
    """An isolation that notes only what is connected in the context of its block."""

    def __init__(self) -> None:
        super().__init__()
        self._block = LocalBlock()

    def begin(self, scope: Hashable) -> None:
        """Begin to watch, for one scope only."""
        self._block.enter()
        super().begin(scope)

    def end(self, scope: Hashable) -> None:
        """Stop watching, and undo the connections."""
        self._block.leave()
        super().end(scope)

    def on_connect(
        self, signal: Signal, connection: Connection, previous: Connection | None
    ) -> None:
        """Note a connection, if it is made in that context. The engine calls this."""
        if previous is not None or self._block.is_here():
            super().on_connect(signal, connection, previous)
