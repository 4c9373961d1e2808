"""The tables of outboxes and inboxes, in SQLite and PostgreSQL, and how they come to be there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    inspect,
    select,
    text,
)

from heliograph.relay.errors import RelayError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection

VERSION = 1

Step: TypeAlias = "Callable[[Connection], None]"

metadata: MetaData = MetaData()
"""For those who make their tables by migrations: Alembic's `target_metadata` may be a list."""

_BIG = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by INTEGER alone.

outbox: Table[Any] = Table(
    "heliograph_outbox",
    metadata,
    Column("number", _BIG, Identity(), primary_key=True),
    Column("id", Text, nullable=False),
    Column("app", Text, nullable=False),
    Column("signal", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("keep", Float(53), nullable=False),
    Column("keep_bytes", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Column("taken_by", Text),
    Column("free_at", BigInteger, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("reason", Text),
    Column("aside_at", BigInteger),
    # A number that was used again could be deleted for the row that had it before.
    sqlite_autoincrement=True,
)
"""What waits for its broker. Times are microseconds since the epoch."""

inbox: Table[Any] = Table(
    "heliograph_inbox",
    metadata,
    Column("team", Text, primary_key=True),  # GROUP is a word of SQL.
    Column("id", Text, primary_key=True),
    Column("part", Text, primary_key=True),
    Column("seen_at", BigInteger, nullable=False),
    Index("heliograph_inbox_seen_at", "seen_at"),
)
"""Which envelopes groups have worked on."""

schema: Table[Any] = Table(
    "heliograph_relay",
    metadata,
    Column("version", Integer, nullable=False),
    Column("place", Text, nullable=False),
)
"""One row: the version of the tables, and an id by which this database is told from others."""


STEPS: dict[int, Step] = {}
"""What brings the tables from one version to the next: none yet, as this is the first."""

_LOCK = int.from_bytes(b"heliogra")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the tables are, as any connection to their database finds it.

    Attributes:
        id: What no other database has.
        schema: The schema that they are in, quoted: a program may look into another one first.
    """

    id: str
    schema: str


def create(connection: Connection) -> int:
    """Make the tables if there are none; return the version that they had, or 0.

    Raises:
        RelayError: If they are of another version.
    """
    if connection.dialect.name == "postgresql":
        # Two that make a table at once: one of them fails. SQLite has one writer anyway.
        connection.execute(text("SELECT pg_advisory_xact_lock(:it)"), {"it": _LOCK})
    if _version(connection) is not None:
        return check(connection)
    metadata.create_all(connection)
    connection.execute(schema.insert().values(version=VERSION, place=uuid4().hex))
    return 0


def upgrade(connection: Connection) -> int:
    """Bring the tables to this version, step by step, or make them.

    Returns:
        The version that they had; 0 if there were none.

    Raises:
        RelayError: If they are of a newer version.
    """
    found = _version(connection)
    if found is None or found > VERSION:
        return create(connection)
    # Whoever upgrades at the same time waits here, and finds it done.
    connection.execute(schema.update().values(version=schema.c.version))
    found = _version(connection) or 0
    for version in range(found, VERSION):
        STEPS[version](connection)
    connection.execute(schema.update().values(version=VERSION))
    return found


def check(connection: Connection) -> int:
    """Refuse tables that this version cannot use; return their version.

    Raises:
        RelayError: If they are missing, or of another version.
    """
    found = _version(connection)
    if found is None:
        msg = (
            "There are no tables of an outbox or an inbox: call create(), once, before the first "
            "send. It completes tables that a migration has made, too."
        )
        raise RelayError(msg)
    if found > VERSION:
        msg = (
            f"The tables of the outbox and the inbox are of a newer Heliograph (schema {found}, "
            f"and this one knows {VERSION}): upgrade Heliograph. Nothing was written."
        )
        raise RelayError(msg)
    if found < VERSION:
        msg = (
            f"The tables of the outbox and the inbox are of an older Heliograph (schema {found}, "
            f"and this one writes {VERSION}): call upgrade(). Nothing was written."
        )
        raise RelayError(msg)
    return found


def place_of(connection: Connection) -> Place:
    """Return where the tables are."""
    found = "main"
    if connection.dialect.name == "postgresql":
        query = text(
            "SELECT relnamespace::regnamespace::text FROM pg_class"
            " WHERE oid = to_regclass('heliograph_relay')"
        )
        found = connection.execute(query).scalar_one()
    return Place(connection.execute(select(schema.c.place)).scalar_one(), found)


def _version(connection: Connection) -> int | None:
    if not inspect(connection).has_table(schema.name):
        return None
    found: int | None = connection.execute(select(schema.c.version)).scalar()
    return found
