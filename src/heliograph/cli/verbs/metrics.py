"""`heliograph metrics`: makes a dashboard and alert rules for the metrics of a program."""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from heliograph.cli.loading import blame, prepare
from heliograph.cli.output import output_option, write
from heliograph.metrics import Metrics
from heliograph.metrics.dashboards import alerts as alerts_of
from heliograph.metrics.dashboards import dashboard as dashboard_of

if TYPE_CHECKING:
    from pathlib import Path

_METRICS = click.argument("metrics", metavar="[MODULE:NAME]", required=False)


@click.group(short_help="Make a dashboard and alert rules.")
def metrics() -> None:
    """Make a dashboard for Grafana, and alert rules for Prometheus.

    MODULE:NAME is the Metrics of a program, as in "shop.metrics:metrics". Without it, they are
    for what every program has: signals, and requests.
    """


@metrics.command(short_help="Make a dashboard for Grafana.")
@_METRICS
@click.option("--title", default="Signals", show_default=True, help="The title of the dashboard.")
@output_option
def dashboard(metrics: str | None, title: str, output: Path | None) -> None:
    """Print a dashboard as JSON, for Grafana to import."""
    _write(dashboard_of(_metrics_of(metrics), title), output)


@metrics.command(short_help="Make alert rules for Prometheus.")
@_METRICS
@output_option
def alerts(metrics: str | None, output: Path | None) -> None:
    """Print alert rules for a rule file of Prometheus, as JSON, which is YAML as well."""
    _write(alerts_of(_metrics_of(metrics)), output)


def _write(made: dict[str, Any], output: Path | None) -> None:
    write(json.dumps(made, indent=2) + "\n", output)


def _metrics_of(named: str | None) -> Metrics:
    if named is None:
        made = Metrics()
        made.http()
        return made
    prepare()
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as `python -m` does.
    module, _, name = named.partition(":")
    try:
        found = getattr(import_module(module), name or "metrics")
    except Exception as error:  # noqa: BLE001 - the program's own, and the user has to see it.
        blame(named, error, f"python -c 'import {module}'")
    if not isinstance(found, Metrics):
        msg = f"{named!r} is no Metrics, but {type(found).__name__}: name one, as in shop:metrics."
        raise click.UsageError(msg)
    return found
