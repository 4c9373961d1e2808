"""Shows a traced request as a tree of signals, receivers and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text
from rich.tree import Tree

from heliograph.cli.places import name_of, said, shortened, where_defined, where_raised

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from heliograph import Delivery, Emission
    from heliograph.cli.trace import Sent, Traced


def show(traced: Traced, console: Console) -> None:
    """Print a request and its tree of signals."""
    tree = Tree(_title(traced), guide_style="dim")
    for sent in traced.sent:
        _add(tree, sent)
    console.print(tree)
    console.print()


def _title(traced: Traced) -> Text:
    request, answer = traced.request, traced.answer
    return Text.assemble(
        (f"{request.method} {request.path}", "bold"),
        "".join(f" {word}" for word in request.written()),
        (f"  {answer.status}", "bold red" if answer.failed else "bold green"),
        f" to {answer.location}" if answer.location else "",
        (f"  {where_raised(answer.error)}" if answer.error else "", "dim"),
        (f"  {_milliseconds(traced.duration)}", "dim"),
    )


def _add(tree: Tree, sent: Sent) -> None:
    emission = sent.emission
    silence = "" if emission.muted or emission.deliveries or sent.inside else _why(emission)
    line = Text.assemble(
        (str(getattr(emission.signal, "name", None) or "a signal without a name"), "cyan"),
        (f" ({', '.join(emission.payload)})" if emission.payload else "", "dim"),
        ("  muted" if emission.muted else "", "yellow"),
        (silence, "dim"),
    )
    errors = [it for it in emission.payload.values() if isinstance(it, BaseException)]
    branch = tree.add(Group(line, *map(_error, errors)))
    declared = emission.signal.declaration is not None
    leaves = [branch.add(_delivery(it, declared=declared)) for it in emission.deliveries]
    # The branch itself for a receiver that left by SystemExit, and for what it started and
    # did not wait for.
    for number, leaf in enumerate((*leaves, branch)):
        for inner in sent.inside.get(number, ()):
            _add(leaf, inner)


def _why(emission: Emission) -> str:
    """Tell why nobody received an emission."""
    if emission.signal.connections:
        return "  nobody connected for this sender"
    # The usual mistake: a function inside of a function, connected weakly.
    gone = [f"{dead.name} of {shortened(dead.location)}" for dead in emission.signal.dead_receivers]
    return f"  nobody connected any more; gone: {', '.join(gone)}" if gone else "  nobody connected"


def _delivery(delivery: Delivery, *, declared: bool) -> RenderableType:
    connection = delivery.connection
    # It breaks when the declaration grows by an argument that has to be sent.
    narrow = declared and connection is not None and not connection.takes_extra
    line = Text.assemble(
        name_of(delivery.receiver),
        ("  without **extra" if narrow else "", "yellow"),
        (f"  {where_defined(delivery.receiver)}", "dim"),
        f"  {_milliseconds(delivery.duration)}",
    )
    if delivery.error is None:
        return line
    logged = connection is not None and connection.on_error == "log"
    return Group(line, _error(delivery.error, "logged: " if logged else "raised: "))


def _error(error: BaseException, fate: str = "") -> Text:
    return Text.assemble((f"{fate}{said(error)}", "red"), (f"  {where_raised(error)}", "dim"))


def _milliseconds(seconds: float) -> str:
    # Most receivers take microseconds: two digits would show them as nothing.
    milliseconds = seconds * 1000
    return f"{milliseconds:.2f} ms" if milliseconds >= 1 else f"{milliseconds:.3f} ms"
