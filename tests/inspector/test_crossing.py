"""What is seen of a signal that crosses to other processes, and of what has come from one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from heliograph import Signal
from heliograph.inspector import trace
from heliograph.inspector.chrome import chrome_trace
from heliograph.inspector.filters import Only
from heliograph.inspector.perfetto import problems_of
from heliograph.inspector.recorder import Recorder
from heliograph.postponing import Postponed
from tests.cli.children import without_times

pytest.importorskip("msgspec")

from tests.crossing import Side, until, web_and_worker

if TYPE_CHECKING:
    from heliograph.inspector import Trace
    from heliograph.inspector.seen import SeenEmission

HEARD: list[int] = []


def bill(sender: str, *, order: int, **extra: object) -> None:
    """Receive."""
    HEARD.append(order)


def remember(sender: str, *, order: int, **extra: object) -> None:
    """Receive."""
    HEARD.append(order)


def durable(it: Side) -> None:
    """Let a group receive."""
    it.relay.durable(it.signal)
    it.relay.connect(it.signal, bill, group="billing")


def broadcast(it: Side) -> None:
    """Let every process receive."""
    it.relay.broadcast(it.signal)
    it.relay.connect(it.signal, remember, scope="each")


def paid(how: object, *groups: str, calls: int) -> tuple[Trace, str]:
    """Send once, and return what was traced, and what the sending process is called."""
    HEARD.clear()
    with web_and_worker(how, groups) as (web, _), trace("shop", show=False) as traced:  # type: ignore[arg-type]  # One of the above.
        web.signal.send("shop", order=7)
        until(lambda: len(HEARD) == calls)
        until(lambda: len(traced.emissions) == 2)
    return traced, web.relay.origin


def shown(traced: Trace) -> list[str]:
    """Return the lines of a tree, without times and places."""
    text = re.sub(r"  (at )?tests/\S+|  from a str( at \S+)?", "", without_times(traced.tree()))
    return re.sub(r" in heliograph-relay\S+", " in a thread", text).splitlines()


def test_a_send_that_crosses_has_below_it_what_arrived() -> None:
    """Nobody is called where it was sent, and yet it is not unheard."""
    traced, origin = paid(durable, "billing", calls=1)

    assert shown(traced) == [
        "shop  # ms",
        "└── order_paid (order)  relayed",
        f"    └── order_paid (order)  relayed by {origin.rpartition(':')[0]}  in a thread",
        f"        └── {__name__}.bill  # ms",
        "",
    ]


def test_a_broadcast_calls_receivers_here_and_there() -> None:
    """Both are shown below the send."""
    traced, origin = paid(broadcast, calls=2)

    assert shown(traced) == [
        "shop  # ms",
        "└── order_paid (order)  relayed",
        f"    ├── {__name__}.remember  # ms",
        f"    └── order_paid (order)  relayed by {origin.rpartition(':')[0]}  in a thread",
        f"        └── {__name__}.remember  # ms",
        "",
    ]


def ends(traced: Trace) -> tuple[SeenEmission, SeenEmission]:
    """Return what was sent, and what arrived."""
    sent, arrived = sorted(traced.emissions, key=lambda it: it.origin is not None)
    return sent, arrived


def test_both_ends_have_the_id_of_the_envelope() -> None:
    """What arrived was sent at no line of its process."""
    traced, origin = paid(durable, "billing", calls=1)
    sent, arrived = ends(traced)

    assert (sent.origin, arrived.origin) == (None, origin)
    assert sent.envelopes == arrived.envelopes
    assert len(sent.envelopes) == 1
    assert (arrived.location, sent.unheard, arrived.unheard) == (None, None, None)
    assert str(sent.location).startswith("tests/inspector/test_crossing.py")


def test_filters_find_what_arrived() -> None:
    """By its signal and its receiver, as what was sent here."""
    traced, _ = paid(durable, "billing", calls=1)
    sent, arrived = ends(traced)

    for only, found in (
        (Only(signal="order_*"), [sent, arrived]),
        (Only(receiver="bill"), [arrived]),
        (Only(heard=True), [arrived]),
        (Only(failed=True), []),
    ):
        assert [it for it in (sent, arrived) if only.fits(it)] == found


def test_perfetto_is_told_whence_it_came() -> None:
    """An arrow leads there from where it was sent."""
    traced, origin = paid(durable, "billing", calls=1)
    made = chrome_trace([traced.part])

    assert problems_of(made) == []
    emissions = [it["args"] for it in made["traceEvents"] if it.get("cat") == "emission"]
    assert [it.get("relayed by") for it in emissions] == [None, origin]
    assert len({it["envelope"] for it in emissions}) == 1
    assert [it["ph"] for it in made["traceEvents"] if it.get("cat") == "started"] == ["s", "f"]


def test_what_a_broker_hands_over_is_made_harmless() -> None:
    """Anybody may have written an origin: no control reaches a terminal, and none is endless."""
    signal = Signal("order-paid")
    signal.connect(bill)
    [connection] = signal.connections
    hostile = Postponed(
        signal, "shop", {"order": 1}, connection, bill, "shop\x1b[2J@web:1:a", "id\n" * 1000
    )

    with Recorder(signals=[signal]) as recorder:
        hostile.deliver()

    [seen] = recorder.after().seen
    assert getattr(seen, "crossing") == "relayed by shop\ufffd[2J@web:1"  # noqa: B009 - it is no request.
    assert getattr(seen, "envelopes") == (("id\ufffd" * 1000)[:200],)  # noqa: B009 - likewise.
    assert recorder.bytes > 800
