"""`heliograph worker`: runs groups of a relay, off the path of requests, until it has to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from heliograph.cli.durations import DurationType
from heliograph.cli.relays import json_option, no_words, relay_options, words_argument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heliograph.relay import Relay


@click.command(
    short_help="Run groups of receivers off the path of requests.",
    epilog="""\b
Examples:
  heliograph worker shop --groups billing,mail
  heliograph worker shop.wiring --all --import "shop.receivers.*"
  HELIOGRAPH_RELAY_GROUPS=billing heliograph worker --app shop --every 60s
""",
)
@words_argument("[APP]")
@relay_options
@click.option(
    "--groups",
    metavar="GROUP,...",
    envvar="HELIOGRAPH_RELAY_GROUPS",
    show_envvar=True,
    help="The groups that run here.",
)
@click.option("--all", "all_", is_flag=True, help="Run all groups that have a receiver.")
@click.option(
    "--timeout",
    metavar="DURATION",
    type=DurationType(),
    default="10s",
    show_default=True,
    help="How long what is under way may take to end; then another process gets it.",
)
@click.option(
    "--every", metavar="DURATION", type=DurationType(), help="Tell how it does that often: 60s."
)
@json_option
def worker(
    relay: Relay,
    words: Sequence[str],
    *,
    groups: str | None,
    all_: bool,
    timeout: float,
    every: float | None,
    as_json: bool,
) -> None:
    """Run the receivers of groups until SIGTERM or Ctrl-C; then finish what is under way.

    Everything else that the program declared of its relay runs, too: it forwards the outbox,
    and calls the receivers that every process calls. SIGUSR1 lets it tell how it does. With
    --json, what the receivers print goes to the error output.

    The exit status is 0 if everything that was under way was finished in time. A broker that is
    away is waited for; one that refuses us ends it at once, with the exit status 1.
    """
    from heliograph.cli.working import Worker

    no_words(words)
    there = sorted({name for it in relay.running.crossings for name in it.groups})
    named = [it.strip() for it in (groups or "").split(",") if it.strip()]
    chosen = there if all_ or "*" in named else named
    if not there:
        msg = (
            f"The relay of {relay.app!r} has no receiver that is connected with group=…, so there "
            "is no work. --import MODULE imports the module of one."
        )
        raise click.ClickException(msg)
    if not chosen:
        msg = f"Which groups? Name them by --groups, or say --all. There are {', '.join(there)}."
        raise click.UsageError(msg)
    click.get_current_context().exit(Worker(relay, as_json=as_json).run(chosen, timeout, every))
