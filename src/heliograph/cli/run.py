"""Runs a Python command, and whatever it starts, with Heliograph in place of Blinker.

It needs only the standard library, as a production image has nothing that it can do without.
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
"""A folder whose `sitecustomize` Python runs first, if the folder is on its path."""

_FAILED, _MISUSED = 1, 2
"""The exit statuses."""

_USAGE = "Usage: heliograph run [OPTIONS] COMMAND [ARGS]..."

_HELP = f"""\
{_USAGE}

  Run any Python command with Heliograph in place of Blinker.

  The program itself is not changed: `import blinker` gives Heliograph, in its
  process and in those that it starts. Python's options -E, -I and -S prevent
  this.

Options:
  -h, --help  Show this message and exit.

Examples:
  heliograph run flask --app shop run
  heliograph run gunicorn shop:app
  heliograph run python -m shop
"""

# Python's options that take a value, that end the options, and that keep Heliograph out.
_WITH_VALUE = "WX"
_LAST = "cm"
_KEEPS_OUT = "EIS"


class _RefusedError(Exception):
    """A command that cannot be run, with the exit status for it."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def main(arguments: Sequence[str]) -> NoReturn:
    """Run ``heliograph run`` with the arguments that follow these words."""
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
    # The environment installs Heliograph in every Python that starts, and not only in this
    # process, because workers and reloaders are new processes.
    program = _find(command)
    _warn_if_kept_out(command)
    python_path = [str(STARTUP), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, python_path)),
        # The process that must have Heliograph; those that it starts may be other Pythons.
        "HELIOGRAPH_RUN": str(os.getpid()),
    }
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execve(program, [program, *command[1:]], environment)  # noqa: S606 - the user asks for it.
    except OSError as error:
        msg = f"{program!r} cannot be run: {error.strerror}. Is its first line (#!...) correct?"
        raise _RefusedError(msg, _FAILED) from None


def _warn_if_kept_out(command: Sequence[str]) -> None:
    """Warn if Python is told to ignore its environment, and so runs without Heliograph."""
    if not Path(command[0]).name.startswith("python"):
        return
    words = iter(command[1:])
    for word in words:
        if not word.startswith("-") or word.startswith("--") or word == "-":
            return
        for letter in word[1:]:
            if letter in _KEEPS_OUT:
                sys.stderr.write(
                    f"heliograph run: Python's option -{letter} keeps Heliograph out, so the "
                    "program runs on Blinker.\n"
                )
                return
            if letter in _LAST:
                return
            if letter in _WITH_VALUE:
                if word.endswith(letter):
                    next(words, None)
                break


def _find(command: Sequence[str]) -> str:
    # Scripts beside this interpreter come first: the environment may not be activated.
    places = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    program = shutil.which(command[0], path=places)
    if program is None and Path(command[0]).is_file():
        better = shlex.join(["python", *command])
        msg = f"{command[0]!r} is a file, but not a command. Try `heliograph run {better}`."
        raise _RefusedError(msg, _MISUSED)
    if program is None:
        msg = (
            f"There is no command {command[0]!r}, neither beside {sys.executable} nor on the "
            "PATH. Is it installed in this environment? Write the command as you would without "
            "`heliograph run`."
        )
        raise _RefusedError(msg, _MISUSED)
    return program
