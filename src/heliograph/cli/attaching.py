"""Which running application a command attaches to, and what is said if it cannot."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from heliograph.inspector.attaching.asking import Address
from heliograph.inspector.attaching.folder import Folder
from heliograph.inspector.attaching.messages import AmbiguousError, AttachError
from heliograph.inspector.attaching.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOW_TO_ALLOW = (
    "An application allows it by HELIOGRAPH_ATTACH=1 in its environment, if it was started by "
    "`heliograph run` or has an Inspector; and it has to be of the same user, on this machine."
)


def attach_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say where to attach, as one argument: `workers`."""

    @click.option(
        "--folder",
        metavar="FOLDER",
        type=click.Path(),
        help="The private folder of the application; by default HELIOGRAPH_ATTACH_FOLDER.",
    )
    @click.option(
        "--port",
        type=click.IntRange(1, 65535),
        help="Attach to one process by its port on this machine, with --token.",
    )
    @click.option(
        "--token",
        envvar="HELIOGRAPH_TOKEN",
        show_envvar=True,
        help="What the process wants to know.",
    )
    @functools.wraps(command)
    def with_workers(
        *args: Any, folder: str | None, port: int | None, token: str | None, **given: Any
    ) -> Any:
        workers = _workers(given.pop("name", None), folder, port, token)
        with attach_errors():
            return command(*args, workers=workers, **given)

    return with_workers


def _workers(name: str | None, folder: str | None, port: int | None, token: str | None) -> Workers:
    if port is None:
        return Workers(name, Folder(folder))
    if token is None:
        msg = "--port needs --token, which is in the .tcp file of the application's folder."
        raise click.UsageError(msg)
    return Workers(name, Folder(folder), address=Address(port, token))


@contextmanager
def attach_errors() -> Iterator[None]:
    """Say what is wrong with the folder, or with what was asked for.

    Raises:
        click.ClickException: If the folder is not private.
        click.UsageError: If there are several applications, and none was named.
    """
    try:
        yield
    except AmbiguousError as error:
        raise click.UsageError(str(error)) from None
    except AttachError as error:
        raise click.ClickException(str(error)) from None


def check_somebody(workers: Workers) -> None:
    """Refuse to go on if there is nobody to attach to.

    Raises:
        click.ClickException: If there is nobody.
    """
    if workers.places():
        return
    which = "" if workers.name is None else f" called {workers.name!r}"
    msg = (
        f"There is no application{which} to attach to in {str(workers.folder.path)!r}. "
        f"{HOW_TO_ALLOW}"
    )
    raise click.ClickException(msg)
