"""Prepares a suite: an environment with all that it needs, and its tests as they were released."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import tomllib
from typing import TYPE_CHECKING, NamedTuple

from scripts.downstream.suite import CACHE, CHECKOUT, CannotRunError

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.downstream.suite import Suite

# Installing an editable Heliograph builds in its folder, which has room for one at a time.
ONE_AT_A_TIME = threading.Lock()


class Prepared(NamedTuple):
    """The environment to run a suite in."""

    programs: Path
    """The folder of the environment's Python and of the commands installed beside it."""
    archive: Path
    """The source distribution."""


def prepare(suite: Suite, heliograph: Path) -> Prepared:
    """Return the suite's environment and archive, made now if they are not there as wanted."""
    if not (heliograph / "pyproject.toml").is_file():
        msg = f"there is no Heliograph to install in {heliograph} (no pyproject.toml)."
        raise CannotRunError(msg)
    environment = CACHE / "environments" / suite.name
    programs = environment / ("Scripts" if os.name == "nt" else "bin")
    stamp = environment / "prepared.txt"
    wanted = fingerprint(suite, heliograph)
    with ONE_AT_A_TIME:
        if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
            report_progress(f"{suite.name}: preparing its environment")
            make(environment, programs / "python", suite, heliograph)
            stamp.write_text(wanted, encoding="utf-8")
        return Prepared(programs, source_distribution(suite, programs / "python"))


def fingerprint(suite: Suite, heliograph: Path) -> str:
    """Describe the environment, so that one made for something else is made again."""
    settings = tomllib.loads((heliograph / "pyproject.toml").read_text(encoding="utf-8"))
    project = json.dumps([settings["build-system"], settings["project"]])
    return "\n".join([sys.version, suite.release, *suite.packages, str(heliograph), project])


def make(environment: Path, python: Path, suite: Suite, heliograph: Path) -> None:
    """Delete the environment and make it again."""
    CACHE.mkdir(exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n", encoding="utf-8")
    command(sys.executable, "-m", "venv", "--clear", str(environment), task="make an environment")
    archive = source_distribution(suite, python)
    # Editable, so that later runs see the checkout as it is and need no network.
    packages = [*suite.packages, str(archive), "--editable", f"{heliograph}[cli]"]
    pip(python, "install", *packages, task="install what the suite needs")


def source_distribution(suite: Suite, python: Path) -> Path:
    """Return the suite's source distribution, downloading it if needed."""
    # One folder for each requirement: a changed one finds no outdated archive.
    folder = CACHE / "archives" / suite.release
    if not any(folder.glob("*.tar.gz")):
        project, _, _ = suite.release.partition("==")
        options = ("--no-deps", "--no-binary", project, "--dest", str(folder))
        task = f"download the source distribution of {suite.release}"
        pip(python, "download", *options, suite.release, task=task)
    return next(folder.glob("*.tar.gz"))


def unpack(archive: Path) -> Path:
    """Unpack *archive* afresh, so that no earlier run has touched the suite, and return it."""
    place = CACHE / "suites" / archive.parent.name
    shutil.rmtree(place, ignore_errors=True)
    with tarfile.open(archive) as source:
        if hasattr(tarfile, "data_filter"):
            source.extractall(place, filter="data")
        else:  # Python 3.11.0 to 3.11.3 have no filters.
            source.extractall(place)  # noqa: S202 - pip has built this archive already
    folder = next(place.iterdir())
    # A suite without a configuration of its own would find that of the checkout around it.
    (place / "pytest.ini").touch()
    if not any(folder.glob("**/test*.py")):
        where = archive.parent.relative_to(CHECKOUT)
        msg = (
            f"the source distribution {archive.name} has no tests. To run them, put an archive "
            f"made from the project's repository into {where}/ in its place."
        )
        raise CannotRunError(msg)
    return folder


def pip(python: Path, *arguments: str, task: str) -> None:
    """Run the environment's pip, which may need the network."""
    try:
        command(str(python), "-m", "pip", "--disable-pip-version-check", *arguments, task=task)
    except CannotRunError as error:
        hint = "The first run needs a package index; later runs use what is in .downstream/."
        msg = f"{error}\n{hint}"
        raise CannotRunError(msg) from None


def command(*arguments: str, task: str) -> None:
    """Run a command; if it fails, tell what was being done and the error it gave."""
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line.strip() for line in (done.stdout + done.stderr).strip().splitlines()]
        errors = [line for line in lines if line.startswith("ERROR:")]
        errors = errors or lines[-1:] or ["it gave no reason"]
        msg = f"could not {task}: {errors[-1].removeprefix('ERROR:').strip()}"
        raise CannotRunError(msg)


def report_progress(message: str) -> None:
    """Print progress, apart from the results."""
    print(message, file=sys.stderr, flush=True)
