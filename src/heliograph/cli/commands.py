"""What can be asked of the command line."""

from __future__ import annotations

import click
from rich.console import Console

from heliograph.cli.request import Request
from heliograph.cli.run import replace_process
from heliograph.cli.trace import load_app, show, trace_requests

# Where nobody looks on, lines are cut by nothing: they go into files and pipes.
WIDTH_OF_A_PIPE = 200


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="heliograph", message="%(prog)s %(version)s")
def heliograph() -> None:
    """See what signals do in a Flask application, and run programs on Heliograph."""


@heliograph.command()
@click.argument("app", metavar="APP")
@click.argument("requests", metavar="REQUEST...", nargs=-1, required=True, type=Request())
@click.option("--logs", is_flag=True, help="Let the application log while it is traced.")
def trace(app: str, requests: tuple[Request.Parsed, ...], *, logs: bool) -> None:
    r"""Send requests to a Flask application and show every signal that is sent meanwhile.

    For each request: the tree of signals in order, who received each of them, where
    that receiver is defined, how long it took, and errors.

    APP is what `flask --app` takes: a module or a file, then the application or the
    factory if they have unusual names. REQUEST is a method, a path and fields:

    \b
        heliograph trace shop "GET /"
        heliograph trace shop:create_app "GET /search q=lamp" "POST /orders item=3"
        heliograph trace src/shop.py:app "GET /me Accept:application/json"
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH_OF_A_PIPE
    flask_app = load_app(app)
    for traced in trace_requests(flask_app, requests, logs=logs):
        show(traced, console)


@heliograph.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@click.argument("command", metavar="COMMAND [ARGS]...", nargs=-1, required=True)
def run(command: tuple[str, ...]) -> None:
    r"""Run any Python command with Heliograph in place of Blinker.

    Nothing of the program is changed: whatever it and the processes that it starts
    import as `blinker` is Heliograph.

    \b
        heliograph run flask --app shop run
        heliograph run gunicorn shop:app
        heliograph run python -m shop
    """
    replace_process(command)
