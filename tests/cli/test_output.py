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
        def broken(): raise RuntimeError("[red]€[/red] " + "word " * 100)
        """,
    )
    return tmp_path


def on_a_terminal(*arguments: str, cwd: Path, columns: int) -> str:
    """Return what a trace writes on a terminal, colours included."""
    ours, theirs = pty.openpty()
    env = environment(TERM="xterm-256color", COLUMNS=str(columns))
    command = [HELIOGRAPH, "trace", *arguments]
    with subprocess.Popen(command, cwd=cwd, env=env, stdin=theirs, stdout=theirs, stderr=theirs):
        os.close(theirs)
        written = b""
        # Linux ends the other side of a terminal by an error.
        while chunk := _read(ours):
            written += chunk
    os.close(ours)
    return written.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def test_a_pipe_gets_whole_lines_without_colours(project: Path) -> None:
    """However long a line is, it is one line; nothing that a terminal would understand is in it."""
    ended = heliograph("trace", "shop", "GET /broken", cwd=project)

    said = "[red]€[/red] " + "word " * 100
    assert f"│   RuntimeError: {said}  shop.py:7\n" in ended.out
    assert "\x1b" not in ended.out


def test_a_terminal_gets_colours(project: Path) -> None:
    """The answer is green or red, signals are cyan, and what is of less interest is dim."""
    shown = without_times(on_a_terminal("shop", "GET /", cwd=project, columns=80))
    failed = on_a_terminal("shop", "GET /broken", cwd=project, columns=80)

    assert shown.startswith(
        "\x1b[1mGET /\x1b[0m\x1b[1;32m  200 OK\x1b[0m\x1b[2m  # ms\x1b[0m\n"
        "\x1b[2m├── \x1b[0m\x1b[36mappcontext-pushed\x1b[0m\x1b[2m  no receivers\x1b[0m\n"
    )
    assert failed.startswith(
        "\x1b[1mGET /broken\x1b[0m\x1b[1;31m  500 INTERNAL SERVER ERROR\x1b[0m"
    )


def test_a_terminal_gets_lines_that_fit_with_nothing_cut(project: Path) -> None:
    """Long lines go on in the next one, beside the tree's guides."""
    shown = COLOUR.sub("", on_a_terminal("shop", "GET /broken", cwd=project, columns=60))

    lines = shown.splitlines()
    assert max(map(len, lines)) <= 60
    assert [line for line in lines if not line.startswith(("├", "│", "└", "GET"))] == [""]
    # The error is in the payload of three signals.
    assert shown.count("word") == 300


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
