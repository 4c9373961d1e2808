"""Runs a Python command, and whatever it starts, with Heliograph in place of Blinker.

It needs nothing but the standard library: production images hold no more than they need.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

STARTUP = Path(__file__).with_name("startup")
"""What Python runs first if this is on its path."""

_FAILED, _MISUSED = 1, 2
"""The exit statuses."""

_USAGE = "Usage: heliograph run [OPTIONS] COMMAND [ARGS]..."

_HELP = f"""\
{_USAGE}

  Run any Python command with Heliograph in place of Blinker.

  Nothing of the program is changed: whatever it and the processes that it
  starts import as `blinker` is Heliograph. Python's own options -E, -I and -S
  keep it out.

Options:
  -h, --help  Show this message and exit.

Examples:
  heliograph run flask --app shop run
  heliograph run gunicorn shop:app
  heliograph run python -m shop
"""

# Those of Python that take the next word for their value, and those that end the options.
_WITH_VALUE = "WX"
_LAST = "cm"
_KEEPS_OUT = "EIS"


class _RefusedError(Exception):
    """What cannot be run, with the exit status that says so."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def main(arguments: Sequence[str]) -> NoReturn:
    """Do what ``heliograph run`` is asked to, given what follows these words."""
    try:
        _replace_process(_command(arguments))
    except _RefusedError as error:
        usage = f"{_USAGE}\nTry 'heliograph run --help' for help.\n\n"
        sys.stderr.write(f"{usage if error.status == _MISUSED else ''}Error: {error}\n")
        sys.exit(error.status)


def _command(arguments: Sequence[str]) -> Sequence[str]:
    first = arguments[0] if arguments else None
    if first in ("-h", "--help"):
        sys.stdout.write(_HELP)
        sys.exit(0)
    if first == "--":
        arguments = arguments[1:]
    elif first is not None and first.startswith("-"):
        msg = f"No such option '{first}'."
        if first[1:2] in {*_LAST}:
            msg += f" Try `heliograph run {shlex.join(['python', *arguments])}`."
        raise _RefusedError(msg, _MISUSED)
    if not arguments:
        msg = "Missing argument 'COMMAND [ARGS]...'."
        raise _RefusedError(msg, _MISUSED)
    return arguments


def _replace_process(command: Sequence[str]) -> NoReturn:
    # In an environment that installs the engine in every Python, and not just this process,
    # because workers and reloaders are new processes.
    program = _find(command)
    _tell_if_kept_out(command)
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
        raise _RefusedError(msg, _FAILED) from None


def _tell_if_kept_out(command: Sequence[str]) -> None:
    """Say so if Python is told not to look at its environment, so that nothing is changed."""
    if not Path(command[0]).name.startswith("python"):
        return
    words = iter(command[1:])
    for word in words:
        if not word.startswith("-") or word.startswith("--") or word == "-":
            return
        for letter in word[1:]:
            if letter in _KEEPS_OUT:
                sys.stderr.write(
                    f"heliograph run: with its option -{letter}, Python keeps Heliograph "
                    "out, and runs on what is installed as blinker.\n"
                )
                return
            if letter in _LAST:
                return
            if letter in _WITH_VALUE:
                if word.endswith(letter):
                    next(words, None)
                break


def _find(command: Sequence[str]) -> str:
    # The scripts beside this interpreter first: an environment need not be activated.
    places = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    program = shutil.which(command[0], path=places)
    if program is None and Path(command[0]).is_file():
        better = shlex.join(["python", *command])
        msg = f"{command[0]!r} is a file, but no command. Try `heliograph run {better}`."
        raise _RefusedError(msg, _MISUSED)
    if program is None:
        msg = (
            f"There is no command {command[0]!r}, neither beside {sys.executable} nor on the "
            "PATH. Is it installed in this environment? Write it as you would without "
            "`heliograph run`."
        )
        raise _RefusedError(msg, _MISUSED)
    return program
