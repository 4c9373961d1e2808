"""A fuzzer that sees which lines are reached finds no bytes that the decoder fails on."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest


def test_no_bytes_make_the_decoder_fail(tmp_path: Path) -> None:
    """In five seconds; `make fuzz` gives it a minute."""
    if find_spec("atheris") is None:
        pytest.skip("needs atheris: pip install atheris, then run this file again")
    run = subprocess.run(
        [sys.executable, "-m", "tests.relay.fuzz_reading", "5"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (run.returncode, "Done" in run.stderr) == (0, True), run.stderr[-3000:]
