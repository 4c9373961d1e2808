"""Prepares the process for importing the user's code, and explains why that fails."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from heliograph.blinker import install
from heliograph.describe import describe_error, location_of, relative_location
from heliograph.inspector import never_loaded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SETTINGS = (".env", ".flaskenv")


def prepare() -> None:
    """Make later imports run on Heliograph, and keep them from starting a server."""
    install()
    # As the `flask` command does, for modules that end with `app.run()`.
    os.environ["FLASK_RUN_FROM_CLI"] = "true"


def load_settings() -> None:
    """Load ``.env`` and ``.flaskenv``, as Flask does where it is installed."""
    here = Path.cwd()
    # A program that has none may not use Flask at all, and shall not have it for our sake.
    if not any((it / name).is_file() for it in (here, *here.parents) for name in _SETTINGS):
        return
    try:
        from flask.cli import load_dotenv
        from flask.helpers import get_load_dotenv
    except ImportError:
        return
    if get_load_dotenv():
        load_dotenv()


def blame(name: str, error: BaseException, command: str) -> NoReturn:
    """Report the error that loading raised, with its location.

    Args:
        name: The module or application, as the user wrote it.
        error: The error.
        command: A command that shows the whole traceback.

    Raises:
        click.ClickException: Always.
    """
    location = location_of(error)
    msg = (
        f"{name!r} cannot be loaded: {describe_error(error)}\n"
        + (f"It was raised at {relative_location(location)}. " if location else "")
        + f"`{command}` shows the whole traceback."
    )
    raise click.ClickException(msg) from error


def describe(error: BaseException) -> str:
    """Return what an error is, and on a second line where it was raised."""
    location = location_of(error)
    where = f"\nIt was raised at {relative_location(location)}." if location else ""
    return describe_error(error) + where


def refuse_to_start(error: BaseException) -> NoReturn:
    """Report the error with which an application refuses to start.

    Raises:
        click.ClickException: Always.
    """
    msg = f"The application does not start: {describe(error)}"
    raise click.ClickException(msg) from error


def tell_of_lazy(packages: Iterable[str]) -> None:
    """Warn of modules of receivers whose lazy import has not run."""
    names = never_loaded(packages)
    if names:
        click.echo(
            f"Not loaded, as nothing has used their lazy imports: {', '.join(names)}. "
            "Their receivers are not connected: load them with importlib.import_module().",
            err=True,
        )


def tell_of_unloaded(names: Sequence[str]) -> None:
    """Say which modules of receivers were not imported, so that nobody takes them for missing."""
    if names:
        click.echo(
            f"Not imported: {', '.join(names)}. Their receivers are not connected, and their "
            "signals are not known: --import MODULE imports one, --import 'PACKAGE.*' all.",
            err=True,
        )
