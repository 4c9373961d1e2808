"""Keeps everybody else from writing to a trail for a while."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heliograph.audit.store import Store


@contextmanager
def locked(url: str) -> Iterator[Connection]:
    """Let nobody else write."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql("LOCK TABLE audit_entry IN SHARE MODE")
        yield connection
        connection.commit()


def let_wait(store: Store) -> None:
    """Let whoever writes to SQLite wait for longer than it does by itself: machines are busy."""
    if store.file is not None:
        event.listen(
            store.engine, "connect", lambda it, _: it.execute("PRAGMA busy_timeout = 60000")
        )
        store.engine.dispose()
