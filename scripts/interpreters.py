"""Finds the Pythons of this machine, and starts each without the variables of another one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).parents[1]
# What a shell has set for its own Python would be found by the others as well.
FOREIGN = ("COVERAGE_", "HELIOGRAPH_", "PYTHON", "VIRTUAL_ENV")

ABOUT = "import sys, sysconfig; print(*sys.version_info[:2], sysconfig.get_config_var('SOABI'))"


def supported() -> list[str]:
    """Return the versions that the classifiers name."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    classifiers: list[str] = project["project"]["classifiers"]
    return [it.rpartition(" ")[2] for it in classifiers if re.search(r":: 3\.\d+$", it)]


def installed() -> dict[str, Path]:
    """Return one CPython for each supported version that is found, by version; this one first.

    They are looked for on the path and among those of pyenv.
    """
    versions = supported()
    found: dict[str, Path] = {}
    for python in [Path(sys.executable), *_candidates()]:
        version = _version_of(python)
        if version in versions:
            found.setdefault(version, python)
    return found


def _candidates() -> Iterator[Path]:
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders = [Path(folder) for folder in os.get_exec_path()]
    for folder in [*folders, *sorted(pyenv.glob("versions/*/bin"))]:
        for path in sorted(folder.glob("python3.*")):
            if re.fullmatch(r"python3\.\d+", path.name):
                yield path


def _version_of(python: Path) -> str:
    """Return the version of a CPython that wheels with a part in C are for, otherwise nothing."""
    # A shim of pyenv is there for versions that are not chosen too, and then only fails.
    told = subprocess.run([python, "-c", ABOUT], capture_output=True, text=True, check=False)
    # No "t" after the version: without a GIL the part in C is left out.
    match = re.match(r"(\d+) (\d+) cpython-\1\2-", told.stdout)
    return ".".join(match.groups()) if match else ""


def environment(*first_on_path: Path, **more: str) -> dict[str, str]:
    """Return this process's variables without those that are meant for its own Python."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    path = os.pathsep.join([*map(str, first_on_path), kept["PATH"]])
    return kept | {"PATH": path} | more
