"""Builds what a release consists of, and runs the tests on it as it will be installed.

The source distribution, from it a wheel for every supported CPython that is on
this machine, and the wheel without the part in C go to `dist/`, where they are looked
into (scripts/checking.py).
Each wheel is then installed into an empty environment, and tested in a folder
that has the sdist's tests but no `src`, with the settings of cibuildwheel, which does
the same on the platforms that this machine is not.

    python -m scripts.dist

Interpreters are looked for on the path and among those of pyenv. The exit
status is that of the first command that failed.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from scripts import checking
from scripts.interpreters import CHECKOUT, environment, installed

if TYPE_CHECKING:
    from collections.abc import Iterator

DIST = CHECKOUT / "dist"
# This environment's pip, which knows dependency groups, works on all the others.
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
# Optional in an install; a release must have it.
WITH_C = {"HELIOGRAPH_REQUIRE_C": "1"}
# Where links of the README and the project's URLs lead: setup.py.
ADDRESS = {it: os.environ[it] for it in ("HELIOGRAPH_REPOSITORY",) if it in os.environ}

SERVES = "from heliograph import implementation as it; assert it == 'python', it"


def main() -> int:
    """Build everything, then try out everything; return the exit status."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    try:
        pythons = installed()
        build(pythons)
        with TemporaryDirectory() as folder:
            pure = install_pure(Path(folder) / "pure")
            if not look_into(pure):
                return 1
            try_out(pythons, project["tool"]["cibuildwheel"], Path(folder), pure)
    except subprocess.CalledProcessError as error:
        report(f"failed: {shlex.join(map(str, error.cmd))}")
        return error.returncode
    for path in sorted(DIST.iterdir()):
        print(f"{path.stat().st_size:>8}  {path.name}")
    return 0


def build(pythons: dict[str, Path]) -> None:
    """Fill `dist/`."""
    shutil.rmtree(DIST, ignore_errors=True)
    report("building the source distribution, and from it the wheel of this Python")
    run(sys.executable, "-m", "build", "--quiet", CHECKOUT, env=environment(**WITH_C, **ADDRESS))
    (sdist,) = DIST.glob("*.tar.gz")
    for version, python in pythons.items():
        if python != Path(sys.executable):
            report(f"building the wheel of Python {version}")
            build_wheel(python, sdist, **WITH_C)
    report("building the wheel without the part in C")
    build_wheel(Path(sys.executable), sdist, HELIOGRAPH_PURE="1")


def build_wheel(python: Path, sdist: Path, **env: str) -> None:
    """Build a wheel from the source distribution."""
    # The cache would hand out a wheel of an earlier archive with the same name.
    options = ("-qq", "--no-cache-dir", "--no-deps", "--wheel-dir", DIST)
    with TemporaryDirectory() as folder:
        inside = new_environment(python, Path(folder))
        run(*PIP, "--python", inside, "wheel", *options, sdist, env=environment(**env, **ADDRESS))


def install_pure(folder: Path) -> Path:
    """Make an environment with the wheel without the part in C alone, and return its Python."""
    inside = new_environment(Path(sys.executable), folder)
    install(inside, "--no-deps", *DIST.glob("*-py3-none-any.whl"))
    return inside


def look_into(pure: Path) -> bool:
    """Check all that was built, and write the list of what is in it; return whether all is well."""
    report("looking into the source distribution and the wheels")
    for command in checking.commands(DIST, pure, CHECKOUT / "pyproject.toml"):
        run(*command, env=environment())
    return checking.check_tags(sorted(DIST.glob("*.whl")), report)


def try_out(pythons: dict[str, Path], settings: dict[str, Any], folder: Path, pure: Path) -> None:
    """Install and test every wheel."""
    # The tests are those in the source distribution: whoever packages it has no others.
    (sdist,) = DIST.glob("*.tar.gz")
    unpacked = unpack(sdist, folder / "sdist")
    tests = folder / "tests"
    for name in settings["test-sources"]:
        copy(unpacked / name, tests / name)
    for version, python in pythons.items():
        report(f"testing the wheel of Python {version}")
        inside = new_environment(python, folder / version)
        # pip chooses, and has to prefer this wheel to the one without the part in C.
        install(inside, "--no-deps", "--no-index", "--find-links", DIST, "heliograph")
        install(inside, *requirements(settings))
        for command in settings["test-command"]:
            run(*shlex.split(command), cwd=tests, env=environment(inside.parent))
    report("testing the wheel without the part in C")
    run(pure, "-c", SERVES, cwd=tests, env=environment())
    install(pure, *requirements(settings))
    run(pure, "-m", "pytest", "-q", "tests/core", cwd=tests, env=environment(pure.parent))


def unpack(sdist: Path, folder: Path) -> Path:
    """Unpack the source distribution, and return the folder that is in it."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return folder / sdist.name.removesuffix(".tar.gz")


def copy(source: Path, target: Path) -> None:
    """Copy a file or a folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)


def new_environment(python: Path, folder: Path) -> Path:
    """Make an environment with nothing in it, and return its Python."""
    run(python, "-m", "venv", "--without-pip", folder, env=environment())
    return folder / ("Scripts" if os.name == "nt" else "bin") / "python"


def requirements(settings: dict[str, Any]) -> Iterator[str]:
    """Yield what the tests need, as arguments of pip."""
    yield f"heliograph[{','.join(settings['test-extras'])}]"
    for group in settings["test-groups"]:
        yield from ("--group", group)


def install(python: Path, *what: str | Path) -> None:
    """Install into an environment."""
    # Twice quiet: errors are shown, warnings about other people's indexes are not.
    # In the checkout, for it is there that pip looks for the groups.
    command = (*PIP, "--python", python, "install", "-qq", *what)
    run(*command, cwd=CHECKOUT, env=environment())


def run(*command: str | Path, env: dict[str, str], cwd: Path | None = None) -> None:
    """Run a command to its end; a failure ends everything."""
    subprocess.run(command, cwd=cwd, env=env, check=True)


def report(message: str) -> None:
    """Print progress."""
    print(f"\n== {message}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
