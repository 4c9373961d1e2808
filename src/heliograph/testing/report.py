"""The report of a failing test: what it sent, as a tree of emissions and receivers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heliograph.describe import describe_outcome, emission_tree, name_of
from heliograph.testing.formatting import label
from heliograph.testing.sent import sent_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from heliograph import Delivery
    from heliograph.describe import EmissionNode
    from heliograph.testing.sent import Sent


def report(everything: Sequence[Sent]) -> str:
    """Return the emissions as a tree, one line each, with the outcome of each delivery."""
    sent = {id(it.emission): it for it in everything if it.emission is not None}
    roots = emission_tree(it.emission for it in everything if it.emission is not None)
    return "\n".join(line for node in roots for line in _lines(node, sent))


def _lines(node: EmissionNode, sent: Mapping[int, Sent]) -> Iterator[str]:
    it = sent[id(node.emission)]
    payload = f" ({', '.join(it.payload)})" if it.payload else ""
    silence = "" if it.deliveries else "; muted" if it.muted else "; received by nobody"
    yield f"{label(it.signal)}{payload}, sent at {sent_at(it)}{silence}"
    for delivery, inside in node.deliveries():
        yield f"  to {_received(delivery)}"
        yield from _indented(inside, sent)
    yield from _indented(node.unfinished(), sent)


def _indented(nodes: Sequence[EmissionNode], sent: Mapping[int, Sent]) -> Iterator[str]:
    for node in nodes:
        for line in _lines(node, sent):
            yield f"    {line}"


def _received(delivery: Delivery) -> str:
    name = name_of(delivery.receiver)
    return name if delivery.error is None else f"{name}, which {describe_outcome(delivery)}"
