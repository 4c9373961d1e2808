"""What a release may take more than the last one, in instructions."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks import instructions


def test_a_row_that_takes_more_than_it_may_is_named() -> None:
    """A seventh more is chance or a price; what is above it has to be decided."""
    before = {"send": 1000.0, "connect": 1000.0, "mute": 1000.0}

    assert instructions.losses(before, {"send": 1151.0, "connect": 1150.0, "mute": 1.0}) == ["send"]


@pytest.mark.parametrize("row", instructions.ROWS)
def test_the_program_of_a_row_runs(row: str) -> None:
    """Without valgrind too: under it, a round is the difference of two such programs."""
    command = [sys.executable, "-W", "error", "-c", instructions.program(row, rounds=3)]

    subprocess.run(command, check=True)
