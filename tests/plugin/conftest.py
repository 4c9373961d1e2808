"""Leaves these tests out of runs without the plugin, and has an application for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask import Flask
from jinja2 import DictLoader

if TYPE_CHECKING:
    from pathlib import Path

    from flask.testing import FlaskClient


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave a file out if there are no fixtures for it: `-p heliograph` brings them."""
    return None if config.pluginmanager.has_plugin("heliograph") else True


@pytest.fixture
def app() -> Flask:
    """Make an application with one template."""
    app = Flask("flask_test")
    app.secret_key = "only a test"  # noqa: S105 - it signs nothing of worth.
    app.jinja_loader = DictLoader({"simple_template.html": "<h1>{{ whiskey }}</h1>"})
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Make a client."""
    return app.test_client()
