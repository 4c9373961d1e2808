"""Prints 1 if the part in C can be built for the Python that runs this, otherwise 0.

Where it prints 1, whoever tests the part in C builds it with `HELIOGRAPH_REQUIRE_C=1`, so that
one that does not compile is a failure; elsewhere the tests go on without it.

    python3.13 scripts/compiler.py
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path


def can_build() -> bool:
    """Tell whether there is a compiler with Python's headers, and a part in C for this Python."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    return (
        shutil.which(compiler) is not None
        and Path(sysconfig.get_path("include"), "Python.h").is_file()
        # As setup.py, which leaves it out for these.
        and sys.implementation.name == "cpython"
        and not sysconfig.get_config_var("Py_GIL_DISABLED")
        and os.environ.get("HELIOGRAPH_PURE", "0") in ("", "0")
    )


if __name__ == "__main__":
    print(int(can_build()))
