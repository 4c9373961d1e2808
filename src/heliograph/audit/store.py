"""Where the trail is kept: one database of SQLite or PostgreSQL, and how it is opened."""

from __future__ import annotations

import os
import sqlite3
import time
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError as UrlError
from sqlalchemy.exc import DBAPIError, NoSuchModuleError
from sqlalchemy.pool import StaticPool

from heliograph import ArgumentError
from heliograph.audit.encoding import digest_of_data, digest_of_entry, encode
from heliograph.audit.entry import HEADER
from heliograph.audit.errors import TrailError
from heliograph.audit.schema import check, create, entries, upgrade
from heliograph.describe import describe_error
from heliograph.transactions.own_engines import BEGIN, write_first

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy.engine import Connection, Engine

    from heliograph.audit.entry import Entry

_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",  # NORMAL may lose what was committed when the power fails.
    "busy_timeout = 5000",
    "recursive_triggers = ON",
    "journal_size_limit = 67108864",
)
_SALT = 16
_WRITTEN = (*HEADER, "data", "data_salt", "data_digest", "digest")
_AT_ONCE = 500  # SQLite takes so many parameters, on its oldest versions too.


class Store:
    """The database of a trail.

    Args:
        url: As SQLAlchemy takes it: ``"sqlite:///trail.db"``, ``"postgresql+psycopg://…"``.

    Attributes:
        file: The file of SQLite, or None.
    """

    def __init__(self, url: str) -> None:
        self._url = _checked(url)
        self._engine: Engine | None = None
        self._single: Engine | None = None
        self.file: str | None = _file_of(self._url)

    @property
    def engine(self) -> Engine:
        """The engine of SQLAlchemy.

        Raises:
            TrailError: If the trail is not open.
        """
        if self._engine is None:
            msg = "The trail is not open: call start(), or use it in a `with` block."
            raise TrailError(msg)
        return self._engine

    def open(self, *, make: bool) -> None:
        """Open the database, and make its tables if *make* says so.

        Raises:
            TrailError: If it cannot be opened, or is of another version.
        """
        file = self.file
        if file is not None and not make and not Path(file).exists():
            # SQLite would make it, and the trail that was meant would seem to be empty.
            msg = (
                f"There is no trail at {file!r}: run `heliograph audit init`, or pass create=True."
            )
            raise TrailError(msg)
        self._open(create if make else check)

    def upgrade(self) -> int:
        """Bring the tables to this version, and close; return the version that they had.

        Raises:
            TrailError: If it cannot be opened, or is of a newer version.
        """
        before = self._open(upgrade)
        self.close()
        return before

    def _open(self, prepare: Callable[[Connection], int]) -> int:
        if self.file is not None and prepare is not check:
            Path(self.file).parent.mkdir(parents=True, exist_ok=True)
        self._engine = engine = _engine(self._url)
        # One statement is a transaction of its own: others would have to be waited for as well.
        self._single = engine.execution_options(isolation_level="AUTOCOMMIT")
        try:
            with engine.begin() as connection:
                return prepare(connection)
        except DBAPIError as error:
            self.close()
            msg = (
                f"The trail at {self._url.render_as_string()} cannot be opened: "
                f"{describe_error(error.orig or error)}. Is the place there, and may this user "
                "write to it?"
            )
            raise TrailError(msg) from error
        except TrailError:
            self.close()
            raise

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        self._engine = self._single = None

    def forget(self) -> None:
        """Let go of the connections of the parent, in a process that was forked."""
        if self._engine is not None:
            self._engine.dispose(close=False)

    def write(self, several: Iterable[Entry]) -> None:
        """Write entries, and commit them."""
        several = [*several]
        if len(several) == 1 and self.engine.dialect.name == "sqlite":
            self._write_one(several)
            return
        one = self._single if len(several) == 1 else None
        with (one or self.engine).begin() as connection:
            self.insert(connection, several)

    def _write_one(self, several: list[Entry]) -> None:
        """Write an entry by one statement of SQLite, which commits itself.

        What SQLAlchemy does around a transaction would take longer than the statement.
        """
        [row] = rows_of(several)
        connection = self.engine.raw_connection()
        try:
            connection.cursor().execute(_ONE, row)
        except sqlite3.Error as error:
            raise DBAPIError.instance(_ONE, None, error, sqlite3.Error) from error
        finally:
            connection.close()

    def insert(self, connection: Connection, several: Iterable[Entry]) -> None:
        """Write entries on a connection, whose transaction is somebody else's."""
        # As the driver takes them: SQLAlchemy's own insert takes twice as long for a batch.
        rows = rows_of(several)
        if connection.dialect.name == "sqlite":
            # Its driver gives way to other threads at each step, and waits for its turn again.
            while len(rows) >= _AT_ONE_STEP:
                step, rows = rows[:_AT_ONE_STEP], rows[_AT_ONE_STEP:]
                connection.exec_driver_sql(_STEP, tuple(chain.from_iterable(step)))
        if rows:
            sign = _SIGNS.get(connection.dialect.paramstyle, "%s")
            connection.exec_driver_sql(inserting(sign), rows)

    def write_missing(self, several: Iterable[Entry]) -> None:
        """Write entries that may be there already: a spool that is read a second time."""
        waiting = {it.id: it for it in several}
        with self.engine.begin() as connection:
            ids = [*waiting]
            for at in range(0, len(ids), _AT_ONCE):
                some = ids[at : at + _AT_ONCE]
                there = connection.scalars(select(entries.c.id).where(entries.c.id.in_(some)))
                for it in there:
                    del waiting[it]
            if waiting:
                self.insert(connection, waiting.values())

    def reading(self) -> Any:
        """Return a connection that only reads: nobody waits for it."""
        return self.engine.connect().execution_options(**{BEGIN: "DEFERRED"})


