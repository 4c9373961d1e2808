"""Runs the `heliograph` command in a child process, as its users do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

HELIOGRAPH = str(Path(sysconfig.get_path("scripts")) / "heliograph")
"""The command, beside the Python that runs the tests."""

_OURS = re.compile(r"FLASK_.*|HELIOGRAPH_.*|PYTHONPATH|COLUMNS|TERM|(NO|FORCE)_COLOR|TTY_.*")
# Not if errors are shown below them.
_FLASKS_OWN = re.compile(
    r"[├└]── (appcontext|request|before|template)-[a-z-]+( \([a-z, ]+\))?  no receivers\n"
    r"(?=[├└\n])"
)


# A shell lets what it runs in the background ignore Ctrl-C, and so does all that this starts.
_HEEDING = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)


def heeding_interrupts(*command: str) -> list[str]:
    """Return a command that heeds Ctrl-C, wherever the tests run."""
    return [sys.executable, "-c", _HEEDING, *command]


@dataclass(frozen=True)
class Ended:
    """What is left of a child process."""

    status: int
    out: str
    err: str


def write(place: Path, source: str) -> Path:
    """Write a file, and the folders above it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(dedent(source), encoding="utf-8")
    return place


def environment(**more: str) -> dict[str, str]:
    """Return this environment without what would change the commands under test."""
    kept = {name: value for name, value in os.environ.items() if not _OURS.fullmatch(name)}
    return kept | {"PYTHONUTF8": "1"} | more


def heliograph(*arguments: str, cwd: Path, given: str = "", **env: str) -> Ended:
    """Run the command to its end, with *given* on its standard input."""
    return child(HELIOGRAPH, *arguments, cwd=cwd, given=given, **env)


def child(*command: str, cwd: Path, given: str = "", **env: str) -> Ended:
    """Run any command to its end."""
    ended = subprocess.run(
        command,
        cwd=cwd,
        env=environment(**env),
        input=given,
        capture_output=True,
        encoding="utf-8",
        timeout=100,  # A slow machine is no fault; a test has two minutes.
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def without_times(text: str) -> str:
    """Put "# ms" for each duration."""
    return re.sub(r"\b\d[\d.]* (ns|µs|ms|s)\b", "# ms", text)


def without_origins(text: str) -> str:
    """Leave out who sent each signal, and from where."""
    return re.sub(r"  (from (an? )?[\w.]+( at \S+)?|at \S+)(?=  |\n|$)", "", text)


def trace(*arguments: str, cwd: Path, **env: str) -> str:
    """Return what a trace shows, without times, origins and what nobody hears of Flask's own."""
    ended = heliograph("trace", "--unheard", *arguments, cwd=cwd, **env)

    assert (ended.status, ended.err) == (0, "")
    return _FLASKS_OWN.sub("", without_origins(without_times(ended.out)))
