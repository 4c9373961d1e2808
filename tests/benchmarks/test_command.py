"""The command that measures, as `make bench` calls it."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def benchmarks(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "100"},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )


def test_a_run_says_where_it_was_made_and_prints_its_tables(tmp_path: Path) -> None:
    """Figures stand below what they depend on, and without the name of the machine."""
    figures = tmp_path / "figures.json"

    ended = benchmarks("sending", "--quick", "--rows", "^nobody connected", "--json", str(figures))
    measured = json.loads(figures.read_text())

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"CPython {platform.python_version()} on ")
    assert platform.node() not in ended.stdout
    assert "\nSending, minimum\n" in ended.stdout
    assert [row["row"] for row in measured["sending"]] == ["nobody connected"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["speed"], "'speed' is not one of sending, "),
        (["--rows", "("], "'(' is not a regular expression: "),
        (["--senders", "none"], "'none' is not a number of at least 1"),
        (["--json", "/nowhere/figures.json"], "No such file or directory: '/nowhere/figures.json'"),
        (["--docs", "--quick"], "--docs wants figures that can stand there"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_measured(
    arguments: list[str], problem: str
) -> None:
    """A mistake in the command costs no minutes of waiting."""
    ended = benchmarks(*arguments)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert problem in ended.stderr
