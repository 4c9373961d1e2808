"""The part of the build that pyproject.toml cannot say: an extension that may be left out."""

from __future__ import annotations

import os
import sys
import sysconfig

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext


def asked_for(name: str) -> bool:
    """Tell whether an environment variable is set to anything but 0."""
    return os.environ.get(name, "0") not in ("", "0")


reasons = {
    "HELIOGRAPH_PURE turns it off. Unset one of them.": asked_for("HELIOGRAPH_PURE"),
    # It reads slots where CPython keeps them.
    "this is not CPython. Unset it.": sys.implementation.name != "cpython",
    # Without a GIL, importing an extension that does not declare itself fit for that would put
    # the GIL back; this one will once its tests have run there. Until then Python serves.
    "this Python has no GIL. Unset it.": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
}
left_out = [reason for reason, holds in reasons.items() if holds]
required = asked_for("HELIOGRAPH_REQUIRE_C")
if required and left_out:
    sys.exit(f"HELIOGRAPH_REQUIRE_C=1 asks for the part in C, but {left_out[0]}")


class BuildOrTell(build_ext):
    """Says in one line what it means if an extension that may be left out is left out."""

    def build_extension(self, ext: Extension) -> None:
        """Build an extension."""
        try:
            super().build_extension(ext)
        except Exception:
            if not required:
                print(  # noqa: T201 - the user reads it during the build.
                    "heliograph: the part in C could not be compiled. Everything works, and "
                    "sending is slower. Set HELIOGRAPH_REQUIRE_C=1 to fail here instead.",
                    file=sys.stderr,
                )
            raise


CORE = "src/heliograph/core"
SOURCES = [
    f"{CORE}/sending/_dispatch.c",
    f"{CORE}/sending/_module.c",
    f"{CORE}/sending/_watching.c",
    f"{CORE}/sending/_notes.c",
    f"{CORE}/sending/_questions.c",
    f"{CORE}/spans/_noop.c",
]
HEADERS = [f"{CORE}/sending/_{name}.h" for name in ("callable", "dispatch", "lookup")]

setup(
    cmdclass={"build_ext": BuildOrTell},
    ext_modules=[]
    if left_out
    else [
        # Optional: where it cannot be compiled, the install goes on without it.
        # Tests and releases ask for a failure instead.
        Extension(
            "heliograph.core.sending._dispatch",
            SOURCES,
            depends=HEADERS,
            optional=not required,
        )
    ],
)
