"""`heliograph migrate`: the signals of a program, written as declarations to be reviewed."""

from __future__ import annotations

import sys
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import click

from heliograph.cli.asking import read_requests
from heliograph.cli.completing import complete_program, source_files
from heliograph.cli.driving import drive
from heliograph.cli.output import output_option, write
from heliograph.cli.programs import words_of
from heliograph.cli.quiet import logging_if
from heliograph.cli.request import Given, is_request
from heliograph.cli.steps import Step
from heliograph.cli.target import app_option, target_and_words
from heliograph.inspector.migration import Watched, declarations, signals_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from heliograph.cli.target import Target


@click.command(
    short_help="Write the signals of a program as declarations, to be reviewed.",
    epilog="""\b
Examples:
  heliograph migrate shop
  heliograph migrate src/shop --output signals.py
  heliograph migrate shop:app "GET /" "POST /orders item=3" --output signals.py
  heliograph migrate shop --pytest tests --output signals.py
""",
)
@click.argument("words", metavar="[APP] [REQUEST]...", nargs=-1, shell_complete=complete_program)
@app_option
@click.option("--pytest", metavar="ARGUMENTS", help="Run these tests, and watch what they send.")
@output_option
def migrate(
    app: str | None, words: tuple[str, ...], pytest: str | None, output: Path | None
) -> None:
    """Write a module that declares the signals which a program makes by name.

    It reads the source of a module, a package, a file or a folder, and imports none of it:
    which signals are made with Blinker or Django, which places send them, with which
    payloads of which types. What the source does not tell is `Any`, or said in a comment.

    With requests or --pytest the program is run as well, on Heliograph: payloads and types
    that are only known then are added. Django's own signals are not seen in a run.

    The file is a draft: read each declaration, and move it to where the signal is made.
    """
    target, written = target_and_words(app, words, is_word=is_request)
    found = signals_in(_files_of(target.name))
    if not found.signals:
        msg = f"No signal is made by name in {target.name!r}."
        raise click.ClickException(msg)
    if written or pytest is not None:
        with Watched() as watched, redirect_stdout(sys.stderr):
            _run(target, written, pytest)
        found = watched.added_to(found)
    write(declarations(found, target.name), output)


def _files_of(name: str) -> list[Path]:
    """Return the files to read.

    Raises:
        click.ClickException: If there are none.
    """
    folder = Path(name)
    found = [*(_below(folder) if folder.is_dir() else source_files(name))]
    if not any(it.is_file() for it in found):
        msg = f"There is no source of {name!r}: name a module, a package, a file or a folder."
        raise click.ClickException(msg)
    return found


def _below(folder: Path) -> Iterator[Path]:
    for it in sorted(folder.iterdir()):
        if it.is_dir():
            # Neither `.git`, nor the packages of an environment.
            hidden = it.name.startswith(".") or (it / "pyvenv.cfg").is_file()
            yield from () if hidden or it.is_symlink() else _below(it)
        elif it.suffix == ".py":
            yield it


def _run(target: Target, requests: Sequence[str], tests: str | None) -> None:
    """Send requests, and run tests."""
    if requests:
        asked = read_requests(requests, Given())
        drive(target.application(), asked, _Telling(), logs=False)
    if tests is not None:
        from heliograph.cli.tests import run_tests

        run_tests(words_of(tests, "--pytest"), _Telling())


class _Telling:
    """Tells of the steps that fail: what they would have sent later is not known."""

    @contextmanager
    def step(self, title: str, *, quiet: bool = False) -> Iterator[Step]:
        """Watch one step; see `Watcher`."""
        step = Step(title)
        with logging_if(False):
            yield step
        if step.outcome.failed and not quiet:
            click.echo(f"{title}: {step.outcome.text}.", err=True)
