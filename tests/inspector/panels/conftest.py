"""Leaves out the toolbars that are not installed: `pip install --group inspection`."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NEEDS = {
    "test_django_panel": ("debug_toolbar",),
    "test_flask_panel": ("flask_compress", "flask_debugtoolbar"),
}


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out what needs a package that is not there."""
    needed = NEEDS.get(collection_path.stem, ())
    return True if any(find_spec(it) is None for it in needed) else None
