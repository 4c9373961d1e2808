"""Installs Heliograph before Flask is imported, or after, as HELIOGRAPH_INSTALL asks."""

from __future__ import annotations

import os
import sys
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from heliograph.blinker import install

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

HERE = Path(__file__).parent
WHEN = os.environ.get("HELIOGRAPH_INSTALL") or "before"
if WHEN not in {"before", "after"}:
    msg = (
        f"HELIOGRAPH_INSTALL is {WHEN!r}: use 'before' or 'after', or leave it unset for 'before'."
    )
    raise pytest.UsageError(msg)

# No test module of this folder is imported earlier than this, so Flask is new to the process,
# unless a test of another folder or a plugin has imported it: test_installing.py looks after that.
ALREADY_IMPORTED = sorted({"blinker", "flask"} & sys.modules.keys())
if WHEN == "before":
    install()
import_module("tests.flask.connected_early")
install()


def pytest_report_header() -> str:
    """Say which Flask the tests run on, and when Heliograph took over."""
    return f"flask: {metadata.version('flask')}, install() {WHEN} Flask is imported"


@pytest.fixture
def asked_for(request: pytest.FixtureRequest) -> str:
    """When install() was asked for: "before" or "after"; only these tests can keep to it."""
    config = request.config
    chosen = [(config.invocation_params.dir / arg.split("::")[0]).resolve() for arg in config.args]
    if not all(path.is_relative_to(HERE) for path in chosen):
        pytest.skip("tests of other folders may have imported Flask first")
    return WHEN


@pytest.fixture
def app() -> Flask:
    """Open a kiosk that nobody has connected to."""
    from tests.flask.kiosk import open_kiosk

    return open_kiosk()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Come to the kiosk."""
    return app.test_client()
