"""What the server, or its driver, says of a transaction of SQLAlchemy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from heliograph.transactions.asking import OWN_ID, STATUS, settled
from heliograph.transactions.async_sessions import pause

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

_IN_ERROR = 3  # libpq's PQTRANS_INERROR, which psycopg and psycopg2 show.


def is_autocommit(connection: Connection) -> bool:
    """Tell whether each statement commits itself."""
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return True
    driver: Any = connection.connection.dbapi_connection
    try:
        detected = connection.dialect.detect_autocommit_setting(driver)
    except (NotImplementedError, AttributeError):  # pragma: no cover - not ours: MySQL's, say.
        return False
    # SQLite's driver is told nothing where events begin the transactions, but it has begun one.
    began = getattr(connection.connection.driver_connection, "in_transaction", False)
    return detected and not began


def has_failed(connection: Connection) -> bool:
    """Tell whether the server will answer COMMIT with a rollback."""
    if connection.dialect.name != "postgresql":
        return False
    driver: Any = connection.connection.driver_connection
    status = getattr(getattr(driver, "info", None), "transaction_status", None)
    if status is not None:
        return int(status) == _IN_ERROR
    # Other drivers do not show it; the server refuses any statement then.
    try:  # pragma: no cover - tested with asyncpg, in a greenlet, which nobody measures.
        connection.exec_driver_sql("SELECT 1")
    except DBAPIError:  # pragma: no cover - as above.
        return True
    return False  # pragma: no cover - as above.


def transaction_id(connection: Connection) -> str | None:
    """Return the id by which the server can be asked later; None if it wrote nothing."""
    if connection.dialect.name != "postgresql":
        return None
    found = connection.exec_driver_sql(OWN_ID).scalar()
    return None if found is None else str(found)


def was_committed(engine: Engine, number: str, for_seconds: float) -> bool:
    """Ask the server, on a connection of its own, how a transaction has ended."""
    query = text(STATUS.format("(:number)"))

    def ask() -> str:
        try:
            with engine.connect() as connection:
                return str(connection.execute(query, {"number": number}).scalar_one())
        except DBAPIError:
            return "unreachable"

    return settled(ask, for_seconds, pause=pause)
