"""The demo of the trail: it finds the forger."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_demo_shows_a_forgery_that_is_found() -> None:
    """Its exit status is 0 if the trail does not hold."""
    run = subprocess.run(
        [sys.executable, "-m", "shop.demo_audit"],
        cwd=EXAMPLES, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert "order.place  success  ada    order:1" in run.stdout
    assert "Holds: anchored.\n" in run.stdout
    # What is buffered may be written first.
    found = re.search(r"entry \d: its header was changed.\nDOES NOT HOLD: anchored.", run.stdout)
    assert found is not None
