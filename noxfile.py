"""The developer's matrix: the tests on every interpreter that is installed. CI runs `make test`."""

from __future__ import annotations

import nox

nox.needs_version = ">=2025.5"
# Few machines have all of them; CI does.
nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True

PYTHONS = ["3.11", "3.12", "3.13", "3.14", "3.15", "3.14t", "3.15t"]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run all tests on the latest frameworks, as `make cover` does: in C and in Python."""
    _install(session, ".[cli,flask]", *_groups("test", "frameworks", "packaging"))
    pytest = ["python", "-m", "pytest", *session.posargs]
    session.run(*pytest, "tests", "--ignore=tests/flask")
    # In separate processes, as `install()` cannot be undone.
    for pure in ("0", "1"):
        for install in ("before", "after"):
            env = {"HELIOGRAPH_PURE": pure, "HELIOGRAPH_INSTALL": install}
            session.run(*pytest, "tests/flask", env=env)
    plugin = ["-p", "heliograph", "-o", "signals_rules=true", "--signals-install"]
    session.run(*pytest, *plugin, "tests/plugin", "examples/tests")


@nox.session(python=PYTHONS)
def core(session: nox.Session) -> None:
    """Run the engine's tests with nothing installed beside it: no extras, no frameworks."""
    _install(session, ".", *_groups("test"))
    session.run("python", "-m", "pytest", *(session.posargs or ["tests/core"]))


def _install(session: nox.Session, checkout: str, *packages: str) -> None:
    # The newest of Hypothesis are in Rust; where they have no wheel, one in Python serves.
    wheels = "--only-binary=hypothesis"
    can_build = session.run("python", "scripts/compiler.py", silent=True)
    session.install(
        wheels, "-e", checkout, *packages, env={"HELIOGRAPH_REQUIRE_C": str(can_build).strip()}
    )


def _groups(*names: str) -> tuple[str, ...]:
    return nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), *names)
