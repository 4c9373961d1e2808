"""What is in the source distribution and in the wheel: the package, and nothing that strayed in."""

from __future__ import annotations

import sysconfig
import tarfile
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest

from tests.packaging.building import COMPILER, PACKAGE, ROOT, build_wheel, grafted

if TYPE_CHECKING:
    from pathlib import Path

EXTENSION = f"heliograph/core/sending/_dispatch{sysconfig.get_config_var('EXT_SUFFIX')}"


def source_files() -> set[str]:
    """Return the files of the package and of the plugin, without what was compiled in place."""
    files = (path for path in PACKAGE.rglob("*") if path.is_file())
    kept = (path for path in files if path.suffix not in {".pyc", ".pyd", ".so"})
    names = {path.relative_to(PACKAGE.parent).as_posix() for path in kept}
    return {*names, "_heliograph_pytest.py"}


def other_files() -> set[str]:
    """Return the files of the folders that packagers need for the test command."""
    made = {"__pycache__", ".hypothesis", ".pytest_cache"}
    found = (path for name in grafted() for path in (ROOT / name).rglob("*") if path.is_file())
    kept = (path for path in found if made.isdisjoint(path.parts))
    return {path.relative_to(ROOT).as_posix() for path in kept}


def test_the_sdist_has_what_it_takes_to_build_and_to_test_and_nothing_else(sdist: Path) -> None:
    """What was built in the checkout, for this machine alone, stays there."""
    with tarfile.open(sdist) as archive:
        files = {member.name.partition("/")[2] for member in archive if member.isfile()}

    assert {name for name in files if not name.startswith("src/heliograph.egg-info/")} == {
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "MANIFEST.in",
        "Makefile",
        "PKG-INFO",
        "README.md",
        "RELEASING.md",
        "SECURITY.md",
        "conftest.py",
        "noxfile.py",
        "pyproject.toml",
        "setup.cfg",
        "setup.py",
        *other_files(),
        *(f"src/{name}" for name in source_files()),
    }


@pytest.mark.skipif(COMPILER is None, reason="no C compiler: `make test` where there is one")
def test_the_wheel_has_the_package_and_its_licence(sdist: Path, tmp_path: Path) -> None:
    """The types for type checkers are there; the source in C is of no use to anybody."""
    with ZipFile(build_wheel(sdist, tmp_path)) as archive:
        files = set(archive.namelist())
    about = f"{sdist.name.removesuffix('.tar.gz')}.dist-info"

    assert files == {
        *(name for name in source_files() if not name.endswith((".c", ".h"))),
        EXTENSION,
        f"{about}/METADATA",
        f"{about}/RECORD",
        f"{about}/WHEEL",
        f"{about}/entry_points.txt",
        f"{about}/licenses/LICENSE",
        f"{about}/top_level.txt",
    }
