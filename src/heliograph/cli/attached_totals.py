"""What the receivers of a running application took in all, of all its processes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from heliograph import ArgumentError
from heliograph.inspector.attaching.workers import place_of
from heliograph.inspector.totals import of_counts

if TYPE_CHECKING:
    from heliograph.inspector.attaching.workers import Workers
    from heliograph.inspector.totals import Totals

_RENEW = 2.0


def counted(workers: Workers, seconds: float) -> Totals:
    """Return what all processes have counted; processes that cannot be asked are told.

    Args:
        workers: The processes.
        seconds: How long to let them count, for those that count only while somebody looks.

    Raises:
        click.ClickException: If none of them can be asked.
    """
    end = time.monotonic() + seconds
    replies = workers.ask("counts")
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, _RENEW))
        replies = workers.ask("counts")
    for it in replies:
        if it.problem is not None:
            click.echo(f"process {place_of(it)} is not among them: {it.problem}", err=True)
    answers = [it.answer for it in replies if it.problem is None]
    if not answers:
        msg = "No process can be asked what it has counted."
        raise click.ClickException(msg)
    try:
        return of_counts(answers)
    except ArgumentError as error:
        raise click.ClickException(str(error)) from None
