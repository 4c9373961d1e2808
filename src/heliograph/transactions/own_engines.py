"""What engines of our own do on SQLite: each transaction takes the right to write as it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.engine import Connection, Engine

BEGIN = "heliograph_begin"
"""The execution option that says how else one begins: ``"DEFERRED"``, or None for not at all."""


def write_first(engine: Engine, pragmas: Iterable[str]) -> None:
    """Let all transactions of an engine begin so that they can write.

    One that reads first and writes later would be refused without any waiting.

    Args:
        engine: An engine of ours, on SQLite.
        pragmas: What each connection is set to, such as ``"journal_mode = WAL"``.
    """
    several = tuple(pragmas)

    def connected(connection: Any, _: object) -> None:
        connection.isolation_level = None  # The transactions are begun below.
        for pragma in several:
            connection.execute(f"PRAGMA {pragma}")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", _begin)


def _begin(connection: Connection) -> None:
    how = connection.get_execution_options().get(BEGIN, "IMMEDIATE")
    if how is not None:
        connection.exec_driver_sql(f"BEGIN {how}")
