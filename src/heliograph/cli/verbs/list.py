"""`heliograph list`: every signal of a program, and who hears it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import click

from heliograph.cli.completing import complete_words
from heliograph.cli.listing import print_catalogue
from heliograph.cli.loading import tell_of_unloaded
from heliograph.cli.output import output_option, printing, write
from heliograph.cli.target import app_option, import_option, target_and_words
from heliograph.inspector import as_json, as_markdown, select

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@click.command(
    "list",
    short_help="List all signals with their payloads and receivers.",
    epilog="""\b
Examples:
  heliograph list shop:app
  heliograph list shop "order-*"
  heliograph list shop:create_app --import "shop.*" --unheard
  heliograph list shop.signals:billing --json
  heliograph list shop --own --format markdown --output docs/signals.md
""",
)
@click.argument("words", metavar="[APP] [PATTERN]...", nargs=-1, shell_complete=complete_words)
@app_option
@import_option
@click.option("--own", is_flag=True, help="Only signals that the program makes itself.")
@click.option("--unheard", is_flag=True, help="Only signals that nobody hears.")
@click.option("--dead", is_flag=True, help="Only signals some of whose receivers died.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "markdown", "json"]),
    default="table",
    show_default=True,
    help="A table for people, a page to keep, or the same for programs.",
)
@click.option("--json", "as_json_", is_flag=True, help="Short for --format json.")
@output_option
def list_(
    app: str | None,
    words: tuple[str, ...],
    further: tuple[str, ...],
    *,
    own: bool,
    unheard: bool,
    dead: bool,
    form: str,
    as_json_: bool,
    output: Path | None,
) -> None:
    """List every signal by namespace, with its payload, its text and its receivers.

    Receivers are listed in the order in which they are called: each with the sender that
    it hears, how it is connected, and the line that defines it. Receivers that were
    garbage-collected are listed with the line that had connected them.

    APP is a module or a file, then an application, a factory, a namespace or a signal in
    it: shop, shop.py, shop:create_app, shop.signals:billing. The command loads it, and
    knows only what is imported then; it names modules that connect and were not imported.

    PATTERN is a name, a part of one, or a name with * and ?. The exit status is 1 if no
    signal is left to be listed.
    """
    target, patterns = target_and_words(app, words)
    catalogue = select(
        target.program(further).catalogue(), patterns, own=own, unheard=unheard, dead=dead
    )
    if as_json_ or form == "json":
        write(as_json(catalogue), output)
    elif form == "markdown":
        write(as_markdown(catalogue), output)
    else:
        with printing(output) as out:
            print_catalogue(catalogue, out, fold=not (patterns or unheard or dead))
    tell_of_unloaded(catalogue.not_loaded)
    if not catalogue.namespaces:
        _end_empty(catalogue.target, patterns)


def _end_empty(target: str, patterns: Sequence[str]) -> NoReturn:
    which = f" that match {' or '.join(map(repr, patterns))}" if patterns else ""
    msg = f"There are no such signals in {target!r}{which}."
    raise click.ClickException(msg)
