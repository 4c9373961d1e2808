"""What mypy and pyright say of declared signals, and of those that are not."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
FILES = ["accepted.py", "refused.py"]


def output_of(tool: str, *arguments: str) -> str:
    """Return what a type checker prints about both files, run from the project's folder."""
    pytest.importorskip(tool, reason=f"{tool} is not installed.")
    # It is the checkers that would be measured.
    unmeasured = {name: it for name, it in os.environ.items() if not name.startswith("COVERAGE")}
    command = [sys.executable, "-m", tool, *arguments, *(str(HERE / name) for name in FILES)]
    done = subprocess.run(
        command, cwd=ROOT, env=unmeasured, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def seen_by_mypy() -> set[str]:
    """Return the lines of which mypy reports an error, as ``file:line``."""
    printed = output_of("mypy", "--no-error-summary", "--hide-error-context")
    found = re.findall(r"^.*?(\w+\.py):(\d+): error", printed, re.MULTILINE)
    return {f"{name}:{line}" for name, line in found}


def seen_by_pyright() -> set[str]:
    """Return the lines of which pyright reports an error, as ``file:line``."""
    report = json.loads(output_of("pyright", "--pythonpath", sys.executable, "--outputjson"))
    return {
        f"{Path(it['file']).name}:{it['range']['start']['line'] + 1}"
        for it in report["generalDiagnostics"]
    }


def marked() -> set[str]:
    """Return the lines that carry the mark, as ``file:line``."""
    return {
        f"{name}:{number}"
        for name in FILES
        for number, line in enumerate((HERE / name).read_text(encoding="utf-8").splitlines(), 1)
        if "  # refused: " in line
    }


@pytest.mark.parametrize("seen", [seen_by_mypy, seen_by_pyright])
def test_checkers_refuse_the_marked_lines_and_no_others(seen: Callable[[], set[str]]) -> None:
    """A payload that is not as declared is an error where it is written, and nothing else is."""
    assert seen() == marked()
