"""Prints a traced request as a tree of signals, receivers and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text
from rich.tree import Tree

from heliograph.describe import (
    describe_duration,
    describe_error,
    describe_outcome,
    label_of,
    location_of,
    name_of,
    relative_location,
)

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from heliograph import Delivery
    from heliograph.cli.trace import Traced
    from heliograph.describe import EmissionNode


def print_trace(traced: Traced, console: Console) -> None:
    """Print a request and its tree of signals."""
    tree = Tree(_title(traced), guide_style="dim")
    for node in traced.sent:
        _add(tree, node)
    console.print(tree)
    console.print()


def _title(traced: Traced) -> Text:
    request, answer = traced.request, traced.answer
    if request is None or isinstance(answer, str):
        return Text.assemble(
            (f"{answer} of the application", "bold"),
            (f"  {describe_duration(traced.duration)}", "dim"),
        )
    return Text.assemble(
        (f"{request.method} {request.path}", "bold"),
        "".join(f" {word}" for word in request.written()),
        (f"  {answer.status}", "bold red" if answer.failed else "bold green"),
        f" to {answer.location}" if answer.location else "",
        (f"  {_location(answer.error)}" if answer.error else "", "dim"),
        (f"  {describe_duration(traced.duration)}", "dim"),
    )


def _add(branch: Tree, node: EmissionNode) -> None:
    emission = node.emission
    line = Text.assemble(
        (label_of(emission.signal), "cyan"),
        (f" ({', '.join(emission.payload)})" if emission.payload else "", "dim"),
        ("  muted" if emission.muted else "", "yellow"),
        (_why_unheard(node), "dim"),
    )
    errors = [it for it in emission.payload.values() if isinstance(it, BaseException)]
    below = branch.add(Group(line, *map(_error, errors)))
    declared = emission.signal.declaration is not None
    for delivery, inside in node.deliveries():
        leaf = below.add(_delivery(delivery, declared=declared))
        for inner in inside:
            _add(leaf, inner)
    for inner in node.unfinished():
        _add(below, inner)


def _why_unheard(node: EmissionNode) -> str:
    """Tell why no receiver was called, or return "" if one was."""
    emission = node.emission
    if emission.muted or emission.deliveries or node.unfinished():
        return ""
    if emission.signal.connections:
        return "  no receivers for this sender"
    # The usual mistake: a function inside of a function, connected weakly.
    gone = [
        f"{dead.name} of {relative_location(dead.location)}"
        for dead in emission.signal.dead_receivers
    ]
    return (
        f"  no receivers left; garbage-collected: {', '.join(gone)}" if gone else "  no receivers"
    )


def _delivery(delivery: Delivery, *, declared: bool) -> RenderableType:
    connection = delivery.connection
    # It breaks as soon as the declaration gets another argument that has to be sent.
    narrow = declared and connection is not None and not connection.takes_extra
    line = Text.assemble(
        name_of(delivery.receiver),
        ("  without **extra" if narrow else "", "yellow"),
        (f"  {_location(delivery.receiver) or 'built in'}", "dim"),
        f"  {describe_duration(delivery.duration)}",
    )
    if delivery.error is None:
        return line
    return Group(line, _error(delivery.error, describe_outcome(delivery)))


def _error(error: BaseException, words: str = "") -> Text:
    return Text.assemble((words or describe_error(error), "red"), (f"  {_location(error)}", "dim"))


def _location(thing: Any) -> str:
    location = location_of(thing)
    return "" if location is None else relative_location(location)
