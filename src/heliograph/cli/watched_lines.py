"""What a watcher prints: a tree of lines for people, lines of JSON for programs."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

import click
from rich.text import Text

from heliograph.describe import describe_duration
from heliograph.inspector.seen import SeenEmission, SeenRequest
from heliograph.inspector.timeline import arrange, fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from heliograph.inspector.seen import Seen, SeenDelivery
    from heliograph.inspector.timeline import SeenNode


class JsonOutput:
    """One line of JSON for each thing; `kind` says what it is."""

    def seen(self, found: Sequence[Seen], *, several: bool) -> None:  # noqa: ARG002 - each line has its process.
        """Tell what was seen."""
        for it in found:
            kind = "emission" if isinstance(it, SeenEmission) else "request"
            click.echo(json.dumps({"kind": kind, **it.as_dict()}))

    def said(self, kind: str, process: str, text: str, **more: object) -> None:  # noqa: ARG002 - for people.
        """Tell of a process."""
        click.echo(json.dumps({"kind": kind, "process": process, **more}))


class TextOutput:
    """Lines for people: an emission, and its receivers below it.

    Args:
        console: Prints them.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    def said(self, kind: str, process: str, text: str, **more: object) -> None:  # noqa: ARG002 - for programs.
        """Tell of a process."""
        style = "dim" if kind == "attached" else "yellow"
        self._console.print(Text(f"-- {text}", style), soft_wrap=True)

    def seen(self, found: Sequence[Seen], *, several: bool) -> None:
        """Tell what was seen."""
        nodes = fold(arrange(it for it in found if isinstance(it, SeenEmission)))
        ended = [it for it in found if isinstance(it, SeenRequest) and it.duration is not None]
        blocks = [
            *(
                (_end(it.emission), it.emission.process, list(_node(it, "", it.emission.process)))
                for it in nodes
            ),
            *((_end(it), it.process, [_request(it)]) for it in ended),
        ]
        for _, process, lines in sorted(blocks, key=lambda block: block[0]):
            number = f"[{process.partition('-')[0]}] " if several else ""
            for line in lines:
                self._console.print(Text.assemble((number, "dim"), line), soft_wrap=True)


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%H:%M:%S.%f")[:-3]  # noqa: DTZ006 - as the reader's clock.


def _end(it: Seen) -> float:
    return it.started + (it.duration or 0.0)


def _request(it: SeenRequest) -> Text:
    failed = it.error is not None or (it.status or 0) >= 500  # noqa: PLR2004 - a server's error.
    return Text.assemble(
        (f"{_clock(it.started)}  ", "dim"),
        (f"{it.method} {it.path}", "bold"),
        (f"  {it.status}", "bold red" if failed else "bold green") if it.status else "",
        f"  {describe_duration(it.duration or 0.0)}",
        (f"  {it.reason}" if it.reason not in (None, "complete") else "", "yellow"),
        (f"  {it.error}" if it.error else "", "red"),
    )


def _node(node: SeenNode, indent: str, around: str) -> Iterator[Text]:
    it = node.emission
    elsewhere = "" if it.process == around else f"  in {it.process.partition('-')[0]}"
    times = f"  × {node.count}" if node.count > 1 else ""
    yield Text.assemble(
        (indent or f"{_clock(it.started)}  ", "dim"),
        (it.signal, "cyan"),
        _payload(it),
        (f"  from {it.sender}", "dim"),
        f"{times}  {describe_duration(node.total)}",
        (f"  {it.crossing}{elsewhere}" if it.crossing else "", "dim"),
        ("  muted" if it.muted else "", "yellow"),
        (f"  {it.unheard}" if it.unheard else "", "dim"),
        (f"  {it.location}" if it.location else "", "dim"),
    )
    for turn in node.turns:
        yield _delivery(turn.delivery, turn.total, f"{indent}    ")
        for inner in turn.inside:
            yield from _node(inner, f"{indent}        ", it.process)
    for inner in node.unfinished:
        yield from _node(inner, f"{indent}    ", it.process)


def _payload(it: SeenEmission) -> tuple[str, str]:
    shown = [name if text is None else f"{name}={text}" for name, text in it.payload.items()]
    return (f" ({', '.join(shown)})" if shown else "", "dim")


def _delivery(it: SeenDelivery, total: float, indent: str) -> Text:
    return Text.assemble(
        indent,
        it.receiver,
        f"  {describe_duration(total)}",
        (f"  raised {it.error}" if it.error else "", "red"),
        (f"  {it.error_location}" if it.error_location else "", "dim"),
    )
