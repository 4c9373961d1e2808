"""The part of the build that pyproject.toml cannot say.

An extension that may be left out; and where the project is, which only a release knows.
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
import tomllib
from pathlib import Path

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


# The address of the repository, such as https://forge.example/heliograph/heliograph.
repository = os.environ.get("HELIOGRAPH_REPOSITORY", "").rstrip("/")
if repository and not re.fullmatch(r"https://[^/\s]+/\S+", repository):
    sys.exit(f"HELIOGRAPH_REPOSITORY={repository} is no address of a repository: https://…")


def project_urls() -> dict[str, str]:
    """Return what `[project.urls]` would have."""
    if not repository:
        return {}
    blob = f"{repository}/blob/main"
    return {
        "Source": repository,
        "Documentation": f"{blob}/docs/index.md",
        "Changelog": f"{blob}/CHANGELOG.md",
        "Issues": f"{repository}/issues",
    }


def readme() -> str:
    """Return the README as an index shows it: from there, relative links lead nowhere."""
    here = Path(__file__).parent
    text = (here / "README.md").read_text(encoding="utf-8")
    if not repository:
        return text
    project = tomllib.loads((here / "pyproject.toml").read_text(encoding="utf-8"))
    # Those of the version: a page about an old one goes on showing its own pictures.
    at = f"v{project['project']['version']}"
    relative = r"\((?!https?:|#)"
    text = re.sub(rf"(!\[[^\]]*\]){relative}", rf"\1({repository}/raw/{at}/", text)
    return re.sub(rf"\]{relative}", f"]({repository}/blob/{at}/", text)


CORE = "src/heliograph/core"
SOURCES = [
    f"{CORE}/sending/_dispatch.c",
    f"{CORE}/sending/_awaiting.c",
    f"{CORE}/sending/_module.c",
    f"{CORE}/sending/_watching.c",
    f"{CORE}/sending/_notes.c",
    f"{CORE}/sending/_questions.c",
    f"{CORE}/sending/_callers.c",
    f"{CORE}/sending/_sparing.c",
    f"{CORE}/sending/_checking.c",
    f"{CORE}/sending/_snapshot.c",
    f"{CORE}/connections/_tables.c",
    f"{CORE}/connections/_linking.c",
    f"{CORE}/connections/_connect.c",
    f"{CORE}/connections/_blocks.c",
    f"{CORE}/connections/_muting.c",
    f"{CORE}/connections/_verbs.c",
    f"{CORE}/connections/_via.c",
    f"{CORE}/spans/_noop.c",
    f"{CORE}/spans/_span.c",
]
HEADERS = [f"{CORE}/sending/_{name}.h" for name in ("callable", "calling", "dispatch", "lookup")]
HEADERS += [f"{CORE}/connections/_tables.h"]

setup(
    long_description=readme(),
    long_description_content_type="text/markdown",
    project_urls=project_urls(),
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
