"""Isolation: what was connected meanwhile is undone, to the connection."""

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
"""So many ended connections of a signal may be noted; it is more work to find them out."""


class Journal:
    """Who was connected to which signal; neither is kept alive longer than without it."""

    def __init__(self) -> None:
        self._made: WeakKeyDictionary[Signal, Noted] = WeakKeyDictionary()

    def note(self, signal: Signal, connection: Connection) -> None:
        """Write down a new connection."""
        noted = self._made.get(signal)
        if noted is None:
            noted = self._made[signal] = Noted()
        noted.add(connection)

    def replace(self, signal: Signal, connection: Connection, previous: Connection) -> None:
        """Write down that another connection has come in the place of one, if that was noted."""
        noted = self._made.get(signal)
        if noted is not None and previous in noted.connections:
            del noted.connections[previous]
            noted.add(connection)

    def undo(self) -> None:
        """End the connections that are still there, and forget the receivers that have died."""
        for signal, noted in list(self._made.items()):
            for connection in noted.connections:
                signal.disconnect(connection)
            # Messages list them, and would in whatever comes later.
            signal.forget_dead(*noted.connections, *noted.dead.values())
        self._made.clear()


class Noted:
    """The connections of one signal in one scope: how many have come and gone costs nothing."""

    def __init__(self) -> None:
        # For their order, and to be found at once.
        self.connections: dict[Connection, None] = {}
        # One for each line that connected receivers that have died meanwhile.
        self.dead: dict[tuple[str, str], Connection] = {}
        self._room = _FEW

    def add(self, connection: Connection) -> None:
        """Note a connection."""
        self.connections[connection] = None
        if len(self.connections) > self._room:
            self._leave_out_the_ended()

    def _leave_out_the_ended(self) -> None:
        # Nobody says when a connection ends. Each that is added pays for a look at one or two.
        connected = {it: it.connected for it in self.connections}
        self.dead |= {
            (it.name, it.location): it
            for it, is_connected in connected.items()
            if not is_connected and it.receiver is None
        }
        self.connections = {it: None for it, is_connected in connected.items() if is_connected}
        self._room = 2 * len(self.connections) + _FEW


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

    def on_connect(
        self, signal: Signal, connection: Connection, previous: Connection | None
    ) -> None:
        """Write down a connection. The engine calls this."""
        if previous is not None:  # Whoever has made that one, it is still theirs.
            for journal in tuple(self._journals.values()):
                journal.replace(signal, connection, previous)
        elif self._scopes:
            scope, modules = self._scopes[-1]
            if modules_running() <= modules:
                self._journals.setdefault(scope, Journal()).note(signal, connection)

    def enter(self, scope: Hashable, modules: int) -> None:
        """Let what is connected from now on belong to a scope.

        Args:
            scope: The scope.
            modules: How many modules are being executed around it, see `modules_running`.
        """
        self._scopes.append((scope, modules))

    def leave(self) -> None:
        """Let what is connected from now on belong to the scope before."""
        self._scopes.pop()

    def undo(self, scope: Hashable) -> None:
        """End what was connected in a scope."""
        journal = self._journals.get(scope)
        if journal is not None:
            journal.undo()
            self._journals.pop(scope, None)  # Last, as it may be interrupted, and done again.

    def begin(self, scope: Hashable) -> None:
        """Begin to watch, for one scope alone."""
        self.enter(scope, modules_running())
        add_instrument(self)

    def end(self, scope: Hashable) -> None:
        """Watch no more, and undo what was connected. Doing it again does no harm."""
        remove_instrument(self)
        self.undo(scope)


def modules_running() -> int:
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


class isolated(Block):  # noqa: N801 - it reads as a verb.
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
        self._local = local
        # One for each time that it was entered and not left yet, the innermost last.
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
        with suppress(ValueError):  # It is the second time, and the first has got so far.
            self._open.remove(isolation)


class LocalIsolation(Isolation):
    """An isolation that writes down what is connected in the context of one block alone."""

    def __init__(self) -> None:
        super().__init__()
        self._block = LocalBlock()

    def begin(self, scope: Hashable) -> None:
        """Begin to watch, for one scope alone."""
        self._block.enter()
        super().begin(scope)

    def end(self, scope: Hashable) -> None:
        """Watch no more, and undo what was connected."""
        self._block.leave()
        super().end(scope)

    def on_connect(
        self, signal: Signal, connection: Connection, previous: Connection | None
    ) -> None:
        """Write down a connection, if it is made there. The engine calls this."""
        if previous is not None or self._block.is_here():
            super().on_connect(signal, connection, previous)
