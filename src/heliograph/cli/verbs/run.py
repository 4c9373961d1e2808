"""`heliograph run` among the other commands: for its help, as it usually runs without click."""

from __future__ import annotations

import click

from heliograph.cli.run import main


@click.command(
    # It reads its arguments itself, as it also has to work without click.
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    add_help_option=False,
    short_help="Run any Python command with Heliograph in place of Blinker.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(arguments: tuple[str, ...]) -> None:
    """Run any Python command with Heliograph in place of Blinker."""
    main(arguments)
