"""`heliograph explain`: whom a send would call now, and for each other receiver why not."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, NoReturn

import click

from heliograph.cli.completing import complete_words
from heliograph.cli.listing import print_explanation
from heliograph.cli.loading import describe
from heliograph.cli.naming import named_sender, named_signal
from heliograph.cli.output import console, write
from heliograph.cli.target import app_option, import_option, target_and_words
from heliograph.inspector import Disconnections, explain, matches_any

if TYPE_CHECKING:
    from heliograph.inspector import Explanation


@click.command(
    "explain",
    short_help="Explain whom a signal would call now, and why not the others.",
    epilog="""\b
Examples:
  heliograph explain shop order_placed --sender app
  heliograph explain shop shop.order_placed --sender "'berlin'" --receiver ring_bell
  heliograph explain --app shop order_placed --sender shop.tills:first --json
""",
)
@click.argument(
    "words", metavar="[APP] SIGNAL", nargs=-1, required=True, shell_complete=complete_words
)
@app_option
@import_option
@click.option(
    "--sender",
    metavar="SENDER",
    help="Who sends: text, a number, app for the application, or MODULE:NAME. By default None.",
)
@click.option("--receiver", metavar="NAME", help="Explain only receivers of this name.")
@click.option("--json", "as_json_", is_flag=True, help="Print the same for programs.")
def explain_(
    app: str | None,
    words: tuple[str, ...],
    further: tuple[str, ...],
    sender: str | None,
    receiver: str | None,
    *,
    as_json_: bool,
) -> None:
    """Explain whom a send would call now, in which order, and why not the others.

    Nothing is sent. The program is loaded, and the signal is asked. A receiver is not
    called if it hears another sender, is muted, counts only inside of a block, has died,
    or was disconnected while the program was loaded; each is listed with its place.

    SIGNAL is the name of a signal, with or without that of its namespace, or where it is
    imported from. NAME is the name of a receiver, a part of it, or a name with * and ?.

    The exit status is 1 if no receiver would be called.
    """
    target, [*names] = target_and_words(app, words)
    if len(names) != 1:
        msg = f"Name one signal: {'several were given' if names else 'none was given'}."
        raise click.UsageError(msg)
    with Disconnections() as seen:
        program = target.program(further)
        signal, info = named_signal(program, names[0])
        sent_by = named_sender(program, sender)
        try:
            found = explain(signal, sent_by, ended=seen.of(signal), unknown=info.unknown)
        except Exception as error:  # noqa: BLE001 - a proxy may raise anything.
            _refuse_sender(sender, error)
    found = _only(found, receiver)
    if as_json_:
        write(json.dumps(asdict(found), indent=2) + "\n", None)
    else:
        print_explanation(found, console())
    click.get_current_context().exit(0 if found.called else 1)


def _only(found: Explanation, receiver: str | None) -> Explanation:
    if receiver is None:
        return found
    called = tuple(it for it in found.called if matches_any([receiver], it.name))
    omitted = tuple(it for it in found.omitted if matches_any([receiver], it.name))
    if not (called or omitted):
        names = {*(it.name for it in found.called), *(it.name for it in found.omitted)}
        known = ", ".join(sorted(names)) or "none"
        msg = f"{found.signal!r} has no receiver {receiver!r}. Its receivers: {known}."
        raise click.ClickException(msg)
    return replace(found, called=called, omitted=omitted)


def _refuse_sender(sender: str | None, error: Exception) -> NoReturn:
    msg = (
        f"{sender!r} stands for no object here: name the object itself, as app or MODULE:NAME. "
        f"{describe(error)}"
    )
    raise click.ClickException(msg) from error
