"""Which tests of metrics need packages that are not everywhere."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# What is counted needs no exporter and no server; the rest runs where there are all of them:
# `pip install --group metrics --group lifecycle`.
ALONE = ("counting", "domain", "forks", "histogram", "http")
PACKAGES = ("aiohttp", "django", "opentelemetry", "prometheus_client", "starlette", "uvicorn")
LACKS = any(find_spec(it) is None for it in PACKAGES)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out what could not be imported."""
    name = collection_path.stem.removeprefix("test_")
    return True if LACKS and name != collection_path.stem and name not in ALONE else None
