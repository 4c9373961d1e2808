"""`heliograph trace`: shows every signal that is sent while a program works."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack, redirect_stdout
from typing import TYPE_CHECKING

import click
from rich.text import Text

from heliograph.cli.choosing import choice_options
from heliograph.cli.doing import work_options
from heliograph.cli.output import FILE, console, write
from heliograph.cli.progress import Progress, how_far
from heliograph.cli.response import response_lines
from heliograph.cli.showing import print_tree
from heliograph.cli.tracer import Tracer
from heliograph.inspector import chrome_trace, failures_of, tree_of

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from heliograph.cli.choosing import Choice
    from heliograph.cli.doing import Work
    from heliograph.cli.tracer import Traced
    from heliograph.inspector import View

_CHECKED = (
    "Payloads were checked against their declarations, which production does not do; --no-check "
    "leaves it out."
)


@click.command(
    short_help="Show every signal that requests, commands or tests send.",
    epilog="""\b
Examples:
  heliograph trace shop "GET /"
  heliograph trace shop:create_app "GET /search q=lamp" "POST /orders item=3"
  heliograph trace src/shop.py:app "GET /me Accept:application/json"
  heliograph trace shop "POST /login 'name=Ada Lovelace'" "GET /me"
  heliograph trace shop POST /notes text=hi tags:='["a", "b"]' --response
  heliograph trace shop PUT /photo @cat.png -H "Authorization: Bearer 12"
  heliograph trace shop --command "seed --all" --slow 5ms
  heliograph trace --pytest "tests -k orders" --only failed
  heliograph trace shop "GET /" --fail --slow 50ms -o trace.json
""",
)
@work_options
@choice_options
@click.option("--response", is_flag=True, help="Show the body of each response.")
@click.option("-i", "--headers", is_flag=True, help="Show the headers of each response.")
@click.option(
    "--fail",
    is_flag=True,
    help="Exit with 1 if a response is 5xx, a receiver failed, or one was as slow as --slow says.",
)
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
@click.option(
    "-o", "--output", metavar="FILE", type=FILE,
    help="Also write a file of trace events, in Chrome's format, which Perfetto reads.",
)  # fmt: skip
def trace(
    *,
    work: Work,
    response: bool,
    headers: bool,
    choice: Choice,
    fail: bool,
    as_json: bool,
    output: Path | None,
) -> None:
    """Make a program work, and show every signal that it sends.

    For each request, this prints the tree of signals in order: who sent each of them and
    from where, its receivers, the line that defines each receiver, how long it took, and
    errors. Signals that nobody hears are named at the end.

    APP is a module or a file, then the application or the factory if they have unusual
    names, as for `flask --app`. It is called in this process, without a server, whether
    it is made with Flask, Quart, Django, FastAPI, Starlette, Litestar, aiohttp, Falcon,
    or plain WSGI or ASGI. Life-cycle signals are shown if the application sends them:
    Flask and Quart always do, others after install(), or with --lifecycle.

    REQUEST is a method, a path and fields: name=value. They become the query of a GET and
    the form of a POST. Further signs are those of HTTPie: name==value (query), name:=json
    and a whole JSON object (JSON), Name:value (header), name@file (file of a form), @file
    (the whole body). A request is one word in quotation marks, or several words. Later
    requests send the cookies that earlier ones received.

    Instead of requests, --command, --script, --module and --pytest run something else.
    """
    checked = work.checks()
    progress = Progress()
    live = not as_json and work.kind != "pytest"
    shown = _Shown(choice.view, progress, headers=headers, body=response, live=live)
    tracer = Tracer(
        shown.tell,
        values=choice.values,
        redaction=choice.redaction,
        logs=work.logs or bool(work.kind),
    )
    with ExitStack() as stack:
        progress.text = lambda: how_far(tracer, work.steps)
        stack.enter_context(progress)
        if as_json:
            stack.enter_context(redirect_stdout(sys.stderr))
        work.run(tracer)
    if as_json:
        write(_document(shown.seen, checked=checked, slow=choice.slow), None)
    else:
        shown.end(checked=checked)
    if output is not None:
        write(json.dumps(chrome_trace(it.part for it in shown.seen)) + "\n", output)
    if fail:
        _exit_if_failed(shown.seen, choice.slow)


class _Shown:
    """The steps that were traced, each of which is printed when it is over, or at the end."""

    def __init__(
        self, view: View, progress: Progress, *, headers: bool, body: bool, live: bool
    ) -> None:
        self._view = view
        self._progress = progress
        self._headers = headers
        self._body = body
        self._live = live
        self._console = console()
        self._left_out = 0
        self.seen: list[Traced] = []

    def tell(self, traced: Traced) -> None:
        self.seen.append(traced)
        if self._live:
            self._print(traced)

    def _print(self, traced: Traced) -> None:
        self._progress.clear()
        tree = tree_of(traced.part, self._view)
        if self._view.chooses and not (tree.below or traced.part.failed):
            self._left_out += 1
            return
        print_tree(tree, self._console)
        if traced.answer is not None and (self._headers or self._body):
            for line in response_lines(traced.answer, headers=self._headers, body=self._body):
                self._console.print(Text(line), soft_wrap=True)
            self._console.print()

    def end(self, *, checked: bool) -> None:
        """Print what was not printed yet, and what differs from production."""
        for traced in () if self._live else self.seen:
            self._print(traced)
        if self._left_out:
            several = "1 step" if self._left_out == 1 else f"{self._left_out:,} steps"
            self._console.print(f"{several} sent nothing of what is shown here.", style="dim")
        declared = (it.declared for one in self.seen for it in one.part.emissions)
        if checked and any(declared):
            self._console.print(_CHECKED, style="dim", soft_wrap=True)


def _document(seen: list[Traced], *, checked: bool, slow: float | None) -> str:
    parts = []
    for it in seen:
        part: dict[str, Any] = it.part.as_dict()
        part["failures"] = failures_of(it.part, slow)
        if it.answer is not None:
            part["response"] = {
                "status": it.answer.status,
                "headers": [*map(list, it.answer.headers)],
                "body": response_lines(it.answer, headers=False, body=True),
            }
        parts.append(part)
    return json.dumps({"checked": checked, "parts": parts}, indent=2) + "\n"


def _exit_if_failed(seen: list[Traced], slow: float | None) -> None:
    failures = [it for one in seen for it in failures_of(one.part, slow)]
    if failures:
        click.echo("\n".join(["Failed:", *(f"  {it}" for it in failures)]), err=True)
        sys.exit(1)
