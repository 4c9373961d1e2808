"""What a watcher prints, of values that were made by hand."""

from __future__ import annotations

import re
from dataclasses import replace
from io import StringIO

from rich.console import Console

from heliograph.cli.watched_lines import TextOutput
from heliograph.inspector.seen import Seen, SeenRequest
from tests.cli.children import without_times
from tests.inspector.test_filters import PAID

REQUEST = SeenRequest(
    process="1-a",
    id="r1",
    position=0,
    kind="http",
    method="GET",
    path="/orders",
    route=None,
    status=500,
    started=3600.5,
    duration=0.25,
    aborted=True,
    reason="disconnect",
    error="ValueError: no",
)


def printed(*found: Seen, several: bool = False) -> list[str]:
    """Return the lines of what was seen, without the clock."""
    file = StringIO()
    TextOutput(Console(file=file, width=200)).seen(found, several=several)
    lines = without_times(file.getvalue()).splitlines()
    return [re.sub(r"\d\d:\d\d:\d\d\.\d{3}", "TIME", it) for it in lines]


def test_requests_are_shown_when_they_have_ended() -> None:
    """With their status, and with what went wrong."""
    begun = replace(REQUEST, duration=None)

    assert printed(begun, REQUEST) == ["TIME  GET /orders  500  # ms  disconnect  ValueError: no"]
    assert printed(replace(REQUEST, status=None, reason="complete", error=None)) == [
        "TIME  GET /orders  # ms"
    ]


def test_what_was_sent_by_what_has_not_returned_stands_below() -> None:
    """A task that was left running may send when the send that it began in is over."""
    late = replace(PAID, id=1, parent=0, turn=3, signal="late", deliveries=(), started=1.0)

    assert printed(PAID, late) == [
        "TIME  order-paid  from a Shop  # ms",
        "    shop.orders.pack  # ms",
        "    late  from a Shop  # ms",
    ]


def test_several_processes_are_told_apart() -> None:
    """By their numbers, in the order of time."""
    other = replace(PAID, process="2-b", started=7200.0, deliveries=())

    lines = printed(other, REQUEST, PAID, several=True)
    assert [it.partition(" ")[0] for it in lines] == ["[1]", "[1]", "[1]", "[2]"]


def test_what_arrived_in_another_process_says_whence_and_where() -> None:
    """Below where it was sent, if both are told at once."""
    sent = replace(PAID, deliveries=(), envelopes=("one",))
    arrived = replace(PAID, process="4711-b", origin="shop@web:1:a", envelopes=("one",))

    assert printed(sent, arrived, several=True) == [
        "[1] TIME  order-paid  from a Shop  # ms  relayed",
        "[1]     order-paid  from a Shop  # ms  relayed by shop@web:1  in 4711",
        "[1]         shop.orders.pack  # ms",
    ]
    assert printed(arrived) == [
        "TIME  order-paid  from a Shop  # ms  relayed by shop@web:1",
        "    shop.orders.pack  # ms",
    ]
