"""Programs of Debian that tests need, installed if they are missing and may be.

As a program it installs what it is told, before the tests begin: `python -m tests.debian chromium`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache

import pytest

# Two workers of pytest may want a package each at once: dpkg lets one after the other.
_INSTALL = (
    "apt-get", "-o", "DPkg::Lock::Timeout=600", "install", "-y", "--no-install-recommends",
)  # fmt: skip
_UPDATE = ("apt-get", "-o", "DPkg::Lock::Timeout=600", "-o", "Acquire::Lock::Timeout=600", "update")


def needed(package: str, *names: str) -> str:
    """Return where a program is, by any of its names; skip the test where it cannot be had.

    In CI it must be there.
    """
    found = _program(package, names or (package,))
    if found is None:
        how = f"apt-get install {package}"
        if "CI" in os.environ:
            pytest.fail(f"CI has to have it: {how}")
        pytest.skip(f"needs {names[0] if names else package}: {how}, then run this file again")
    return found


@cache
def _program(package: str, names: tuple[str, ...]) -> str | None:
    found = _found(names)
    if found is None and shutil.which("apt-get") and os.geteuid() == 0:
        if not _ran(*_INSTALL, package):  # A new machine knows no packages yet.
            _ran(*_UPDATE)
            _ran(*_INSTALL, package)
        found = _found(names)
    return found


def _found(names: tuple[str, ...]) -> str | None:
    return next((it for name in names if (it := shutil.which(name))), None)


def _ran(*command: str) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run = subprocess.run(command, env=environment, capture_output=True, timeout=900, check=False)
    return run.returncode == 0


if __name__ == "__main__":
    for it in sys.argv[1:]:
        _program(it, (it, "dot") if it == "graphviz" else (it,))
