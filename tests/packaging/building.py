"""Builds and installs Heliograph with pip, from what is here and without a package index."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "heliograph"
_HEADERS = Path(sysconfig.get_path("include"), "Python.h")
COMPILER = shutil.which(
    (sysconfig.get_config_var("CC") or "cc").split()[0] if _HEADERS.is_file() else ""
)
"""The compiler that extensions of this Python are built with, if it and the headers are here."""

# Those of the run that this is part of: what is off or measured there need not be here.
_OURS = ("COVERAGE_", "HELIOGRAPH_", "PYTHON")
# Not from the cache: it would hand out what was built under other circumstances.
_HERE = ("--no-build-isolation", "--no-index", "--no-deps", "--no-cache-dir")


def grafted() -> list[str]:
    """Return the folders that the source distribution has whole, beside ``src``."""
    manifest = (ROOT / "MANIFEST.in").read_text(encoding="utf-8")
    return re.findall(r"(?m)^graft (\w+)$", manifest)


def build_sdist(folder: Path) -> Path:
    """Build the source distribution of a copy, for building leaves files behind."""
    copy = folder / "checkout"
    built = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("src", *grafted()):
        shutil.copytree(ROOT / name, copy / name, ignore=built)
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, copy)
    _python("-m", "build", "--sdist", "--no-isolation", "--outdir", str(folder), str(copy))
    (sdist,) = folder.glob("*.tar.gz")
    return sdist


def build_wheel(sdist: Path, folder: Path, **env: str) -> Path:
    """Build a wheel from the source distribution."""
    _pip("wheel", "--wheel-dir", str(folder), str(sdist), fails=False, **env)
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(sdist: Path, environment: Path, *options: str, fails: bool = False, **env: str) -> str:
    """Make an environment with nothing but Heliograph, and return what pip said."""
    _python("-m", "venv", "--without-pip", str(environment))
    where = {"base": str(environment), "platbase": str(environment)}
    target = sysconfig.get_path("platlib", "venv", where)
    return _pip("install", *options, "--target", target, str(sdist), fails=fails, **env)


def run(environment: Path, program: str) -> str:
    """Run a program in an environment, and return what it printed."""
    scripts = sysconfig.get_path("scripts", "venv", {"base": str(environment)})
    return _child(str(Path(scripts) / "python"), "-I", "-W", "error", "-c", program).strip()


def _pip(command: str, *arguments: str, fails: bool, **env: str) -> str:
    options = ("--isolated", "--disable-pip-version-check", command, *_HERE)
    return _python("-m", "pip", *options, *arguments, fails=fails, **env)


def _python(*arguments: str, fails: bool = False, **env: str) -> str:
    return _child(sys.executable, *arguments, fails=fails, **env)


def _child(*command: str, fails: bool = False, **env: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    done = subprocess.run(
        command,
        env=kept | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert (done.returncode != 0) == fails, done.stdout
    return done.stdout
