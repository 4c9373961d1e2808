"""Which program a command looks at: `--app`, an argument, the environment, or who runs it."""

from __future__ import annotations

import os
import re
import sys
from contextlib import redirect_stdout
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from heliograph.cli.application import load_app
from heliograph.cli.loading import load_settings, prepare
from heliograph.cli.program import Program, import_further, load_program

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from heliograph.cli.application import Found

    Option = Callable[[Callable[..., Any]], Callable[..., Any]]

_VARIABLES = ("HELIOGRAPH_APP", "FLASK_APP")
# What Flask looks for if nothing else is said.
_USUAL_FILES = ("wsgi.py", "app.py")
_APP = "heliograph.app"
_TARGET = "heliograph.target"

app_option: Option = click.option(
    "--app",
    metavar="APP",
    help=(
        "The program: MODULE, FILE, MODULE:NAME or MODULE:FACTORY(ARGUMENTS), as for flask --app. "
        "By default the first argument, then HELIOGRAPH_APP, FLASK_APP, wsgi.py or app.py."
    ),
)
"""The option that every command has which looks at a program."""

import_option: Option = click.option(
    "--import",
    "further",
    metavar="MODULE",
    multiple=True,
    help="Import this module as well, so that it connects its receivers; PACKAGE.* for all.",
)
"""The option of the commands that look at what is connected."""


class Target(Protocol):
    """A program that a command looks at."""

    @property
    def name(self) -> str:
        """What the user calls it."""
        ...

    def application(self) -> Found:
        """Load it, and return its application.

        Raises:
            click.ClickException: If there is none, or if loading it fails.
        """
        ...

    def program(self, further: Sequence[str] = ()) -> Program:
        """Load it, and return its modules and what is meant in them.

        Args:
            further: Modules to import as well; ``shop.*`` for all modules of a package.

        Raises:
            click.ClickException: If it is not there, or if loading it fails.
        """
        ...


class Named:
    """A program by the name that the user gave, not loaded yet."""

    def __init__(self, name: str) -> None:
        self.name = name

    def application(self) -> Found:
        """Load it, and return its application; see `Target`."""
        return load_app(self.name)

    def program(self, further: Sequence[str] = ()) -> Program:
        """Load it, and return its modules and what is meant in them; see `Target`."""
        return load_program(self.name, further)


class Running:
    """A program that runs the commands itself, as `flask` and `manage.py` do.

    Args:
        name: What messages and pages call it.
        load: Loads its application.
    """

    def __init__(self, name: str, load: Callable[[], Found]) -> None:
        self.name = name
        self._load = load

    def application(self) -> Found:
        """Load it, and return its application; see `Target`."""
        prepare()
        return self._load()

    def program(self, further: Sequence[str] = ()) -> Program:
        """Load it, and return its modules and what is meant in them; see `Target`."""
        with redirect_stdout(sys.stderr):
            found = self.application()
            import_further(further)
        packages = {it.partition(".")[0]: None for it in (found.module, *further)}
        return Program(self.name, tuple(packages), found.app)


def keep_app(app: str | None) -> None:
    """Keep the option that stands before the name of the command."""
    if app is not None:
        click.get_current_context().meta[_APP] = app


def keep_target(target: Target) -> None:
    """Keep the program that runs the commands: `flask` and `manage.py` have one already."""
    click.get_current_context().meta[_TARGET] = target


def target_and_words(
    app: str | None, words: Sequence[str], *, is_word: Callable[[str], bool] | None = None
) -> tuple[Target, Sequence[str]]:
    """Return the program to look at, and the arguments that do not name it.

    Args:
        app: What the option says.
        words: The arguments. The first of them may be the program.
        is_word: Tells of an argument that it is certainly something else. If it is left out and
            the environment names a program, an argument is one only if it looks like one.

    Raises:
        click.UsageError: If nothing names a program.
    """
    meta = click.get_current_context().meta
    running: Target | None = meta.get(_TARGET)
    if running is not None:
        if app is not None:
            msg = f"`{running.name}` has its program already, so --app cannot name one here."
            raise click.UsageError(msg)
        return running, words
    app = app or meta.get(_APP)
    if app:
        return Named(app), words
    load_settings()
    usual = usual_app()
    if words and words[0] and _may_name(words[0], usual, is_word):
        return Named(words[0]), words[1:]
    if usual is None:
        msg = (
            "Which program? Name it first, or by --app, as for `flask --app`, or set "
            "HELIOGRAPH_APP: MODULE, FILE, MODULE:NAME or MODULE:FACTORY."
        )
        raise click.UsageError(msg)
    return Named(usual), words


def usual_app() -> str | None:
    """Return the program that the environment or a file in the current folder names, or None."""
    named = (os.environ.get(it) for it in _VARIABLES)
    files = (it for it in _USUAL_FILES if Path(it).is_file())
    return next((it for it in (*named, *files) if it), None)


def _may_name(word: str, usual: str | None, is_word: Callable[[str], bool] | None) -> bool:
    if is_word is not None:
        return not is_word(word)
    return usual is None or _looks_like_a_program(word)


def _looks_like_a_program(word: str) -> bool:
    if ":" in word or word.endswith(".py") or Path(word).is_dir():
        return True
    top = word.partition(".")[0]
    return re.fullmatch(r"\w+(\.\w+)*", word) is not None and (
        PathFinder.find_spec(top, [os.curdir, *sys.path]) is not None
    )
