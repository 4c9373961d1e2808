"""Runs a test in a Python process of its own, in which nothing has been imported yet."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from functools import wraps
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]


def in_a_fresh_process(test: Callable[[], None]) -> Callable[[], None]:
    """Decorate a test that installs Heliograph, which no other test is to notice.

    Its module is imported again there, so what that imports at the top must not
    import Blinker. Warnings are errors, as everywhere.
    """

    @wraps(test)
    def run() -> None:
        command = [sys.executable, "-W", "error", "-m", __name__, test.__module__, test.__name__]
        command[-2] = test.__code__.co_filename
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr

    return run


def modules_of(name: str) -> set[str]:
    """Return the modules that importing *name* loads in a fresh and bare interpreter."""
    # Not what stands in for it in this process, if anything does.
    spec = PathFinder.find_spec(name.partition(".")[0])
    assert spec is not None
    assert spec.origin is not None
    program = (
        f"import sys; sys.path.insert(0, {str(Path(spec.origin).parents[1])!r})\n"
        f"before = set(sys.modules); import {name}\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    command = [sys.executable, "-I", "-S", "-E", "-c", program]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return set(output.split())


def main(path: str, name: str) -> None:
    """Run the test of that name in that file."""
    spec = importlib.util.spec_from_file_location("test_module", path)
    if spec is None or spec.loader is None:
        sys.exit(f"{path} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules["test_module"] = module
    spec.loader.exec_module(module)
    getattr(module, name).__wrapped__()


if __name__ == "__main__":
    main(*sys.argv[1:])
