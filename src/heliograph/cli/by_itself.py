"""Starts a program in a process of its own, as without this command, to see its engine there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import redirect_stdout

import click

from heliograph.cli.searching import Search
from heliograph.inspector.doctor import Engine, engine_here

_SECONDS = 60
"""A program that takes longer to load is not waited for."""


def engine_by_itself(name: str) -> Engine | None:
    """Return the engine of a program that nobody has put Heliograph under, or None if unknown.

    Args:
        name: The program, as for `heliograph.cli.program.load_program`.
    """
    command = [sys.executable, "-m", __name__, name]
    try:
        ended = subprocess.run(  # noqa: S603 - it is this module.
            command, capture_output=True, encoding="utf-8", timeout=_SECONDS, check=True
        )
        return Engine.from_dict(json.loads(ended.stdout))
    except (OSError, ValueError, subprocess.SubprocessError):
        return None  # Loading it here says why, or it differs from time to time.


def main() -> None:
    """Load the program that is named, and print its engine."""
    # Not the settings, which the environment has by now: reading them would load Flask.
    os.environ["FLASK_RUN_FROM_CLI"] = "true"
    with redirect_stdout(sys.stderr):
        search = Search(sys.argv[1], "program", "")
        kept = search.obvious() if search.expression is None else search.named(search.expression)
        engine = engine_here()
        del kept
    click.echo(json.dumps(engine.as_dict()))


if __name__ == "__main__":
    main()
