"""`heliograph graph`: who sends which signals to whom, drawn, kept, and compared."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from heliograph.cli.completing import complete_words
from heliograph.cli.loading import tell_of_unloaded
from heliograph.cli.output import FILE, output_option, write
from heliograph.cli.target import app_option, import_option, target_and_words
from heliograph.inspector import select
from heliograph.inspector.graph import (
    SnapshotError,
    as_dot,
    as_html,
    as_mermaid,
    as_snapshot,
    changes,
    from_snapshot,
    graph_of,
    wired,
    wiring_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from heliograph.inspector import Catalogue
    from heliograph.inspector.graph import Change, Wiring


def _as_json(catalogue: Catalogue) -> str:
    return json.dumps(asdict(graph_of(catalogue)), indent=2) + "\n"


_FORMS: dict[str, Callable[[Catalogue], str]] = {
    "mermaid": lambda it: as_mermaid(graph_of(it)),
    "dot": lambda it: as_dot(graph_of(it)),
    "html": as_html,
    "json": _as_json,
}


@click.command(
    short_help="Draw who sends which signals to whom, and see what a change did.",
    epilog="""\b
Examples:
  heliograph graph shop
  heliograph graph shop --format html --output signals.html
  heliograph graph shop "order*" --format dot | dot -Tsvg > orders.svg
  heliograph graph shop --snapshot wiring.json
  heliograph graph shop --check wiring.json
  heliograph graph --diff before.json after.json
""",
)
@click.argument("words", metavar="[APP] [PATTERN]...", nargs=-1, shell_complete=complete_words)
@app_option
@import_option
@click.option(
    "--format",
    "form",
    type=click.Choice(list(_FORMS)),
    default="mermaid",
    show_default=True,
    help="Mermaid and DOT are drawn by other programs; HTML is a page of its own.",
)
@click.option("--json", "as_json", is_flag=True, help="Short for --format json.")
@output_option
@click.option("--snapshot", metavar="FILE", type=FILE, help="Keep the wiring in this file.")
@click.option(
    "--check",
    metavar="FILE",
    type=FILE,
    help="Compare the wiring with a snapshot; the status is 1 if it is different.",
)
@click.option(
    "--diff",
    metavar="BEFORE AFTER",
    nargs=2,
    type=FILE,
    help="Compare two snapshots; the status is 1 if they are different.",
)
def graph(
    app: str | None,
    words: tuple[str, ...],
    further: tuple[str, ...],
    form: str,
    output: Path | None,
    snapshot: Path | None,
    check: Path | None,
    diff: tuple[Path, Path] | None,
    *,
    as_json: bool,
) -> None:
    """Draw which places in the source send which signals, and who receives them.

    Places that send are read from the source of the program; receivers are those that are
    connected once it is loaded, each with its number in the order of the calls. Signals of
    packages are drawn if somebody hears them.

    A snapshot is the wiring as a text to commit: signals, payloads, senders, receivers and
    their order, without lines. --check compares it with the program, in CI for instance, and
    --diff compares two.
    """
    if sum(it is not None for it in (snapshot, check, diff)) > 1:
        msg = "--snapshot, --check and --diff cannot be combined."
        raise click.UsageError(msg)
    if diff is not None:
        _end_with(changes(_kept(diff[0]), _kept(diff[1])), as_json=as_json)
    target, patterns = target_and_words(app, words)
    # Before the program is loaded: a broken file is said at once.
    before = None if check is None else _kept(check)
    catalogue = wired(select(target.program(further).catalogue(), patterns))
    tell_of_unloaded(catalogue.not_loaded)
    if before is not None:
        _end_with(changes(before, wiring_of(catalogue)), as_json=as_json)
    _refuse_nothing(catalogue, patterns)
    if snapshot is not None:
        write(as_snapshot(wiring_of(catalogue)), snapshot)
    else:
        write(_FORMS["json" if as_json else form](catalogue), output)


def _kept(file: Path) -> Wiring:
    try:
        return from_snapshot(file.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"{str(file)!r} cannot be read: {error.strerror}."
    except UnicodeDecodeError:
        msg = f"{str(file)!r} is no snapshot: it is no text in UTF-8."
    except SnapshotError as error:
        msg = f"{str(file)!r} cannot be used. {error}"
    raise click.UsageError(msg)


def _end_with(found: list[Change], *, as_json: bool) -> None:
    """Print the changes, and end with the status that tells whether there are any."""
    if as_json:
        write(json.dumps([asdict(it) for it in found], indent=2) + "\n", None)
    else:
        write("".join(f"{it}\n" for it in found) or "No difference.\n", None)
    click.get_current_context().exit(1 if found else 0)


def _refuse_nothing(catalogue: Catalogue, patterns: Sequence[str]) -> None:
    """Draw no empty picture: a pattern may be misspelt."""
    if patterns and not catalogue.namespaces:
        which = " or ".join(map(repr, patterns))
        msg = f"There are no signals to draw in {catalogue.target!r} that match {which}."
        raise click.ClickException(msg)
