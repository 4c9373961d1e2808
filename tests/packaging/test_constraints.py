"""The versions that `make` installs: each a pin, for all that the environments ask for."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from tests.packaging.building import ROOT

PIN = re.compile(r'([\w.-]+)==[\w.]+(; python_version < "3\.\d+")?')

pytestmark = pytest.mark.skipif(
    not ROOT.joinpath("constraints").is_dir(), reason="wheels are tested without the checkout"
)


def pinned(name: str) -> set[str | None]:
    """Return the packages of a file; None stands for a line that is no pin."""
    lines = ROOT.joinpath("constraints", f"{name}.txt").read_text(encoding="utf-8").splitlines()
    found = (PIN.fullmatch(it) for it in lines if not it.startswith("#"))
    return {it and normal(it[1]) for it in found}


def normal(name: str) -> str:
    """Return the name of a package as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(group: str) -> set[str]:
    """Return the packages that a dependency group names, and those that it includes."""
    project = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text(encoding="utf-8"))
    parts: list[Any] = project["dependency-groups"][group]
    named = {normal(re.split(r"[\[>=<]", it)[0]) for it in parts if isinstance(it, str)}
    return named.union(*(wanted(it["include-group"]) for it in parts if isinstance(it, dict)))


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("dev", "dev"),
        ("flask23", "test"),
        ("plugins", "plugins"),
        ("bench", "bench"),
        ("release", "release"),
        ("site", "site"),
    ],
)
def test_all_that_an_environment_asks_for_is_pinned(name: str, group: str) -> None:
    """What is added to a group is pinned by `make constraints`."""
    assert wanted(group) - pinned(name) == set()


@pytest.mark.parametrize("name", ["dev", "flask23", "plugins", "bench", "demo", "release", "site"])
def test_what_is_pinned_are_versions_alone(name: str) -> None:
    """No places on the machine that wrote them, and nothing of this project."""
    assert {None, "heliograph"} & pinned(name) == set()
