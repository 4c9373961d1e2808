"""Where a trace is written to: pipes, files and terminals."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.children import HELIOGRAPH, environment, heliograph, without_times, write

if TYPE_CHECKING:
    from pathlib import Path

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Write an application that raises an error of many words, one of them not in ASCII."""
    write(
        tmp_path / "shop.py",
        """
        from flask import Flask
        app = Flask(__name__)
        @app.get("/")
        def index(): return ""
        @app.get("/broken")
        def broken(): raise RuntimeError("[red]€[/red] " + "word " * 60)
        """,
    )
    return tmp_path


# The line that tells how far a run has got, and what takes it away.
PROGRESS = re.compile(r"(\r\x1b\[K[^\r\n]*)*\r\x1b\[K")


def on_a_terminal(*arguments: str, cwd: Path, columns: int) -> str:
    """Return what a trace leaves on a terminal, colours included."""
    return PROGRESS.sub("", written("trace", *arguments, cwd=cwd, columns=columns))


def written(*arguments: str, cwd: Path, columns: int = 80) -> str:
    """Return all that a command writes on a terminal."""
    ours, theirs = pty.openpty()
    env = environment(TERM="xterm-256color", COLUMNS=str(columns))
    command = [HELIOGRAPH, *arguments]
    with subprocess.Popen(command, cwd=cwd, env=env, stdin=theirs, stdout=theirs, stderr=theirs):
        os.close(theirs)
        text = b""
        # Linux ends the other side of a terminal by an error.
        while chunk := _read(ours):
            text += chunk
    os.close(ours)
    return text.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def test_a_pipe_gets_whole_lines_without_colours(project: Path) -> None:
    """However long a line is, it is one line; nothing that a terminal would understand is in it."""
    ended = heliograph("trace", "shop", "GET /broken", cwd=project)

    said = "[red]€[/red] " + "word " * 60
    assert f"│   RuntimeError: {said}  shop.py:7\n" in ended.out
    assert "\x1b" not in ended.out


def test_a_terminal_gets_colours(project: Path) -> None:
    """The answer is green or red, signals are cyan, and what is of less interest is dim."""
    shown = without_times(on_a_terminal("shop", "GET /", cwd=project, columns=80))
    failed = on_a_terminal("shop", "GET /broken", cwd=project, columns=80)

    # Not at the beginning: where it takes long, its progress is shown before.
    assert (
        "\x1b[1mGET /\x1b[0m\x1b[1;32m  200 OK\x1b[0m\x1b[2m  # ms\x1b[0m\n"
        "\x1b[2m└── 6 signals nobody hears: appcontext-pushed, request-started,\x1b[0m\n"
    ) in shown
    assert "\x1b[1mGET /broken\x1b[0m\x1b[1;31m  500 INTERNAL SERVER ERROR\x1b[0m" in failed


def test_a_terminal_gets_lines_that_fit_with_nothing_cut(project: Path) -> None:
    """Long lines go on in the next one, beside the tree's guides."""
    shown = COLOUR.sub("", on_a_terminal("shop", "GET /broken", cwd=project, columns=50))

    lines = shown.splitlines()
    assert max(map(len, lines)) <= 50
    beside = ("├", "│", "└", "GET", "      ")
    assert [line for line in lines if not line.startswith(beside)] == [""]
    assert shown.count("word") == 60


def test_a_number_stands_beside_its_unit_on_a_narrow_terminal(project: Path) -> None:
    """No line ends between them."""
    request = "GET /" + "x" * 28
    for columns in range(38, 54):
        shown = COLOUR.sub("", on_a_terminal("shop", request, cwd=project, columns=columns))

        assert re.search(r"\d\n *(ns|µs|ms|s)\b", shown) is None


SLOW = """
    import time
    from flask import Flask
    app = Flask(__name__)
    @app.get("/")
    def index():
        time.sleep(1.5)
        return ""
    @app.cli.command("work")
    def work(): time.sleep(1.5)
"""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["trace", "shop", "GET /", "GET /x"], "GET / (1 of 2), "),
        (["top", "shop", "GET /", "--times", "2"], "GET / (1 of 2), "),
        (["trace", "shop", "--command", "work"], "work (1), "),
    ],
)
def test_a_long_run_shows_how_far_it_has_got(
    tmp_path: Path, arguments: list[str], told: str
) -> None:
    """On a terminal, until something else is written there; never in a pipe."""
    write(tmp_path / "shop.py", SLOW)

    shown = written(*arguments, cwd=tmp_path)
    piped = heliograph(*arguments, cwd=tmp_path)

    assert f"\r\x1b[K{told}" in shown
    assert "(1" not in PROGRESS.sub("", shown)
    assert told not in piped.out + piped.err


def test_no_colour_is_shown_where_none_is_wanted(project: Path) -> None:
    """NO_COLOR is heeded."""
    ended = heliograph("trace", "shop", "GET /", cwd=project, NO_COLOR="1")

    assert COLOUR.findall(ended.out) == []


def test_letters_that_a_pipe_does_not_have_are_written_as_escapes(project: Path) -> None:
    """An encoding that is too small for a message does not end the trace."""
    ended = heliograph(
        "trace", "shop", "GET /broken", cwd=project, PYTHONIOENCODING="ascii", PYTHONUTF8="0"
    )

    assert ended.status == 0
    assert "|   RuntimeError: [red]\\u20ac[/red] word" in ended.out


def test_a_reader_that_goes_away_ends_the_trace_quietly(project: Path) -> None:
    """As for `| head`: no traceback about a broken pipe."""
    command = [HELIOGRAPH, "trace", "shop", *["GET /broken"] * 50]
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            command,
            cwd=project,
            env=environment(),
            stdout=writing,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)

    assert (ended.returncode, ended.stderr) == (1, b"")
