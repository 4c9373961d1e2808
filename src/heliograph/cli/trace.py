"""Sends requests to an application and shows every signal that is sent meanwhile."""

from __future__ import annotations

import functools
import inspect
import logging
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click
from rich.console import Group
from rich.text import Text
from rich.tree import Tree

from heliograph import add_instrument, remove_instrument
from heliograph.blinker import install

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flask import Flask
    from rich.console import Console, RenderableType

    from heliograph import Delivery, Emission
    from heliograph.cli.request import Request


@dataclass
class Sent:
    """An emission, and what was sent by each of its receivers."""

    emission: Emission
    inside: dict[int, list[Sent]] = field(default_factory=dict)


@dataclass
class Traced:
    """A request with all that was sent while it was answered."""

    request: Request.Parsed
    answer: str
    failed: bool
    duration: float
    sent: list[Sent]


class Recorder:
    """An instrument that keeps emissions as a tree."""

    def __init__(self) -> None:
        self.roots: list[Sent] = []
        self._unclaimed: dict[int, Sent] = {}

    def __call__(self, emission: Emission) -> None:
        """Take in an emission: those inside of it have come before."""
        sent = self._unclaimed.pop(id(emission), None) or Sent(emission)
        if emission.parent is None:
            self.roots.append(sent)
            return
        parent = self._unclaimed.setdefault(id(emission.parent), Sent(emission.parent))
        # Its receiver is at work, and so not among the deliveries yet: it is the next one.
        parent.inside.setdefault(len(emission.parent.deliveries), []).append(sent)


def load_app(name: str) -> Flask:
    """Find an application as ``flask --app`` does, on Heliograph from its first import on.

    Raises:
        click.ClickException: If there is none.
    """
    install()
    try:
        from flask.cli import ScriptInfo
    except ModuleNotFoundError:
        msg = "`heliograph trace` needs Flask: pip install 'heliograph[flask]'"
        raise click.ClickException(msg) from None
    try:
        return ScriptInfo(app_import_path=name, set_debug_flag=False).load_app()
    except click.ClickException as error:
        msg = f"There is no Flask application for {name!r}. {error.message.strip()}"
        raise click.ClickException(msg) from None
    except Exception as error:
        where = _place_of_failure(error)
        msg = f"Importing {name!r} failed: {type(error).__name__}: {error}{where}"
        raise click.ClickException(msg) from error


def _place_of_failure(error: BaseException) -> str:
    frames = inspect.getinnerframes(error.__traceback__) if error.__traceback__ else []
    return f"\n  at {_short(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""


def trace_requests(
    app: Flask, requests: Sequence[Request.Parsed], *, logs: bool
) -> Iterator[Traced]:
    """Send the requests one after the other, as one client that keeps its cookies."""
    client = app.test_client()
    for request in requests:
        recorder = Recorder()
        add_instrument(recorder)
        started = perf_counter()
        try:
            with _logging(logs):
                answer, failed = _answer(client, request)
        finally:
            duration = perf_counter() - started
            remove_instrument(recorder)
        yield Traced(request, answer, failed, duration, recorder.roots)


@contextmanager
def _logging(wanted: bool) -> Iterator[None]:
    # What the application logs of its errors would tear the tree apart that shows them.
    before = logging.root.manager.disable
    logging.disable(before if wanted else logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _answer(client: Any, request: Request.Parsed) -> tuple[str, bool]:
    try:
        with client.open(**request.arguments()) as response:
            response.get_data()
            return response.status, response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    except Exception as error:  # noqa: BLE001 - an application under test passes them on.
        return f"raised {_said(error)}", True


def show(traced: Traced, console: Console) -> None:
    """Print a request and its tree of signals."""
    title = Text.assemble(
        (str(traced.request), "bold"),
        (f"  {traced.answer}", "bold red" if traced.failed else "bold green"),
        (f"  {_milliseconds(traced.duration)}", "dim"),
    )
    tree = Tree(title, guide_style="dim")
    for sent in traced.sent:
        _add(tree, sent)
    console.print(tree, no_wrap=True, overflow="ignore", crop=False)
    console.print()


def _add(tree: Tree, sent: Sent) -> None:
    emission = sent.emission
    line = Text.assemble(
        (str(getattr(emission.signal, "name", None) or "a signal without a name"), "cyan"),
        (f" ({', '.join(emission.payload)})" if emission.payload else "", "dim"),
        ("  muted", "yellow") if emission.muted else ("", ""),
        ("" if emission.deliveries or emission.muted else "  nobody connected", "dim"),
    )
    errors = [it for it in emission.payload.values() if isinstance(it, Exception)]
    branch = tree.add(Group(line, *(Text(_said(error), "red") for error in errors)))
    for number, delivery in enumerate(emission.deliveries):
        leaf = branch.add(_delivery(delivery))
        for inner in sent.inside.get(number, ()):
            _add(leaf, inner)


def _delivery(delivery: Delivery) -> RenderableType:
    line = Text.assemble(
        _name(delivery.receiver),
        (f"  {_where(delivery.receiver)}", "dim"),
        f"  {_milliseconds(delivery.duration)}",
    )
    if delivery.error is None:
        return line
    logged = delivery.connection is not None and delivery.connection.on_error == "log"
    fate = "logged" if logged else "raised"
    return Group(line, Text(f"{fate}: {_said(delivery.error)}", "red"))


def _name(receiver: Any) -> str:
    function = _function(receiver)
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{getattr(function, '__module__', None) or '?'}.{name}"


def _where(receiver: Any) -> str:
    code = getattr(_function(receiver), "__code__", None)
    return f"{_short(code.co_filename)}:{code.co_firstlineno}" if code else "built in"


def _function(receiver: Any) -> Any:
    """Return the function whose lines a receiver runs, if it has any."""
    while isinstance(receiver, functools.partial):
        receiver = receiver.func
    receiver = inspect.unwrap(getattr(receiver, "__func__", receiver))
    if hasattr(receiver, "__code__") or isinstance(receiver, type):
        return receiver
    return type(receiver).__call__


def _short(filename: str) -> str:
    path = Path(filename)
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"
