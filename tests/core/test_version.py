"""The version has one value, wherever it is written."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import heliograph

ROOT = Path(__file__).parents[2]


def test_the_changelog_begins_with_the_version_of_the_package() -> None:
    """A release is a version in both, so neither is forgotten."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)

    assert headings[0] == project["version"]


def test_the_package_tells_its_version() -> None:
    """Without a look at what is installed, which may be another one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    assert heliograph.__version__ == project["version"]
