"""Makes ready for the user's code to be imported, and says why that failed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn

import click

from heliograph.blinker import install
from heliograph.describe import describe_error, location_of, relative_location
from heliograph.inspector import never_loaded

if TYPE_CHECKING:
    from collections.abc import Iterable


def prepare() -> None:
    """Let what is imported from now on run on Heliograph, and serve nobody."""
    install()
    # As under `flask`: a module that ends with `app.run()` is looked at, and does not serve.
    os.environ["FLASK_RUN_FROM_CLI"] = "true"


def blame(name: str, error: BaseException, command: str) -> NoReturn:
    """Say what loading raised, and where.

    Args:
        name: What was to be loaded, as the user wrote it.
        error: What was raised.
        command: What shows the whole traceback.

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


def tell_of_lazy(packages: Iterable[str]) -> None:
    """Name the modules of receivers that wait to be imported, so that nobody misses them."""
    names = never_loaded(packages)
    if names:
        click.echo(
            f"Not loaded, as nothing has used their lazy imports: {', '.join(names)}. "
            "What they connect is not connected: load them with importlib.import_module().",
            err=True,
        )
