"""A shop with full shelves for each test, and a customer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from examples.shop import create_app

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave a file out if there are no fixtures for it: `-p heliograph` brings them."""
    return None if config.pluginmanager.has_plugin("heliograph") else True


@pytest.fixture
def app() -> Flask:
    """Open a shop."""
    return create_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Come to the shop."""
    return app.test_client()


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio, as the shop does."""
    return "asyncio"
