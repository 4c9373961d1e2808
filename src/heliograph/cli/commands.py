"""Gathers the commands; each is a file in `heliograph.cli.verbs`."""

from __future__ import annotations

import click

from heliograph.cli.target import app_option, keep_app
from heliograph.cli.verbs.audit import audit
from heliograph.cli.verbs.doctor import doctor
from heliograph.cli.verbs.explain import explain_
from heliograph.cli.verbs.graph import graph
from heliograph.cli.verbs.list import list_
from heliograph.cli.verbs.lost import lost
from heliograph.cli.verbs.metrics import metrics
from heliograph.cli.verbs.migrate import migrate
from heliograph.cli.verbs.relay import relay
from heliograph.cli.verbs.run import run
from heliograph.cli.verbs.top import top
from heliograph.cli.verbs.trace import trace
from heliograph.cli.verbs.watch import watch
from heliograph.cli.verbs.worker import worker


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="heliograph", message="%(prog)s %(version)s")
@app_option
def heliograph(app: str | None) -> None:
    """See which signals a program has and what they do, and run programs on Heliograph."""
    keep_app(app)


heliograph.add_command(run)
heliograph.add_command(list_)
heliograph.add_command(explain_)
heliograph.add_command(graph)
heliograph.add_command(lost)
heliograph.add_command(top)
heliograph.add_command(trace)
heliograph.add_command(doctor)
heliograph.add_command(migrate)
heliograph.add_command(watch)
heliograph.add_command(metrics)
heliograph.add_command(audit)
heliograph.add_command(relay)
heliograph.add_command(worker)


def of_a_program() -> dict[str, click.Command]:
    """Return the commands for what has a program already: `flask`, `quart` and `manage.py`."""
    # Reading a source needs none, and `migrate` is what Flask-Migrate and Django do to tables.
    without = (run, migrate)
    return {name: it for name, it in heliograph.commands.items() if it not in without}
