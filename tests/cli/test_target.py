"""Which program a command looks at: the option, an argument, the environment, a usual file."""

from __future__ import annotations

import os
from importlib import invalidate_caches
from typing import TYPE_CHECKING

import pytest
from click import Context, Option

from heliograph.cli.commands import heliograph as commands
from heliograph.cli.loading import load_settings
from heliograph.cli.request import is_request
from heliograph.cli.target import target_and_words
from tests.cli.children import heliograph, write

if TYPE_CHECKING:
    from pathlib import Path

APP = "from flask import Flask\napp = Flask(__name__)\napp.add_url_rule('/', 'i', lambda: '')\n"


def status(*arguments: str, cwd: Path, **env: str) -> str:
    """Return the first line of a trace, without its time."""
    ended = heliograph("trace", *arguments, cwd=cwd, **env)

    assert (ended.status, ended.err) == (0, "")
    return ended.out.partition("  ")[2].partition("  ")[0]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Write two applications, one of which has the page ``/other``."""
    write(tmp_path / "shop.py", APP)
    write(tmp_path / "kiosk.py", APP.replace("'/'", "'/other'"))
    return tmp_path


def test_the_program_is_named_by_the_option_the_argument_or_the_environment(project: Path) -> None:
    """The option may stand before the command as well; what is nearer to it counts."""
    assert status("shop", "GET /", cwd=project) == "200 OK"
    assert status("GET /", "--app", "shop", cwd=project) == "200 OK"
    assert status("GET /", cwd=project, HELIOGRAPH_APP="shop") == "200 OK"
    assert status("GET /", cwd=project, FLASK_APP="shop.py:app") == "200 OK"
    assert status("/", cwd=project, HELIOGRAPH_APP="shop", FLASK_APP="kiosk") == "200 OK"
    assert status("shop", "GET /", cwd=project, HELIOGRAPH_APP="kiosk") == "200 OK"
    assert status("GET /", "--app", "shop", cwd=project, HELIOGRAPH_APP="kiosk") == "200 OK"
    before = heliograph("--app", "shop", "trace", "GET /", cwd=project)
    assert before.out.startswith("GET /  200 OK")


def test_without_a_name_the_files_that_flask_looks_for_are_taken(project: Path) -> None:
    """wsgi.py, then app.py."""
    (project / "kiosk.py").rename(project / "app.py")
    assert status("GET /", cwd=project) == "404 NOT FOUND"
    (project / "shop.py").rename(project / "wsgi.py")
    assert status("GET /", cwd=project) == "200 OK"


def test_a_command_that_no_program_is_named_for_asks_for_one(tmp_path: Path) -> None:
    """It says every way in which one can be named."""
    ended = heliograph("trace", "GET /", cwd=tmp_path)

    assert ended.status == 2
    assert ended.err.endswith(
        "\nError: Which program? Name it first, or by --app, as for `flask --app`, or set "
        "HELIOGRAPH_APP: MODULE, FILE, MODULE:NAME or MODULE:FACTORY.\n"
    )


@pytest.mark.parametrize(
    "word", ["GET /", "/", "/orders?x=1", "post /orders a=b", "GET orders", "POST"]
)
def test_a_request_is_not_taken_for_a_program(word: str) -> None:
    """It begins with a slash, or with a method."""
    assert is_request(word)


@pytest.mark.parametrize(
    "word",
    ["shop", "shop:app", "with blank/shop.py", f"{__file__}:app", __file__, "", "post", "FOO"],
)
def test_a_program_is_not_taken_for_a_request(word: str) -> None:
    """A file may have blanks in its name, and be named by its whole path."""
    assert not is_request(word)


def test_every_command_that_looks_at_a_program_takes_it_in_the_same_way() -> None:
    """They share one option."""
    helped = {
        name: it.help
        for name, command in commands.commands.items()
        for it in command.params
        if isinstance(it, Option) and it.name == "app"
    }

    assert {"doctor", "explain", "graph", "list", "trace"} <= helped.keys()
    [shared] = set(helped.values())
    assert str(shared).startswith("The program: MODULE, FILE, ")


@pytest.mark.parametrize(
    ("words", "usual", "found"),
    [
        (["order-*"], "kiosk", ("kiosk", ["order-*"])),
        (["order.paid"], "kiosk", ("kiosk", ["order.paid"])),
        ([""], "kiosk", ("kiosk", [""])),
        ([], "kiosk", ("kiosk", [])),
        (["shop:app", "order-*"], "kiosk", ("shop:app", ["order-*"])),
        (["web.py"], "kiosk", ("web.py", [])),
        (["folder"], "kiosk", ("folder", [])),
        (["shop", "order-*"], "kiosk", ("shop", ["order-*"])),
        (["shop.web"], "kiosk", ("shop.web", [])),
        (["anything"], "", ("anything", [])),
    ],
)
def test_an_argument_is_a_program_if_none_is_named_elsewhere_or_if_it_looks_like_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    usual: str,
    found: tuple[str, list[str]],
) -> None:
    """It has a colon, or is a file, a folder, or a module that is there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HELIOGRAPH_APP", usual)
    monkeypatch.delenv("FLASK_APP", raising=False)
    (tmp_path / "folder").mkdir()
    write(tmp_path / "shop.py", APP)
    invalidate_caches()

    with Context(commands):
        target, left = target_and_words(None, words)

    assert (target.name, list(left)) == found


def test_flask_is_told_not_to_read_settings_as_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`FLASK_SKIP_DOTENV` counts here too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLASK_SKIP_DOTENV", "1")
    monkeypatch.delenv("HELIOGRAPH_APP", raising=False)
    write(tmp_path / ".flaskenv", "HELIOGRAPH_APP=shop")

    load_settings()

    assert "HELIOGRAPH_APP" not in os.environ
