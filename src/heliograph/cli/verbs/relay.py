"""`heliograph relay`: what crosses to other processes, what waits, and what could not be done."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout, suppress
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import click

from heliograph.cli.durations import DurationType
from heliograph.cli.output import show_all_letters
from heliograph.cli.relays import (
    json_option,
    look_options,
    no_words,
    print_json,
    redact_option,
    relay_options,
    words_argument,
)
from heliograph.cli.verbs.dead_letters import dead_letters, forget, replay, show
from heliograph.redaction import Redaction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heliograph.relay import Relay
    from heliograph.relay.looking import Look


@click.group(short_help="See what crosses to other processes, and what could not be done.")
def relay() -> None:
    """See what crosses to other processes, what waits there, and what could not be done.

    The commands look at the broker, and receive nothing; `drain` and `heliograph worker` do.

    APP is the program that has a relay. Where it cannot be loaded, --url names the broker, and
    --relay what the relay is called there; broadcast signals are known to the program alone.
    """


relay.add_command(dead_letters)
relay.add_command(show)
relay.add_command(replay)
relay.add_command(forget)


@relay.command(
    short_help="Show whether the broker is there, and what waits.",
    epilog="""\b
Examples:
  heliograph relay status shop
  heliograph relay status shop --json --fail-on-dead --fail-on-waiting 1000
  heliograph relay status --url nats://127.0.0.1:4222 --relay shop
""",
)
@words_argument("[APP]")
@look_options
@click.option("--fail-on-dead", "dead", is_flag=True, help="Fail if there are dead letters.")
@click.option(
    "--fail-on-waiting",
    "waiting",
    metavar="N",
    type=click.IntRange(0),
    help="Fail if more than N envelopes wait for a group.",
)
@click.option(
    "--fail-on-unsent",
    "unsent",
    metavar="DURATION",
    type=DurationType(),
    help="Fail if the outbox has one that is older: 30s.",
)
@json_option
def status(
    look: Look,
    relay: Relay | None,
    words: Sequence[str],
    *,
    dead: bool,
    waiting: int | None,
    unsent: float | None,
    as_json: bool,
) -> None:
    """Show whether the broker is there, and how much each group has to do.

    A group that has never run has no numbers: nobody keeps anything for it yet.

    The exit status is 1 if the broker is not there, or if something is beyond what the options
    allow.
    """
    from heliograph.cli.relay_status import Tolerance, print_status, status_of

    no_words(words)
    made = status_of(look, relay, Tolerance(dead=not dead, waiting=waiting, unsent=unsent))
    if as_json:
        print_json(made)
    else:
        print_status(made)
    sys.exit(1 if made["problems"] else 0)


@relay.command(
    short_help="Follow what crosses.",
    epilog="""\b
Examples:
  heliograph relay tail shop
  heliograph relay tail shop --signal "order-*" --last 20
  heliograph relay tail shop --json --for 60s
""",
)
@words_argument("[APP]")
@look_options
@click.option("--signal", metavar="PATTERN", help="Only signals of this name: order-*.")
@click.option(
    "--last", type=click.IntRange(0), default=0, help="Begin with so many that are stored."
)
@click.option(
    "--for", "seconds", metavar="DURATION", type=DurationType(), help="End after that long."
)
@click.option("--count", type=click.IntRange(1), help="End after so many lines.")
@redact_option
@json_option
def tail(
    look: Look,
    relay: Relay | None,  # noqa: ARG001 - it knows what is looked at.
    words: Sequence[str],
    *,
    signal: str | None,
    last: int,
    seconds: float | None,
    count: int | None,
    redact: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show what crosses from now on, a line each: when, what, from whom, and from where.

    Secrets are hidden, by the names of arguments and by how they look. End it with Ctrl-C.
    """
    from heliograph.cli.crossing_lines import CrossingLines
    from heliograph.cli.tailing import Tailing

    no_words(words)
    show_all_letters()
    lines = CrossingLines(Redaction(redact))

    def show(values: dict[str, Any]) -> None:
        click.echo(json.dumps(values, ensure_ascii=False) if as_json else lines.line(values))

    with suppress(KeyboardInterrupt), look:
        chosen = [it for it in look.channels if fnmatchcase(it.signal, signal or "*")]
        if not chosen:
            which = "" if signal is None else f" {signal!r}"
            msg = f"No signal{which} of {look.app!r} crosses."
            raise click.ClickException(msg)
        Tailing(look, lines, show, count).run(chosen, last, seconds)


@relay.command(
    short_help="Work on what waits for a group, and end.",
    epilog="""\b
Examples:
  heliograph relay drain shop billing
  heliograph relay drain shop billing mail --timeout 300s
""",
)
@words_argument("[APP] GROUP...")
@relay_options
@click.option(
    "--timeout",
    metavar="DURATION",
    type=DurationType(),
    help="End after that long, whatever is left; by default it goes on until nothing is.",
)
@json_option
def drain(relay: Relay, words: Sequence[str], *, timeout: float | None, as_json: bool) -> None:
    """Run the receivers of GROUP until nothing waits for it, and end.

    What fails is tried again as ever, and waited for; so is what other processes work on. It is
    for a queue that has to be empty: before an upgrade, or after an incident.

    What the receivers print goes to the error output. The exit status is 1 if something is left,
    or was put aside meanwhile.
    """
    from heliograph.cli.draining import drained

    if not words:
        msg = "Which group? Name one, or several."
        raise click.UsageError(msg)
    with redirect_stdout(sys.stderr):  # What the receivers print is no answer to this command.
        made = drained(relay, words, timeout)
    if as_json:
        print_json(made)
    else:
        click.echo(
            f"{made['done']} done, {made['dead']} put aside, {made['left']} left "
            f"for {', '.join(words)}."
        )
    sys.exit(1 if made["left"] or made["dead"] else 0)
