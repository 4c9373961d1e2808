"""`heliograph doctor`: what goes wrong with the signals of a program, where, and what to do."""

from __future__ import annotations

import json
import sys
import warnings
from typing import TYPE_CHECKING

import click

from heliograph import ReceiverWarning
from heliograph.cli.application import Found
from heliograph.cli.asking import read_requests, request_options
from heliograph.cli.by_itself import engine_by_itself
from heliograph.cli.client import serving
from heliograph.cli.diagnosis import print_diagnosis
from heliograph.cli.frameworks import Kind, kind_of
from heliograph.cli.output import output_option, printing, write
from heliograph.cli.quiet import logging_if
from heliograph.cli.request import is_request
from heliograph.cli.target import Named, app_option, import_option, target_and_words
from heliograph.inspector.doctor import (
    SEVERITIES,
    Observer,
    Program,
    checks_as_markdown,
    examine,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from heliograph.cli.program import Program as Loaded
    from heliograph.cli.request import Given, Request
    from heliograph.cli.target import Target
    from heliograph.inspector.doctor import Examination

# They change nothing (RFC 9110, 9.2.1), so they may be sent twice: what grows shows itself then.
_SAFE = ("GET", "HEAD", "OPTIONS")


@click.command(
    short_help="Find what goes wrong with signals: lost receivers, misspelt names, and more.",
    epilog="""\b
Examples:
  heliograph doctor shop
  heliograph doctor shop:create_app "GET /" "POST /orders item=3"
  heliograph doctor shop --import "shop.*" --fail-on error
  heliograph doctor shop --json

\b
A comment silences a finding in its line, and says why:
  paid.connect(lambda it: 1)  # heliograph: ignore[weak-lambda] - a demo
""",
)
@click.argument("words", metavar="[APP] [REQUEST]...", nargs=-1)
@app_option
@import_option
@request_options
@click.option(
    "--slow",
    metavar="MS",
    type=click.FloatRange(min=0),
    default=100,
    show_default=True,
    help="Milliseconds from which on a receiver is slow.",
)
@click.option(
    "--fail-on",
    type=click.Choice([*reversed(SEVERITIES), "never"]),
    default="warning",
    show_default=True,
    help="The exit status is 1 if there is such a finding, or a worse one.",
)
@click.option("--logs", is_flag=True, help="Let the application log during the requests.")
@click.option("--json", "as_json", is_flag=True, help="Print everything for programs.")
@click.option(
    "--checks", is_flag=True, help="Print a page of all checks in Markdown, and look at no program."
)
@output_option
def doctor(
    app: str | None,
    words: tuple[str, ...],
    further: tuple[str, ...],
    *,
    given: Given,
    slow: float,
    fail_on: str,
    logs: bool,
    as_json: bool,
    checks: bool,
    output: Path | None,
) -> None:
    """Find what goes wrong with the signals of a program.

    For each finding, this prints the place, the reason and the remedy. It reads the source
    of the program, looks at the connections once the program is loaded, and watches the
    receivers in the requests that are given. Requests that change nothing, such as GET,
    are sent twice, as only then one sees what grows.

    APP is a module or a file, then the application or the factory if they have unusual
    names, as for `flask --app`. REQUEST is a method, a path, fields and headers, as for
    `heliograph trace`.
    """
    if checks:
        write(checks_as_markdown(), output)
        return
    target, written = target_and_words(app, words, is_word=is_request)
    requests = read_requests(written, given) if written else []
    # What they tell of is found and printed anyway.
    warnings.simplefilter("ignore", ReceiverWarning)
    examined, asked = _examined(target, further, requests, slow / 1000, logs=logs)
    if as_json:
        sent = [{"request": request, "answer": answer} for request, answer in asked]
        page = {"program": target.name, "requests": sent, **examined.as_dict()}
        write(f"{json.dumps(page, indent=2, ensure_ascii=False)}\n", output)
    else:
        with printing(output) as out:
            print_diagnosis(examined, asked, out)
    if fail_on != "never" and examined.fails(fail_on):
        sys.exit(1)


_Asked = list[tuple[str, str]]
"""The requests that were sent, in words, each with its answer."""


def _examined(
    target: Target, further: Sequence[str], requests: Sequence[Request], slow: float, *, logs: bool
) -> tuple[Examination, _Asked]:
    loaded = target.program(further)
    kind = kind_of(loaded.value)
    observer, asked = None, _Asked()
    if requests:
        observer = Observer()
        asked = _send(loaded, kind, requests, observer, logs=logs)
    by_itself = engine_by_itself(target.name) if isinstance(target, Named) else None
    blinkers = frozenset() if by_itself is None else frozenset(by_itself.blinkers)
    is_async = kind in (Kind.ASGI, Kind.AIOHTTP)
    program = Program(tuple(loaded.modules()), loaded.value, is_async, blinkers)
    return examine(program, by_itself=by_itself, observer=observer, slow=slow), asked


def _send(
    loaded: Loaded,
    kind: Kind | None,
    requests: Sequence[Request],
    observer: Observer,
    *,
    logs: bool,
) -> _Asked:
    if kind is None:
        msg = f"{loaded.name!r} has no application that requests could be sent to."
        raise click.ClickException(msg)
    asked = _Asked()
    found = Found(loaded.value, kind, loaded.name)
    with logging_if(logs), observer, serving(found, logs=logs) as client:
        for request in requests:
            answers = list[str]()
            for _ in range(2 if request.method in _SAFE else 1):
                observer.next_request()
                answers.append(client.open(request).status)
            asked.append((request.title, ", then ".join(dict.fromkeys(answers))))
    return asked
