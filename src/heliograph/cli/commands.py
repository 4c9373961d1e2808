"""The commands."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click
from rich.console import Console

from heliograph.cli.application import load_app
from heliograph.cli.loading import tell_of_lazy
from heliograph.cli.modules import catalogue_of
from heliograph.cli.printing import print_trace
from heliograph.cli.request import RequestType
from heliograph.cli.run import main
from heliograph.cli.trace import trace_requests
from heliograph.inspector import as_json, as_markdown

if TYPE_CHECKING:
    from io import TextIOWrapper

    from heliograph.cli.request import Request

# In files and pipes, no line needs to be broken.
_WIDTH_OF_A_PIPE = 1_000_000


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="heliograph", message="%(prog)s %(version)s")
def heliograph() -> None:
    """See which signals a program has and what they do, and run programs on Heliograph."""


@heliograph.command(
    short_help="Show the signals that requests to an application send.",
    epilog="""\b
Examples:
  heliograph trace shop "GET /"
  heliograph trace shop:create_app "GET /search q=lamp" "POST /orders item=3"
  heliograph trace src/shop.py:app "GET /me Accept:application/json"
  heliograph trace shop "POST /login 'name=Ada Lovelace'" "GET /me"
  heliograph trace --lifecycle shop.asgi "GET /"
""",
)
@click.argument("app", metavar="APP")
@click.argument("requests", metavar="REQUEST...", nargs=-1, required=True, type=RequestType())
@click.option(
    "--logs",
    is_flag=True,
    help="Let the application log during the trace; by default its logs are off.",
)
@click.option(
    "--lifecycle",
    is_flag=True,
    help="Install heliograph.lifecycle for the application, unless it has done so itself.",
)
def trace(app: str, requests: tuple[Request, ...], *, logs: bool, lifecycle: bool) -> None:
    """Send requests to an application and show every signal that they send.

    For each request, this prints the tree of signals in order: the receivers of each
    signal, the line that defines each receiver, how long it took, and errors.

    APP is a module or a file, then the application or the factory if they have unusual
    names, as for `flask --app`. It is called in this process, without a server, whether
    it is made with Flask, Quart, Django, FastAPI, Starlette, Litestar, aiohttp, Falcon,
    or plain WSGI or ASGI. Life-cycle signals are shown if the application sends them:
    Flask and Quart always do, others after install(), or with --lifecycle.

    REQUEST is a method, a path, fields (name=value) and headers (Name:value). Fields
    become the query of a GET and the form of a POST; later requests send the cookies
    that earlier ones received. The exit status is 0 whatever the application answers.
    """
    _show_all_letters()
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH_OF_A_PIPE
    # A trace is for development: it should show payloads that break their declaration.
    os.environ.setdefault("HELIOGRAPH_CHECK", "1")
    found = load_app(app)
    if lifecycle:
        found = found.with_lifecycle()
    for traced in trace_requests(found, requests, logs=logs):
        print_trace(traced, console)
    tell_of_lazy([found.module.partition(".")[0]])


@heliograph.command(
    short_help="List the signals of a module with their payloads, receivers and sends.",
    epilog="""\b
Examples:
  heliograph signals shop
  heliograph signals shop.signals:billing --import shop.app --format json
  heliograph signals shop --import "shop.*" --output docs/signals.md
""",
)
@click.argument("target", metavar="TARGET")
@click.option(
    "--import",
    "further",
    metavar="MODULE",
    multiple=True,
    help="Import this module as well, so that it connects its receivers; PACKAGE.* for all.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["markdown", "json"]),
    default="markdown",
    show_default=True,
)
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file.",
)
def signals(target: str, further: tuple[str, ...], form: str, output: Path | None) -> None:
    """List the signals of a module, or of one namespace, as a page to keep.

    For each signal, the page has its documentation, its payload, its deprecations, its
    receivers, and the places in the source that send it.

    TARGET is a module, for all signals that it and the modules below it make, or
    MODULE:NAMESPACE. The command imports it, and knows only what is imported: name
    modules that connect receivers with --import. It warns of modules that were imported
    lazily and never loaded. It searches all imported modules of the same packages for
    places that send.
    """
    catalogue = catalogue_of(target, further)
    page = as_json(catalogue) if form == "json" else as_markdown(catalogue)
    if output is None:
        _show_all_letters()
        sys.stdout.write(page)
        return
    try:
        output.write_text(page, encoding="utf-8", newline="\n")
    except OSError as error:
        msg = f"{str(output)!r} cannot be written: {error.strerror}."
        raise click.ClickException(msg) from None


@heliograph.command(
    # It reads its arguments itself, as it also has to work without click.
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    add_help_option=False,
    short_help="Run any Python command with Heliograph in place of Blinker.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(arguments: tuple[str, ...]) -> None:
    """Run any Python command with Heliograph in place of Blinker."""
    main(arguments)


def _show_all_letters() -> None:
    # A character that a pipe cannot encode must not end the program.
    cast("TextIOWrapper", sys.stdout).reconfigure(errors="backslashreplace")
