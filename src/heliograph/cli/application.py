"""Finds an application as `flask --app` does, and explains why it finds none."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from heliograph.cli.loading import blame, prepare

if TYPE_CHECKING:
    from flask import Flask

_HOW = "Write APP as for `flask --app`: MODULE, MODULE:NAME or MODULE:FACTORY(ARGUMENTS)."


def load_app(name: str) -> Flask:
    """Load an application, with Heliograph in Blinker's place from its first import on.

    Raises:
        click.ClickException: If there is no application, or if loading it fails.
    """
    prepare()
    try:
        from flask.cli import ScriptInfo, load_dotenv
        from flask.helpers import get_load_dotenv
    except ModuleNotFoundError as missing:
        msg = (
            f"`heliograph trace` needs {missing.name}, which is not installed: "
            "pip install 'heliograph[flask]'"
        )
        raise click.ClickException(msg) from None
    if get_load_dotenv():
        load_dotenv()
    try:
        return ScriptInfo(app_import_path=name, set_debug_flag=False).load_app()
    except click.ClickException as refusal:
        _explain(name, refusal)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the module may raise anything.
        _blame(name, error)


def _explain(name: str, refusal: click.ClickException) -> NoReturn:
    """Explain why Flask finds nothing; its own message may contain a traceback."""
    cause = refusal.__context__
    if not isinstance(cause, ImportError):
        msg = f"There is no Flask application for {name!r}. {refusal.message.strip()} {_HOW}"
    elif cause.__traceback__ is not None and cause.__traceback__.tb_next is not None:
        # The module exists, but something that it imports does not. Flask tells the two apart so.
        _blame(name, cause)
    else:
        msg = (
            f"There is no Flask application for {name!r}: {Path.cwd()} has no such module or "
            f"file. {_HOW}"
        )
    raise click.ClickException(msg) from None


def _blame(name: str, error: BaseException) -> NoReturn:
    blame(name, error, f"flask --app {shlex.quote(name)} routes")
