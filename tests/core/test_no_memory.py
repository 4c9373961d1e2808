"""When memory runs out during a send, that is what one is told, and nothing is lost or held."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from heliograph import implementation

pytest.importorskip("_testcapi", reason="only builds with CPython's own test modules can do it")

USUAL = {
    "nobody": "",
    "others": "",
    "function": "function",
    "method": "method",
    "several": "function method function",
    "wrapper": "function",
    "many": "function",
    "wrapped": "function async",
    "awaited": "function async",
}


@pytest.mark.once
@pytest.mark.skipif(implementation != "c", reason="HELIOGRAPH_PURE=1, or no compiler")
def test_each_allocation_of_a_send_or_a_change_may_fail() -> None:
    """It raises or does all that it has to, the next one works, and nobody is held."""
    # Coverage would have to find memory as well.
    env = {name: it for name, it in os.environ.items() if not name.startswith("COVERAGE")}
    program = Path(__file__).with_name("no_memory.py")
    run = subprocess.run(
        [sys.executable, program], env=env, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    found, drift, wrong = json.loads(run.stdout)
    failed = {*found.pop("error"), *found.pop("last error")}

    assert wrong == {}
    assert drift == {}
    assert found == {name: sorted(["MemoryError", words]) for name, words in USUAL.items()}
    # CPython itself may lose an error for which it finds no memory, and says so: SystemError.
    assert failed - {"SystemError"} == {"LookupError", "MemoryError"}
