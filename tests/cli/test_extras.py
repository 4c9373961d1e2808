"""What the command line says where something that it needs is not installed."""

from __future__ import annotations

import sys
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from tests.cli.children import Ended, child, heliograph, write

if TYPE_CHECKING:
    from pathlib import Path

WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
sys.argv = ["heliograph", "trace", "shop", "GET /"]
from heliograph.cli import main
main()
"""
"""Runs the command line in a Python that one module is missing from."""


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_the_command_line_asks_for_its_extra(tmp_path: Path, missing: str) -> None:
    """Without click or rich, one line says what to install."""
    ended = child(sys.executable, "-c", WITHOUT.format(missing=missing), cwd=tmp_path)

    assert ended.err == (
        f"The command line needs {missing}, which is not installed: pip install 'heliograph[cli]'. "
        "Only `heliograph run` works without it.\n"
    )
    assert (ended.status, ended.out) == (1, "")


def test_a_part_that_is_missing_is_no_missing_extra(tmp_path: Path) -> None:
    """As of an installation that was interrupted: then Python's own words say more."""
    missing = "heliograph.cli.target"
    ended = child(sys.executable, "-c", WITHOUT.format(missing=missing), cwd=tmp_path)

    assert ended.err.endswith(f"ModuleNotFoundError: No module named {missing!r}\n")
    assert ended.status == 1


def test_a_program_is_run_without_any_extra(tmp_path: Path) -> None:
    """Production images hold neither click nor rich; the help and the errors are the same."""
    write(
        tmp_path / "bare.py",
        """
        import sys
        for name in "click", "rich":
            sys.modules[name] = None
        from heliograph.cli import main
        main()
        """,
    )

    def bare(*arguments: str) -> Ended:
        return child(sys.executable, "bare.py", *arguments, cwd=tmp_path)

    engine = "import blinker; print(blinker.__name__)"
    assert bare("run", "--", "python", "-c", engine) == Ended(0, "heliograph.blinker\n", "")
    for arguments in (["--help"], ["-h"], [], ["-x"], ["no-such-command"]):
        assert bare("run", *arguments) == heliograph("run", *arguments, cwd=tmp_path)


def test_the_package_can_be_run_as_the_command(tmp_path: Path) -> None:
    """Where the command is not on the path, `python -m heliograph` is."""
    ended = child(sys.executable, "-m", "heliograph", "--version", cwd=tmp_path)

    assert (ended.status, ended.err) == (0, "")
    assert ended.out.endswith(f" {metadata.version('heliograph')}\n")


@pytest.mark.parametrize("missing", ["flask", "werkzeug", "starlette", "aiohttp"])
def test_a_trace_needs_no_framework_but_that_of_the_application(
    tmp_path: Path, missing: str
) -> None:
    """What is not installed is not looked for."""
    write(
        tmp_path / "shop.py",
        """
        def app(environ, start_response):
            start_response("204 No Content", [])
            return []
        """,
    )

    ended = child(sys.executable, "-c", WITHOUT.format(missing=missing), cwd=tmp_path)

    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("GET /  204 No Content ")


def test_a_broken_install_is_not_taken_for_a_missing_extra(tmp_path: Path) -> None:
    """A module of Heliograph's own that is missing is reported as what it is."""
    missing = "heliograph.cli.showing"

    ended = child(sys.executable, "-c", WITHOUT.format(missing=missing), cwd=tmp_path)

    # Python 3.15 adds what else may have been meant.
    said = ended.err.splitlines()[-1].partition(". Did you mean: ")[0]
    assert said == f"ModuleNotFoundError: No module named {missing!r}"
    assert ended.status == 1


def test_nothing_of_the_extras_is_needed_by_the_engine(tmp_path: Path) -> None:
    """`import heliograph` works where neither click nor rich nor Flask is."""
    write(
        tmp_path / "engine.py",
        """
        import sys
        for name in "click", "rich", "flask":
            sys.modules[name] = None
        from heliograph import signal
        print(signal("a").name)
        """,
    )

    ended = child(sys.executable, "engine.py", cwd=tmp_path)

    assert (ended.status, ended.out, ended.err) == (0, "a\n", "")


def test_the_version_is_that_of_the_package(tmp_path: Path) -> None:
    """--version prints the program's name and what is installed."""
    ended = heliograph("--version", cwd=tmp_path)

    assert (ended.status, ended.out) == (0, f"heliograph {metadata.version('heliograph')}\n")
