"""The program that is examined: its modules, its signals, and who is connected to them."""

from __future__ import annotations

import gc
import inspect
import os
import sys
from dataclasses import dataclass
from functools import cached_property
from sysconfig import get_path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from heliograph.describe import location_of
from heliograph.inspector.doctor.beside import words_beside
from heliograph.inspector.doctor.source import Source
from heliograph.inspector.doctor.uses import Connect, Send, connects_in, sends_of
from heliograph.inspector.ownership import living_signals
from heliograph.inspector.static import is_a

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heliograph import Connection, Signal


@dataclass(frozen=True)
class Connected:
    """A connection that there is, with its signal and its place.

    Attributes:
        signal: The signal.
        connection: The connection.
        location: The absolute ``file:line`` that made it; that of the receiver if the program
            did not make it itself.
        own: Whether that is in the program, and not in a package that is installed.
    """

    signal: Signal[...]
    connection: Connection
    location: str
    own: bool


@dataclass(frozen=True)
class Lost:
    """A receiver that died while it was connected.

    Attributes:
        signal: The signal.
        name: Its name.
        location: The absolute ``file:line`` that connected it.
        by_mistake: Whether it died before a send could reach it, and nobody dropped it on purpose.
    """

    signal: Signal[...]
    name: str
    location: str
    by_mistake: bool


@dataclass
class Program:
    """A loaded program.

    Args:
        modules: Its modules: those that it consists of, and not what is installed beside it.
        app: Its application, if it has one.
        is_async: Whether the application's framework is async, and an event loop runs it.
        blinkers: The names of the signals that are Blinker's if the program is started by itself.
    """

    modules: tuple[ModuleType, ...]
    app: Any = None
    is_async: bool = False
    blinkers: frozenset[str] = frozenset()

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """The source of each module; one that runs twice, as a program too, is read once."""
        found = {it.file: it for it in map(Source.of, self.modules)}
        return tuple(found.values())

    @cached_property
    def files(self) -> dict[str, Source]:
        """The source of each file."""
        return {it.file: it for it in self.sources}

    @cached_property
    def connects(self) -> tuple[Connect, ...]:
        """The places in the source that connect."""
        return tuple(it for source in self.sources for it in connects_in(source))

    @cached_property
    def sends(self) -> tuple[Send, ...]:
        """The calls in the source that send a known signal."""
        return tuple(it for source in self.sources for it in sends_of(source))

    @cached_property
    def unread(self) -> frozenset[str]:
        """The words in the files beside its modules that are not imported."""
        return words_beside(self.modules, self.files)

    @cached_property
    def signals(self) -> tuple[Signal[...], ...]:
        """All signals that are alive in the process, whoever has made them."""
        gc.collect()  # What is only garbage is not there, and its receivers are not either.
        return tuple(living_signals())

    @cached_property
    def connected(self) -> tuple[Connected, ...]:
        """All connections, in the order of each signal."""
        return tuple(
            self._connected(signal, it) for signal in self.signals for it in signal.connections
        )

    @cached_property
    def lost(self) -> tuple[Lost, ...]:
        """The receivers that died, of those that the program itself has connected."""
        found = [
            Lost(signal, it.name, absolute(it.location), it.lost)
            for signal in self.signals
            for it in signal.dead_receivers
        ]
        return tuple(it for it in found if self.owns(it.location))

    def owns(self, location: str | None) -> bool:
        """Tell whether a ``file:line`` is in the program."""
        return (location or "").rpartition(":")[0] in self.files

    def lines_of(self, location: str) -> range:
        """Return the lines of the statement at a ``file:line``."""
        file, _, line = location.rpartition(":")
        source = self.files.get(file)
        return range(int(line), int(line) + 1) if source is None else source.lines_of(int(line))

    def lives_at(self, connect: Connect) -> bool:
        """Tell whether a connection that was made at this place is there."""
        return any(_is_at(connect, it.location) for it in self.connected)

    def lost_at(self, connect: Connect) -> bool:
        """Tell whether a receiver that was connected at this place died by mistake."""
        return any(_is_at(connect, it.location) for it in self.lost if it.by_mistake)

    def died_at(self, connect: Connect) -> bool:
        """Tell whether a receiver that was connected at this place has died, whyever."""
        return any(_is_at(connect, it.location) for it in self.lost)

    def _connected(self, signal: Signal[...], connection: Connection) -> Connected:
        made = absolute(connection.location)
        if not self.owns(made):
            # Blinker has made it, before Heliograph was there: then the place is not known.
            defined = absolute(location_of(connection.receiver) or made)
            made = defined if self.owns(defined) else made
        return Connected(signal, connection, made, self.owns(made))


def _is_at(connect: Connect, location: str) -> bool:
    file, _, line = location.rpartition(":")
    return file == connect.source.file and int(line) in connect.lines


def absolute(location: str) -> str:
    """Return a ``file:line`` with the real path of the file."""
    file, _, line = location.rpartition(":")
    return f"{os.path.realpath(file)}:{line}"


def installed_sources() -> Iterator[str]:
    """Yield the source of each loaded module of an installed package; Python's own do not count."""
    folders = tuple(os.path.realpath(get_path(it)) + os.sep for it in ("purelib", "platlib"))
    for module in [*sys.modules.values()]:
        file = getattr(module, "__file__", None) if is_a(module, ModuleType) else None
        if isinstance(file, str) and os.path.realpath(file).startswith(folders):
            try:
                yield inspect.getsource(module)
            except (OSError, TypeError):
                continue  # It is compiled.
