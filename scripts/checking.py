"""Looks into what `make dist` has built, for what an index would refuse or users would stumble on.

Beside the archives it writes an SBOM, the list of what somebody gets who installs Heliograph:
itself and nothing else, as it depends on nothing.
"""

from __future__ import annotations

import re
import sys
from pathlib import PurePath
from typing import TYPE_CHECKING
from zipfile import ZipFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def commands(dist: Path, python: Path, pyproject: Path) -> list[tuple[str | Path, ...]]:
    """Return what has to succeed; ``python`` has the wheel without the part in C, and only that."""
    here = (sys.executable, "-m")
    wheels = sorted(dist.glob("*.whl"))
    (sdist,) = dist.glob("*.tar.gz")
    bill = dist / f"{sdist.name.removesuffix('.tar.gz')}.cdx.json"
    listed = ("--pyproject", pyproject, "--mc-type", "library", "--output-reproducible")
    return [
        (*here, "twine", "--no-color", "check", "--strict", *wheels, sdist),
        (*here, "check_wheel_contents", *wheels),
        (*here, "cyclonedx_py", "environment", python, *listed, "--output-file", bill),
    ]


def check_tags(wheels: list[Path], report: Callable[[str], None]) -> bool:
    """Tell whether every wheel has the extension that its name promises, and report each other."""
    found = {wheel.name: wrong for wheel in wheels if (wrong := disagreements(wheel))}
    for name, wrong in found.items():
        report(f"{name}: {'; '.join(wrong)}")
    return not found


def disagreements(wheel: Path) -> list[str]:
    """Return in what a wheel's name and its files disagree.

    abi3audit asks this of wheels for many versions of Python. These are for one each:
    docs/decisions/a-wheel-for-each-version.md.
    """
    _, _, _, abi, _ = wheel.stem.split("-")
    with ZipFile(wheel) as archive:
        names = [it for it in archive.namelist() if it.endswith((".so", ".pyd"))]
    if abi == "none":
        return [f"{it} is compiled, and the wheel is for all" for it in names]
    version = abi.removeprefix("cp")
    own = re.compile(rf"\w+\.(cpython-{version}|cp{version})-[\w-]+\.(so|pyd)")
    others = [f"{it} is not for {abi}" for it in names if not own.fullmatch(PurePath(it).name)]
    return others if names else ["the part in C is missing"]
