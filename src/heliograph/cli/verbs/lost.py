"""`heliograph lost`: tells of the runs of jobs that were killed, to the receivers of a program."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from heliograph.cli.output import console, write
from heliograph.cli.target import app_option, import_option, target_and_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heliograph.lifecycle import JobInfo

_SHOWN = ("system", "name", "id", "attempt", "requested_by", "run_id", "started")


@click.command(
    short_help="Tell of jobs that were killed with their process.",
    epilog="""\b
Examples:
  heliograph lost --app shop /var/lib/shop/leases
  heliograph lost --app shop --import "shop.*" --json /var/lib/shop/leases
""",
)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@app_option
@import_option
@click.option("--json", "as_json", is_flag=True, help="Print them for programs.")
def lost(app: str | None, further: tuple[str, ...], folder: Path, *, as_json: bool) -> None:
    """Send job_failed with the outcome "lost" for each run that nobody can end any more.

    FOLDER is that of the program's heliograph.lifecycle.leases.Leases. A run is lost if it
    has not ended, and the processes that could tell of its end are gone; it is told of once.

    The program is loaded, as its receivers are to hear of it. The exit status is 1 if there
    were lost runs.
    """
    # Windows has none of its locks, and the other commands.
    from heliograph.lifecycle.leases import Leases

    target, _ = target_and_words(app, ())
    program = target.program(further)  # Connections may end with what it holds.
    found = Leases(folder).tell_lost()
    if as_json:
        write(json.dumps([_values(it) for it in found], indent=2) + "\n", None)
    elif found:
        console().print(_table(found))
    else:
        click.echo(f"No run of {program.name!r} is lost.")
    if found:
        click.get_current_context().exit(1)


def _values(job: JobInfo) -> dict[str, Any]:
    return {name: getattr(job, name) for name in _SHOWN}


def _table(found: Sequence[JobInfo]) -> Table:
    table = Table("system", "job", "id", "attempt", "began")
    for job in found:
        began = datetime.fromtimestamp(job.started, UTC)
        table.add_row(
            job.system, job.name, job.id, str(job.attempt), f"{began:%Y-%m-%d %H:%M:%S} UTC"
        )
    return table
