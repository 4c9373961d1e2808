"""The demonstration: a shop in two processes, a worker that is killed, and a broker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_demonstration_bills_each_order_once() -> None:
    """Its exit status is 0 if it does, and if the other process knows of the new price."""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "relayed.demo"],
        cwd=EXAMPLES, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip

    assert (run.returncode, run.stderr) == (0, "")
    assert " changes it to 3900. Process " in run.stdout
    assert "Bills of each order: {}.\n  Another worker gets it. " in run.stdout
    assert run.stdout.endswith("\noutbox: 0 unsent\n\nBills of each order: {1: 1, 2: 1}.\n")
