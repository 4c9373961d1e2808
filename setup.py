"""The part of the build that pyproject.toml cannot say: an extension that may be left out."""

from __future__ import annotations

import os
import sys
import sysconfig

from setuptools import Extension, setup

# It reads slots where CPython keeps them.
foreign = sys.implementation.name != "cpython"
# Without a GIL, importing an extension that does not declare itself fit for that would put
# the GIL back; this one will once its tests have run there. Until then Python serves.
free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
pure = os.environ.get("HELIOGRAPH_PURE", "0") not in ("", "0")

setup(
    ext_modules=[]
    if pure or foreign or free_threaded
    else [
        # Optional: where it cannot be compiled, the install goes on without it.
        Extension(
            "heliograph.core._dispatch",
            ["src/heliograph/core/_dispatch.c"],
            optional=True,
        )
    ]
)
