"""Runs commands of applications, scripts and modules in this process."""

from __future__ import annotations

import os
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

import click

from heliograph.cli.frameworks import framework_of
from heliograph.cli.loading import prepare
from heliograph.cli.steps import Outcome, of_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec

    from heliograph.cli.application import Found
    from heliograph.cli.steps import Watcher


def words_of(text: str, option: str) -> list[str]:
    """Return the words of a command line.

    Raises:
        click.BadParameter: If there are none, or if a quotation mark is not closed.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        msg = f"{text!r} has a quotation mark that is not closed ({error})."
        raise click.BadParameter(msg, param_hint=f"'{option}'") from None
    if not words:
        msg = "It is empty: write what to run."
        raise click.BadParameter(msg, param_hint=f"'{option}'")
    return words


def run_command(found: Found, words: Sequence[str], watcher: Watcher) -> None:
    """Run a command of an application, as `flask`, `quart` or `manage.py` do.

    Raises:
        click.ClickException: If its framework has no commands.
    """
    run = _runner(found)
    with watcher.step(shlex.join(words)) as step:
        step.outcome = _outcome(lambda: run([*words]))


def _runner(found: Found) -> Callable[[list[str]], object]:
    app = getattr(found.app, "app", found.app)
    match framework_of(app):
        case "flask":
            from flask.cli import FlaskGroup

            flask = FlaskGroup(create_app=lambda: app, load_dotenv=False, set_debug_flag=False)
            return lambda words: flask.main(args=words, prog_name="flask")
        case "quart":
            from quart.cli import QuartGroup

            quart = QuartGroup(create_app=lambda: app, load_dotenv=False, set_debug_flag=False)
            return lambda words: quart.main(args=words, prog_name="quart")
        case "django":
            from django.core.management import execute_from_command_line

            return lambda words: execute_from_command_line(["manage.py", *words])
        case _:
            msg = (
                "Only applications of Flask, Quart and Django have commands. Run a file with "
                "--script, or a module with --module."
            )
            raise click.ClickException(msg)


def run_script(words: Sequence[str], watcher: Watcher) -> None:
    """Run a file as Python does.

    Raises:
        click.ClickException: If there is no such file, or if it is no Python.
    """
    prepare()
    path = Path(words[0])
    try:
        source = path.read_bytes()
        code = compile(source, str(path.resolve()), "exec", dont_inherit=True)
    except OSError as error:
        msg = f"{words[0]!r} cannot be read: {error.strerror}."
        raise click.ClickException(msg) from None
    except (SyntaxError, ValueError) as error:
        msg = f"{words[0]!r} cannot be run: {of_error(error).text.removeprefix('raised ')}."
        raise click.ClickException(msg) from None
    sys.path.insert(0, str(path.resolve().parent))
    _run_main(code, words, None, watcher)


def run_module(words: Sequence[str], watcher: Watcher) -> None:
    """Run a module as ``python -m`` does.

    Raises:
        click.ClickException: If there is no such module, or none that can be run.
    """
    prepare()
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - what Python puts there, too.
    name = words[0]
    spec = _spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = _spec(f"{name}.__main__")
    loader: Any = None if spec is None else spec.loader
    code = loader.get_code(spec.name) if spec is not None and hasattr(loader, "get_code") else None
    if code is None or spec is None:
        msg = f"There is no module {name!r} that can be run."
        raise click.ClickException(msg)
    _run_main(code, [str(spec.origin), *words[1:]], spec, watcher, title=shlex.join(words))


def _spec(name: str) -> ModuleSpec | None:
    try:
        return find_spec(name)
    except (ImportError, ValueError):
        return None


def _run_main(
    code: CodeType,
    words: Sequence[str],
    spec: ModuleSpec | None,
    watcher: Watcher,
    title: str | None = None,
) -> None:
    # It stays the main module: traces look for the names of its signals afterwards.
    main = ModuleType("__main__")
    vars(main).update(__file__=code.co_filename, __spec__=spec, __builtins__=__builtins__)
    if spec is not None:
        main.__package__ = spec.parent
        main.__loader__ = spec.loader
    sys.modules["__main__"] = main
    sys.argv[:] = words
    with watcher.step(title or shlex.join(words)) as step:
        step.outcome = _outcome(lambda: exec(code, vars(main)))  # noqa: S102 - the user asks for it.


def _outcome(run: Callable[[], object]) -> Outcome:
    """Run a program, and return what came of it."""
    try:
        run()
    except SystemExit as left:
        return _of_status(left.code)
    except KeyboardInterrupt:
        return Outcome("interrupted", failed=True)
    except Exception as error:  # noqa: BLE001 - the program may raise anything.
        return of_error(error)
    return Outcome("exit status 0")


def _of_status(code: object) -> Outcome:
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
    status = code if isinstance(code, int) else int(code is not None)
    return Outcome(f"exit status {status}", failed=status != 0)
