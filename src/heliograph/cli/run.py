"""Runs a Python command, and whatever it starts, with Heliograph in place of Blinker."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

STARTUP = Path(__file__).with_name("startup")
"""What Python runs first if this is on its path."""


def replace_process(command: Sequence[str]) -> NoReturn:
    """Become *command*, in an environment that installs the engine in every Python.

    The environment, and not just this process, because workers and reloaders are
    started anew.

    Raises:
        click.ClickException: If there is no such command, or the system refuses to run it.
    """
    program = _find(command)
    python_path = [str(STARTUP), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, python_path)),
        # The process that must have the engine; what it starts may be other Pythons.
        "HELIOGRAPH_RUN": str(os.getpid()),
    }
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execve(program, [program, *command[1:]], environment)  # noqa: S606 - what is asked for.
    except OSError as error:
        msg = f"{program!r} cannot be run: {error.strerror}. Is its first line right (#!...)?"
        raise click.ClickException(msg) from None


def _find(command: Sequence[str]) -> str:
    # The scripts beside this interpreter first: an environment need not be activated.
    places = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    program = shutil.which(command[0], path=places)
    if program is None and Path(command[0]).is_file():
        better = shlex.join(["python", *command])
        msg = f"{command[0]!r} is a file, but no command. Try `heliograph run {better}`."
        raise click.UsageError(msg)
    if program is None:
        msg = (
            f"There is no command {command[0]!r}, neither beside {sys.executable} nor on the "
            "PATH. Write it as you would without `heliograph run`."
        )
        raise click.UsageError(msg)
    return program
