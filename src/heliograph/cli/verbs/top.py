"""`heliograph top`: the receivers that take longest, over many requests or in a running program."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack, redirect_stdout
from typing import TYPE_CHECKING

import click

from heliograph.cli.attached_totals import counted
from heliograph.cli.attaching import attach_options, check_somebody
from heliograph.cli.counter import Counter
from heliograph.cli.doing import work_or_name_options
from heliograph.cli.durations import DurationType
from heliograph.cli.output import console, write
from heliograph.cli.progress import Progress, how_far
from heliograph.cli.ranking import print_totals
from heliograph.inspector import ORDERS, of_counts
from heliograph.metrics import Metrics

if TYPE_CHECKING:
    from heliograph.cli.doing import Work
    from heliograph.inspector import Totals
    from heliograph.inspector.attaching.workers import Workers


@click.command(
    short_help="Show which receivers take longest, over many requests or right now.",
    epilog="""\b
Examples:
  heliograph top shop "GET /" --times 200
  heliograph top shop "GET /" "POST /orders item=3" --times 50 --sort p99
  heliograph top shop --command "seed --all" --sort errors
  heliograph top --pytest tests --most 5 --json
  heliograph top                     # a running application
  heliograph top shop --for 30s      # the one that is called so
""",
)
@work_or_name_options
@click.option(
    "--times",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Send all requests, or run the program, that many times.",
)
@click.option(
    "--sort",
    type=click.Choice([*ORDERS]),
    default="total",
    show_default=True,
    help="What the receivers are sorted by, the largest first.",
)
@click.option("--most", type=click.IntRange(1), help="Show no more receivers than this.")
@click.option(
    "--for",
    "seconds",
    metavar="DURATION",
    type=DurationType(),
    default="2s",
    show_default=True,
    help="How long to let a running application count, if it counts only while somebody looks.",
)
@click.option(
    "--fail", is_flag=True, help="Exit with 1 if a response is 5xx, or a receiver failed."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
@attach_options
def top(
    workers: Workers,
    *,
    work: Work | None,
    times: int,
    sort: str,
    most: int | None,
    seconds: float,
    fail: bool,
    as_json: bool,
) -> None:
    """Show calls, errors and times of all receivers.

    With requests, or with --command, --script, --module or --pytest, it makes a program
    work and counts meanwhile: APP and REQUEST are written as for `heliograph trace`.

    Without them, it asks a running application, of which NAME is the name if several can
    be asked: all of its processes are one table. The application has to allow it, as for
    `heliograph watch`. With Inspector(counts=True) it counts from its start; otherwise it
    begins when somebody looks, and ends some seconds after. The exit status is 1 if there
    is nobody to attach to.

    The median and the 99th percentile are those of a histogram: they are less than twice
    too large.
    """
    failures: dict[str, int] = {}
    if work is None:
        check_somebody(workers)
        totals = counted(workers, seconds)
    else:
        totals, failures = _worked(work, times, quiet=as_json)
    totals = totals.sorted_by(sort)
    if as_json:
        write(json.dumps(totals.as_dict() | {"failures": failures}, indent=2) + "\n", None)
    else:
        print_totals(totals, console(), most=most)
    for failure, many in failures.items():
        click.echo(f"Failed {many:,} times: {failure}", err=True)
    if fail and (failures or any(it.failed for it in totals.receivers)):
        sys.exit(1)


def _worked(work: Work, times: int, *, quiet: bool) -> tuple[Totals, dict[str, int]]:
    """Make a program work; return what was counted, and which steps have failed how often."""
    work.checks()
    counter = Counter(logs=work.logs or bool(work.kind))
    with ExitStack() as stack:
        progress = stack.enter_context(Progress())
        progress.text = lambda: how_far(counter, work.steps and work.steps * times)
        if quiet:
            stack.enter_context(redirect_stdout(sys.stderr))
        metrics = stack.enter_context(Metrics())
        work.run(counter, times=times)
    return of_counts([metrics.snapshot().as_dict()]), counter.failures
