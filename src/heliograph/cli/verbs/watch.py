"""`heliograph watch`: follows the signals of a running application."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import click

from heliograph.cli.attaching import attach_options, check_somebody
from heliograph.cli.durations import DurationType
from heliograph.cli.output import console, show_all_letters
from heliograph.cli.watched_lines import JsonOutput, TextOutput
from heliograph.cli.watching import Wanted, follow
from heliograph.inspector.filters import Only

if TYPE_CHECKING:
    from heliograph.inspector.attaching.workers import Workers


@click.command(
    short_help="Follow the signals of a running application.",
    epilog="""\b
Examples:
  HELIOGRAPH_ATTACH=shop heliograph run gunicorn -w 4 shop:app
  heliograph watch
  heliograph watch shop --signal "order-*" --slower 5ms
  heliograph watch shop --failed --json
""",
)
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--signal", metavar="PATTERN", help="Only signals of this name: order-*, shop.*.")
@click.option("--sender", metavar="TEXT", help="Only senders of this kind: Flask, Order.")
@click.option("--receiver", metavar="PATTERN", help="Only what this receiver got: *.send_receipt.")
@click.option(
    "--slower", metavar="DURATION", type=DurationType(), help="Only what took so long: 5ms."
)
@click.option("--failed", is_flag=True, help="Only what made a receiver raise.")
@click.option("--unheard", is_flag=True, help="Show what reached no receiver as well.")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each thing.")
@click.option(
    "--for", "seconds", metavar="DURATION", type=DurationType(), help="End after that long."
)
@click.option("--count", type=click.IntRange(1), help="End after so many emissions.")
@attach_options
def watch(
    workers: Workers,
    *,
    signal: str | None,
    sender: str | None,
    receiver: str | None,
    slower: float | None,
    failed: bool,
    unheard: bool,
    as_json: bool,
    seconds: float | None,
    count: int | None,
) -> None:
    """Attach to a running application, and show what it sends from now on.

    All processes of the application are one picture. NAME is the name of the application,
    if several of this user can be attached to. They record while somebody watches, and at
    no other time; what comes too fast to be kept is counted and told.

    The application has to allow it: start it under `heliograph run`, or with an Inspector,
    and with HELIOGRAPH_ATTACH=1 or HELIOGRAPH_ATTACH=NAME in its environment. It is reached
    through a private socket of the same user.

    The exit status is 1 if there is nobody to attach to. End it with Ctrl-C.
    """
    check_somebody(workers)
    only = Only(signal, sender, receiver, slower, failed, heard=not unheard)
    filtered = bool(signal or sender or receiver or slower or failed)
    show_all_letters()
    output = JsonOutput() if as_json else TextOutput(console())
    with suppress(KeyboardInterrupt):
        follow(workers, Wanted(only, not filtered, seconds, count), output)
