"""The tables of a trail, in SQLite and PostgreSQL, and what makes them append-only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    select,
)
from sqlalchemy.exc import DBAPIError

from heliograph.audit.entry import HEADER
from heliograph.audit.errors import TrailError
from heliograph.audit.guards import guards

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection

VERSION = 1

Step: TypeAlias = "Callable[[Connection], None]"

metadata: MetaData = MetaData()

_NUMBERS = ("occurred_at", "recorded_at")
_REQUIRED = ("id", "occurred_at", "recorded_at", "signal", "action", "outcome", "pid", "notes")
_BIG = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by INTEGER alone.


def _column(name: str) -> Column[int] | Column[str]:
    required = name in _REQUIRED
    if name in _NUMBERS or name == "pid":
        return Column(name, BigInteger, nullable=not required)
    return Column(name, Text, nullable=not required, unique=name == "id")


entries: Table[Any] = Table(
    "audit_entry",
    metadata,
    Column("seq", _BIG, primary_key=True, autoincrement=True),
    *map(_column, HEADER),
    Column("data", Text),
    Column("data_salt", LargeBinary),
    Column("data_digest", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("seal_id", _BIG),
    Index("audit_entry_time", "occurred_at"),
    Index("audit_entry_signal", "signal", "occurred_at"),
    Index("audit_entry_actor", "actor_id", "occurred_at"),
    Index("audit_entry_target", "target_type", "target_id", "occurred_at"),
    Index("audit_entry_request", "request_id"),
    Index("audit_entry_seal", "seal_id"),
    sqlite_autoincrement=True,  # A number is never used twice.
)

seals: Table[Any] = Table(
    "audit_seal",
    metadata,
    Column("id", _BIG, primary_key=True, autoincrement=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("sealed_at", BigInteger, nullable=False),
    Column("encoding", Text, nullable=False),
    Column("key_id", Text),
    Column("signature", LargeBinary),
    Column("pruned_at", BigInteger),
)

versions: Table[Any] = Table("audit_schema", metadata, Column("version", Integer, nullable=False))


STEPS: dict[int, Step] = {}
"""What brings the tables from one version to the next: none yet, as this is the first."""


def create(connection: Connection) -> int:
    """Make the tables if there are none, with their triggers; return the version that they had.

    Raises:
        TrailError: If they are of another version.
    """
    if _version(connection) is None:
        metadata.create_all(connection)
        connection.execute(versions.insert().values(version=VERSION))
        for statement in guards(connection.dialect.name, HEADER):
            connection.exec_driver_sql(statement)
        return 0
    return check(connection)


def upgrade(connection: Connection) -> int:
    """Bring the tables to this version, step by step, or make them.

    Returns:
        The version that they had; 0 if there were none.

    Raises:
        TrailError: If they are of a newer version.
    """
    found = _version(connection)
    if found is None or found > VERSION:
        return create(connection)
    # Whoever upgrades at the same time waits here, and finds it done.
    connection.execute(versions.update().values(version=versions.c.version))
    found = _version(connection) or 0
    for version in range(found, VERSION):
        STEPS[version](connection)
    connection.execute(versions.update().values(version=VERSION))
    return found


def check(connection: Connection) -> int:
    """Refuse a trail that this version cannot write; return its version.

    Raises:
        TrailError: If its tables are missing, or of another version.
    """
    found = _version(connection)
    if found is None:
        msg = "The trail has no tables: run `heliograph audit init`, or pass create=True."
        raise TrailError(msg)
    if found > VERSION:
        msg = (
            f"The trail was written by a newer Heliograph (schema {found}, and this one knows "
            f"{VERSION}): upgrade Heliograph. Nothing was written."
        )
        raise TrailError(msg)
    if found < VERSION:
        msg = (
            f"The trail was written by an older Heliograph (schema {found}, and this one writes "
            f"{VERSION}): run `heliograph audit upgrade`. Nothing was written."
        )
        raise TrailError(msg)
    return found


def _version(connection: Connection) -> int | None:
    try:
        with connection.begin_nested():
            return connection.execute(select(versions.c.version)).scalar()
    except DBAPIError:  # There is no such table.
        return None