def inserting(sign: str, several: int = 1) -> str:
    """Return the statement that inserts rows of `rows_of`.

    Args:
        sign: What stands for a value, as the driver takes it; ``{}`` is its number.
        several: How many rows.
    """
    row = f"({', '.join(sign.format(number) for number, _ in enumerate(_WRITTEN, 1))})"
    values = ", ".join([row] * several)
    return f"INSERT INTO {entries.name} ({', '.join(_WRITTEN)}) VALUES {values}"  # noqa: S608 - the names are ours.


# The drivers of async sessions of the program are among them.
_SIGNS = {"qmark": "?", "numeric_dollar": "${}"}
_AT_ONE_STEP = 30  # SQLite takes 999 values, on its oldest versions too.
_STEP = inserting("?", _AT_ONE_STEP)
_ONE = inserting("?")


def rows_of(several: Iterable[Entry]) -> list[tuple[Any, ...]]:
    """Return the columns of entries that are written now."""
    rows = []
    now = time.time_ns() // 1000
    for entry in several:
        entry.recorded_at = now
        salt, data, header = os.urandom(_SALT), encode(entry.data), entry.header()
        data_digest = digest_of_data(salt, data)
        digest = digest_of_entry(header, data_digest)
        rows.append((*header, data.decode(), salt, data_digest, digest))
    return rows


def _checked(url: str) -> Any:
    try:
        made = make_url(url)
        backend, is_async = made.get_backend_name(), made.get_dialect().is_async
    except NoSuchModuleError:
        driver = str(url).partition(":")[0]
        msg = f"SQLAlchemy has no driver {driver!r}: write 'sqlite' or 'postgresql+psycopg'."
        raise ArgumentError(msg) from None
    except (UrlError, AttributeError):
        msg = (
            f"{url!r} is no place for a trail. Pass a URL as SQLAlchemy takes it, such as "
            "'sqlite:///trail.db' or 'postgresql+psycopg://user@host/database'."
        )
        raise ArgumentError(msg) from None
    if backend not in ("sqlite", "postgresql"):
        msg = f"A trail is kept in SQLite or PostgreSQL, and not in {backend!r}."
        raise ArgumentError(msg)
    if is_async:
        msg = (
            f"{made.drivername!r} is an async driver, and a trail is written by one that is not: "
            "write 'sqlite' or 'postgresql+psycopg'."
        )
        raise ArgumentError(msg)
    return made


def _file_of(url: Any) -> str | None:
    database: str = url.database or ":memory:"
    is_file = url.get_backend_name() == "sqlite" and database != ":memory:"
    return os.path.realpath(database) if is_file else None


def _engine(url: Any) -> Engine:
    if url.get_backend_name() == "postgresql":
        # Names of statements mean nothing on the next connection of a pooler like PgBouncer.
        no_names = {"prepare_threshold": None} if url.get_driver_name() == "psycopg" else {}
        try:
            return create_engine(url, pool_pre_ping=True, connect_args=no_names)
        except ModuleNotFoundError as missing:
            msg = f"{url.drivername!r} needs {missing.name}, which is not installed: install it."
            raise TrailError(msg) from None
    in_memory = _file_of(url) is None
    made = create_engine(url, poolclass=StaticPool) if in_memory else create_engine(url)
    write_first(made, _PRAGMAS)
    return made
