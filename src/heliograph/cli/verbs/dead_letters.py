"""The commands of `heliograph relay` for dead letters: list them, look at one, and settle them."""

from __future__ import annotations

import sys
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape
from rich.table import Table

from heliograph.cli.output import console
from heliograph.cli.relays import (
    json_option,
    look_options,
    no_words,
    print_json,
    redact_option,
    words_argument,
)
from heliograph.redaction import Redaction

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from heliograph.relay import Relay
    from heliograph.relay.looking import Letter, Look

_MOST = 10_000
"""How many dead letters of a channel are looked through for one that was named."""


def _of_letters(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--group", metavar="NAME", help="Only those of this group."),
        click.option("--signal", metavar="PATTERN", help="Only signals of this name: order-*."),
    ):
        command = option(command)
    return command


def _letters(look: Look, signal: str | None, group: str | None) -> list[Letter]:
    return [
        it
        for it in look.dead_letters(_MOST)
        if fnmatchcase(it.channel.signal, signal or "*") and group in {None, it.letter.group}
    ]


@click.command("dead-letters", short_help="List what groups have put aside.")
@words_argument("[APP]")
@look_options
@_of_letters
@click.option(
    "--limit", type=click.IntRange(1), default=100, show_default=True, help="How many, at most."
)
@redact_option
@json_option
def dead_letters(
    look: Look,
    relay: Relay | None,  # noqa: ARG001 - it knows what is looked at.
    words: Sequence[str],
    *,
    signal: str | None,
    group: str | None,
    limit: int,
    redact: tuple[str, ...],
    as_json: bool,
) -> None:
    """List what groups could not work on, the oldest of each signal first.

    `show KEY` shows all of one, `replay KEY` gives it back to its group, `forget KEY` removes it.
    """
    from heliograph.cli.crossing_lines import CrossingLines

    no_words(words)
    with look:
        found = _letters(look, signal, group)
    lines = CrossingLines(Redaction(redact))
    made = [lines.of_letter(it) for it in found[:limit]]
    if as_json:
        print_json(made)
        return
    if not made:
        click.echo(f"No group of {look.app!r} has put anything aside.")
        return
    table = Table("key", "group", "when", "reason", "envelope", box=None, padding=(0, 2, 0, 0))
    for it in made:
        envelope = it["envelope"] or {"id": "it is none"}
        table.add_row(
            *map(escape, (it["key"], it["group"], it["at"][:19], it["reason"], envelope["id"]))
        )
    console().print(table)
    if len(found) > limit:
        click.echo(f"There are {len(found) - limit} more: --limit shows them.")


@click.command(short_help="Show all of one dead letter.")
@words_argument("[APP] KEY")
@look_options
@redact_option
@json_option
def show(
    look: Look,
    relay: Relay | None,  # noqa: ARG001 - it knows what is looked at.
    words: Sequence[str],
    *,
    redact: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show all that is known of a dead letter, by its key, or by the id of its envelope."""
    from heliograph.cli.crossing_lines import CrossingLines

    if len(words) != 1:
        msg = "Name one dead letter by its key: `heliograph relay dead-letters` lists them."
        raise click.UsageError(msg)
    with look:
        found = _named(look, words, None, None)
    if not found:
        raise click.ClickException(_unknown(words))
    made = CrossingLines(Redaction(redact)).of_letter(found[0])
    if as_json:
        print_json(made)
        return
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    envelope = made.pop("envelope") or {}
    payload = {f"payload {name}": text for name, text in envelope.pop("payload", {}).items()}
    for name, value in {**made, **envelope, **payload}.items():
        if value is not None:
            table.add_row(f"[dim]{escape(name)}[/]", escape(str(value)))
    console().print(table)


def _named(look: Look, keys: Sequence[str], signal: str | None, group: str | None) -> list[Letter]:
    """Return the dead letters of keys, or all if none is given."""
    found = _letters(look, signal, group)
    if not keys:
        return found
    ids = {it.envelope.id: it for it in found if it.envelope is not None}
    names = ids | {it.name: it for it in found}
    return [*{names[key].name: names[key] for key in keys if key in names}.values()]


def _unknown(keys: Sequence[str]) -> str:
    return (
        f"There is no dead letter {', '.join(map(repr, keys))}: `heliograph relay dead-letters` "
        "lists those that there are."
    )


def _settling(done: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options that say which dead letters it is to settle."""

    def with_options(command: Callable[..., None]) -> Callable[..., None]:
        for option in (
            json_option,
            click.option("--all", "all_", is_flag=True, help=f"All are {done}, or all that match."),
            _of_letters,
            look_options,
            words_argument("[APP] [KEY]..."),
        ):
            command = option(command)
        return command

    return with_options


@click.command(
    short_help="Give dead letters back to their groups.",
    epilog="""\b
Examples:
  heliograph relay replay shop order-paid/17
  heliograph relay replay shop --all --signal order-paid --group billing
""",
)
@_settling("given back")
def replay(look: Look, **given: Any) -> None:
    """Let the groups of dead letters work on them once more, with all their tries.

    KEY is that of `dead-letters`, or the id of the envelope. Other groups get nothing again.
    The exit status is 1 if one of the keys is unknown; the others are given back.
    """
    _settle(look, look.revive, "replayed", "given back to their groups", **given)


@click.command(short_help="Remove dead letters for good.")
@_settling("removed")
def forget(look: Look, **given: Any) -> None:
    """Remove dead letters for good: nobody works on them any more.

    KEY is that of `dead-letters`, or the id of the envelope. The exit status is 1 if one of the
    keys is unknown; the others are removed.
    """
    _settle(look, look.forget, "forgotten", "removed", **given)


def _settle(
    look: Look,
    settle: Callable[[Sequence[Letter]], int],
    name: str,
    done: str,
    *,
    relay: Relay | None,  # noqa: ARG001 - it knows what is looked at.
    words: Sequence[str],
    signal: str | None,
    group: str | None,
    all_: bool,
    as_json: bool,
) -> None:
    if bool(words) == all_:
        msg = "Name dead letters by their keys, or say --all."
        raise click.UsageError(msg)
    with look:
        found = _named(look, words, signal, group)
        several = settle(found)
    known = {it.name for it in found} | {it.envelope.id for it in found if it.envelope is not None}
    unknown = [it for it in words if it not in known]
    if as_json:
        print_json({name: several, "unknown": unknown})
    else:
        click.echo(f"{several} {'dead letter' if several == 1 else 'dead letters'} {done}.")
        if unknown:
            click.echo(_unknown(unknown), err=True)
    sys.exit(1 if unknown else 0)
