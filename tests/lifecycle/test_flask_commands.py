"""Flask's commands as jobs: however they are started, and whatever context there is."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import click
import flask
import pytest

from heliograph.lifecycle.flask import install
from tests.lifecycle.calling import heard

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import click, flask
from heliograph.lifecycle import lifecycle
from heliograph.lifecycle.flask import install
app = flask.Flask("shop")
install(app)
for name in ("job-started", "job-finished", "job-failed", "job-tearing-down"):
    def tell(sender, *, job, outcome="", _name=name, **extra):
        print("told:", _name, job.name, outcome)
    lifecycle[name].connect(tell, weak=False)
@app.cli.command()
@click.argument("ending")
def clean(ending):
    if ending == "fail":
        raise LookupError
"""


def made() -> flask.Flask:
    """Return an application with commands of all kinds."""
    app = flask.Flask("shop")

    @app.cli.command()
    @click.argument("ending")
    def clean(ending: str) -> None:
        match ending:
            case "fail":
                raise LookupError
            case "exit 0":
                sys.exit(0)
            case "exit 3":
                click.get_current_context().exit(3)
            case "abort":
                raise click.Abort

    @click.command()
    def added() -> None:
        """Be added."""

    @app.cli.group()
    def stock() -> None:
        """Be a group."""

    @app.cli.group(invoke_without_command=True, chain=True)
    def report() -> None:
        """Be a command as well."""

    @app.cli.command(with_appcontext=False)
    def alone() -> None:
        """Have no context."""

    report.add_command(added, "sales")
    report.add_command(added, "costs")
    stock.add_command(added, "count")
    app.cli.add_command(added)
    return app


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("clean well", [("clean", "succeeded")]),
        ("clean fail", [("clean", "failed")]),
        ("added", [("added", "succeeded")]),
        ("stock count", [("stock count", "succeeded")]),
        ("stock", []),
        ("report", [("report", "succeeded")]),
        ("report sales costs", [("report sales", "succeeded"), ("report costs", "succeeded")]),
        ("alone", [("alone", "succeeded")]),
        ("clean abort", [("clean", "interrupted")]),
        ("clean", []),
        ("clean --help", []),
        ("unknown", []),
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_a_command_is_a_job(arguments: str, told: list[tuple[str, str]], inside: bool) -> None:
    """Only what is run, also inside of a context, where Flask sends no signal at all."""
    app = made()
    with install(app), heard() as kept:
        if inside:
            with app.app_context():
                app.test_cli_runner().invoke(args=arguments.split())
        else:
            app.test_cli_runner().invoke(args=arguments.split())

    jobs = [it for name, it in kept if name in ("job-finished", "job-failed")]
    assert [(it["job"].name, it["outcome"]) for it in jobs] == told
    assert {it["sender"] for it in jobs} <= {app}


@pytest.mark.parametrize(("ending", "outcome"), [("exit 0", "succeeded"), ("exit 3", "failed")])
def test_an_exit_tells_its_status(ending: str, outcome: str) -> None:
    """By `sys.exit` and by click's own way."""
    app = made()
    with install(app), heard() as kept:
        app.test_cli_runner().invoke(args=["clean", ending])

    assert [it["outcome"] for _, it in kept if "outcome" in it] == [outcome]
    with heard() as kept:
        app.test_cli_runner().invoke(args=["clean", ending])
    assert [name for name, _ in kept if name.startswith("job")] == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("clean well", ["started clean ", "finished clean succeeded", "tearing-down clean "]),
        ("clean fail", ["started clean ", "failed clean failed", "tearing-down clean "]),
        ("--help", []),
    ],
)
def test_the_program_of_flask_runs_jobs(tmp_path: Path, arguments: str, told: list[str]) -> None:
    """As a user starts it."""
    tmp_path.joinpath("shop.py").write_text(PROGRAM, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "shop", *arguments.split()],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    found: Any = [it for it in ended.stdout.splitlines() if it.startswith("told: ")]

    assert [it.removeprefix("told: job-") for it in found] == told
