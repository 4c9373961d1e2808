"""Which database an outbox or an inbox is in, and whether a program's transaction is there too."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError as UrlError
from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError

from heliograph import ArgumentError
from heliograph.describe import describe_error, short_repr
from heliograph.relay.errors import RelayError, UnavailableError
from heliograph.relay.tables.schema import Place, check, create, place_of, upgrade
from heliograph.transactions.own_engines import BEGIN, write_first

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Connection

_PRAGMAS = ("busy_timeout = 5000", "journal_mode = WAL")


class Database:
    """A database with our tables: our own connections, and those of programs.

    Args:
        database: A URL as SQLAlchemy takes it, or an engine.
        what: What messages call it: ``"outbox"`` or ``"inbox"``.
        create: Whether to make the tables if there are none.

    Raises:
        ArgumentError: If it is no place for one.
        RelayError: If its driver is not installed.
    """

    def __init__(self, database: str | URL | Engine, what: str, *, create: bool) -> None:
        self._what = what
        self._create = create
        self._place: Place | None = None
        self._known: WeakSet[Any] = WeakSet()
        self._is_theirs = isinstance(database, Engine) and database.dialect.name != "sqlite"
        self._engine = _engine(database, what)
        self._reading = self._engine.execution_options(**{BEGIN: None})
        _DATABASES.add(self)

    def __str__(self) -> str:
        return self._engine.url.render_as_string()

    def open(self) -> None:
        """Make the tables, or check them. Doing so twice is no error.

        Raises:
            UnavailableError: If the database does not answer, or refuses us.
            RelayError: If the tables are missing, or of another version.
        """
        if self._place is None:
            self.prepare(create if self._create else check)

    def prepare(self, how: Callable[[Connection], int]) -> int:
        """Make, check or upgrade the tables; return the version that they had."""
        with self.begin() as connection:
            before = how(connection)
            self._place = place_of(connection)
        return before

    def upgrade(self) -> int:
        """Bring the tables to this version; return the version that they had."""
        return self.prepare(upgrade)

    def close(self) -> None:
        """Close our own connections; the next use opens others. An engine is its owner's."""
        if not self._is_theirs:
            self._engine.dispose()

    def forget(self) -> None:
        """Let go of the connections of the parent, in a process that was forked."""
        if not self._is_theirs:
            self._engine.dispose(close=False)

    @property
    def place(self) -> Place:
        """Where the tables are.

        Raises:
            UnavailableError: If the database does not answer.
            RelayError: If there are none, or they are of another version.
        """
        if self._place is None:
            # Not made here: in a program's transaction, SQLite would wait for that for ever.
            with self.reading() as connection:
                check(connection)
                self._place = place_of(connection)
        return self._place

    def begin(self) -> Any:
        """Return a block with a connection of our own, and a transaction that writes."""
        return self._use(self._engine)

    def reading(self) -> Any:
        """Return a block with a connection that only reads: nobody waits for it."""
        return self._use(self._reading)

    @contextmanager
    def _use(self, engine: Engine) -> Iterator[Connection]:
        try:
            with engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            msg = f"The {self._what} in {self} cannot be used: {reason(error)}."
            raise UnavailableError(msg) from error

    def require_sqlalchemy(self, connection: Connection) -> None:
        """Refuse a connection of SQLAlchemy to another database.

        Raises:
            RelayError: If it is another one; the transaction cannot be committed any more.
        """
        if connection.engine not in self._known:
            theirs = connection.engine.url.render_as_string()
            query = text(self._query())
            self._require(theirs, lambda: connection.execute(query).scalar())
            self._known.add(connection.engine)

    def require_django(self, connection: Any) -> None:
        """Refuse a connection of Django to another database.

        Raises:
            RelayError: If it is another one; the transaction cannot be committed any more.
        """
        if connection not in self._known:
            theirs = f"Django's {connection.alias!r} ({connection.settings_dict['NAME']})"

            def ask() -> Any:
                with connection.cursor() as cursor:
                    cursor.execute(self._query())
                    return (cursor.fetchone() or [None])[0]

            self._require(theirs, ask)
            self._known.add(connection)

    def _query(self) -> str:
        return f"SELECT place FROM {self.place.schema}.heliograph_relay"  # noqa: S608 - quoted.

    def _require(self, theirs: str, ask: Callable[[], Any]) -> None:
        cause = None
        try:
            found = ask()
        except Exception as error:  # noqa: BLE001 - no such table, in words of every driver.
            cause, found = error, None
        if found != self.place.id:
            why = "" if cause is None else f" ({reason(cause)})"
            msg = (
                f"The transaction is in {theirs}, and the {self._what} is in {self}{why}: what is "
                "not in one database is not committed together. Use the same database for both."
            )
            raise RelayError(msg) from cause


def reason(error: BaseException) -> str:
    """Return what a driver says, without the SQL and its values."""
    return describe_error(getattr(error, "orig", None) or error)


def _engine(database: Any, what: str) -> Engine:
    given = database if isinstance(database, Engine) else None
    url = _checked(database if given is None else given.url, what)
    if url.get_backend_name() == "postgresql":
        found = given if given is not None else _made(url)
        # With another isolation, or with none, two could take the same row.
        return found.execution_options(isolation_level="READ COMMITTED")
    made = _made(url)  # Not theirs: ours begins its transactions in another way.
    write_first(made, _PRAGMAS)
    return made


def _made(url: URL) -> Engine:
    try:
        return create_engine(url, pool_pre_ping=True)
    except ModuleNotFoundError as missing:
        msg = f"{url.drivername!r} needs {missing.name}, which is not installed: install it."
        raise RelayError(msg) from None


def _checked(url: Any, what: str) -> URL:
    hint = "Pass a URL as SQLAlchemy takes it, such as 'sqlite:///shop.db', or an Engine."
    try:
        made = make_url(url)
        backend, is_async = made.get_backend_name(), made.get_dialect().is_async
    except NoSuchModuleError:
        driver = str(url).partition(":")[0]
        msg = f"SQLAlchemy has no driver {driver!r}: write 'sqlite' or 'postgresql+psycopg'."
        raise ArgumentError(msg) from None
    except (UrlError, AttributeError):
        msg = f"{short_repr(url)} is no place for an {what}. {hint}"
        raise ArgumentError(msg) from None
    if backend not in ("sqlite", "postgresql"):
        msg = f"An {what} is in SQLite or PostgreSQL, and not in {backend!r}."
        raise ArgumentError(msg)
    if is_async:
        msg = (
            f"{made.drivername!r} is an async driver, and an {what} has connections of its own by "
            "one that is not: write 'sqlite' or 'postgresql+psycopg'. The program's may be async."
        )
        raise ArgumentError(msg)
    if backend == "sqlite" and _in_memory(made):
        msg = f"Nobody else sees a database in memory, so it is no place for an {what}. {hint}"
        raise ArgumentError(msg)
    return made


def _in_memory(url: URL) -> bool:
    return ":memory:" in (url.database or ":memory:") or url.query.get("mode") == "memory"


_DATABASES: WeakSet[Database] = WeakSet()


def _forked() -> None:
    for it in _DATABASES:
        it.forget()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has none.
    os.register_at_fork(after_in_child=_forked)
