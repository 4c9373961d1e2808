"""Writes constraints/NAME.txt: the versions of everything that an environment has.

Where one of them has no wheel for a newer Python that is supported, that Python is left free to
take another. Run it by the oldest Python, as what that can have newer ones can have as well:

    make constraints PYTHON=python3.11
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HEAD = "# Written by `make constraints`; CONTRIBUTING.md says what it is for."


def main(arguments: list[str]) -> int:
    """Write a file for each ``NAME=ENVIRONMENT``, the first with pip; return the exit status."""
    oldest, *newer = supported()
    if sys.version_info[:2] != oldest:
        print(f"This is not the oldest Python: make constraints PYTHON=python{dotted(oldest)}")
        return 1
    tools = ["--all"]  # What installs and what builds; those of the first serve all.
    for argument in arguments:
        name, _, environment = argument.partition("=")
        pins = installed(environment, *tools)
        tools = []
        limits = dict[str, tuple[int, int]]()
        for version in newer:
            left = [it for it in pins if it not in limits]
            limits |= dict.fromkeys(without_wheel(environment, left, version), version)
        write(name, [f"{it}{marker(limits.get(it))}" for it in pins])
    return 0


def write(name: str, lines: list[str]) -> None:
    """Write a file, and say which of its versions not all Pythons can have."""
    path = ROOT / "constraints" / f"{name}.txt"
    path.write_text("\n".join([HEAD, *lines, ""]), encoding="utf-8")
    print(f"{path.relative_to(ROOT)}: {len(lines)} packages", *(it for it in lines if ";" in it))


def supported() -> list[tuple[int, int]]:
    """Return the versions of Python that the project says it runs on, the oldest first."""
    found = (re.search(r":: 3\.(\d+)$", it) for it in PROJECT["project"]["classifiers"])
    return sorted((3, int(it[1])) for it in found if it)


def installed(environment: str, *options: str) -> list[str]:
    """Return what is installed as ``name==version``, all but this project itself."""
    command = [f"{environment}/bin/python", "-m", "pip", "freeze", "--exclude-editable", *options]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return run.stdout.splitlines()


def without_wheel(environment: str, pins: list[str], version: tuple[int, int]) -> list[str]:
    """Return the pins that a Python would have to compile."""
    missing: list[str] = []
    with TemporaryDirectory() as folder:
        command = [
            *(f"{environment}/bin/python", "-m", "pip", "install", "--quiet"),
            *("--dry-run", "--no-deps", "--ignore-installed", "--target", folder),
            *("--implementation", "cp", "--only-binary", ":all:"),
            *("--python-version", dotted(version)),
        ]
        # It names one at a time.
        while left := [it for it in pins if it not in missing]:
            run = subprocess.run([*command, *left], capture_output=True, text=True, check=False)
            if not run.returncode:
                break
            named = re.findall(r"No matching distribution found for (\S+)", run.stderr)
            if not named:
                sys.exit(run.stderr)
            missing += named
    return missing


def marker(limit: tuple[int, int] | None) -> str:
    """Return the condition of a pin that does not count from a version of Python on."""
    return "" if limit is None else f'; python_version < "{dotted(limit)}"'


def dotted(version: tuple[int, int]) -> str:
    """Return a version of Python as everybody writes it."""
    return ".".join(map(str, version))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
