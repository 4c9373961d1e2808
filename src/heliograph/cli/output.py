"""What commands print to: a terminal, a pipe that may lack letters, or a file."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import TextIOWrapper

FILE: click.Path = click.Path(dir_okay=False, path_type=Path)

output_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--output", "-o", metavar="FILE", type=FILE, help="Write to this file."
)
"""The option of the commands whose output is a page to keep."""

# In files and pipes, no line needs to be broken.
_WIDTH_OF_A_PIPE = 1_000_000


def console() -> Console:
    """Return what prints tables and trees: as wide as the terminal, and a pipe has no width."""
    show_all_letters()
    made = Console(highlight=False)
    if not made.is_terminal:
        made.width = _WIDTH_OF_A_PIPE
    return made


@contextmanager
def printing(output: Path | None) -> Iterator[Console]:
    """Give what prints tables and trees, into a file if one is named.

    Raises:
        click.ClickException: If the file cannot be written.
    """
    if output is None:
        yield console()
        return
    text = StringIO()
    yield Console(file=text, width=_WIDTH_OF_A_PIPE, highlight=False)
    write(text.getvalue(), output)


def write(text: str, output: Path | None) -> None:
    """Write a whole text to a file, or print it.

    Raises:
        click.ClickException: If the file cannot be written.
    """
    if output is None:
        show_all_letters()
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        msg = f"{str(output)!r} cannot be written: {error.strerror}."
        raise click.ClickException(msg) from None


def show_all_letters() -> None:
    """Print a character that a pipe cannot encode as an escape, and do not end the program."""
    cast("TextIOWrapper", sys.stdout).reconfigure(errors="backslashreplace")
