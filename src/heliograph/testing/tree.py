"""What was sent in a test, as a tree: who received what, and what receivers sent themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heliograph.testing.messages import receiver_name
from heliograph.testing.names import title
from heliograph.testing.shortening import hung, said

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from heliograph import Delivery
    from heliograph.testing.sent import Sent


def tree(everything: Sequence[Sent]) -> str:
    """Return the tree of emissions, one line each, and what became of each delivery."""
    known = {id(sent.emission) for sent in everything}
    roots = [it for it in everything if it.emission and id(it.emission.parent) not in known]
    return "\n".join(line for root in roots for line in _emission(root, everything))


def _emission(sent: Sent, everything: Sequence[Sent]) -> Iterator[str]:
    inside = [it for it in everything if it.emission and it.emission.parent is sent.emission]
    payload = f" ({', '.join(sent.payload)})" if sent.payload else ""
    silence = "" if sent.deliveries else "; muted" if sent.muted else "; received by nobody"
    yield f"{title(sent.signal)}{payload}, sent at {sent.location}{silence}"
    for turn, delivery in enumerate(sent.deliveries):
        yield from hung("  to ", _outcome(delivery)).splitlines()
        yield from _indented([it for it in inside if it.turn == turn], everything)
    # Of receivers that have not returned, or of tasks that they have started.
    yield from _indented([it for it in inside if it.turn >= len(sent.deliveries)], everything)


def _indented(several: Sequence[Sent], everything: Sequence[Sent]) -> Iterator[str]:
    for sent in several:
        for line in _emission(sent, everything):
            yield f"    {line}"


def _outcome(delivery: Delivery) -> str:
    name = receiver_name(delivery.receiver, delivery.connection)
    if delivery.error is None:
        return name
    logged = delivery.connection is not None and delivery.connection.on_error == "log"
    fate = "logged" if logged else "raised"
    return f"{name}, which {fate} {said(delivery.error)}"
