"""The engines that take part: ours, Blinker, the installed peers, and the loops."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from benchmarks.engines import Blinker, Heliograph, HeliographBlinker
from benchmarks.loops import CLoop, PlainLoop

if TYPE_CHECKING:
    from benchmarks.engines import Engine

PEERS = ("django", "psygnal", "pluggy", "sqlalchemy", "zope")


def _if_installed(peer: str) -> type[Engine] | None:
    try:
        module = import_module(f"benchmarks.peers.{peer}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("benchmarks"):
            raise  # That is no peer that is missing, but a mistake of our own.
        return None
    return cast("type[Engine]", module.ENGINE)


_found = {peer: _if_installed(peer) for peer in PEERS}

MISSING = tuple(peer for peer, engine in _found.items() if engine is None)

ENGINES: tuple[type[Engine], ...] = (
    Heliograph,
    HeliographBlinker,
    Blinker,
    *(engine for engine in _found.values() if engine is not None),
    PlainLoop,
    CLoop,
)
