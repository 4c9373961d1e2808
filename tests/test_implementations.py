"""One run tests both implementations: what is in C can be taken out and put back."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from heliograph import Signal, implementation
from tests.implementations import IMPLEMENTATIONS, in_c, in_use, served_by


@pytest.mark.parametrize("which", IMPLEMENTATIONS)
def test_a_test_runs_on_the_implementation_that_its_id_names(which: str) -> None:
    """And afterwards what was loaded serves again; processes that it starts use the same."""
    signal, before = Signal("paid"), in_c()
    code = "import heliograph; print(heliograph.implementation)"
    with served_by(which):
        child = subprocess.check_output([sys.executable, "-c", code], text=True)
        served = in_use(), child.strip(), signal.send("shop")

    assert served == (which, which, [])
    assert (in_c(), in_use()) == (before, implementation)


def test_a_process_that_loaded_c_and_serves_in_python_is_as_one_that_never_did() -> None:
    """No class and no module of the engine has anything else than it has there."""
    code = (
        "from tests.implementations import engine, served_by\n"
        "with served_by('python'):\n"
        "    print(*engine(), sep='\\n')\n"
    )
    loaded, pure = (
        subprocess.check_output(
            [sys.executable, "-c", code], text=True, env=os.environ | {"HELIOGRAPH_PURE": it}
        ).splitlines()
        for it in ("0", "1")
    )

    assert [it for it in loaded if it not in pure] == []
    assert [it for it in pure if it not in loaded] == []
