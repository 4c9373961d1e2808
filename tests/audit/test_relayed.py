"""Entries of what has come from other processes."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import get_current_span
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from heliograph import Signal
from heliograph.audit import Trail, TrailError
from heliograph.cli.commands import heliograph
from heliograph.postponing import Postponed
from heliograph.transactions.sqlalchemy import install
from tests.crossing import Side, until, web_and_worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from heliograph.audit.reading import Found

ORIGIN = "shop@web-1:4711:66087e94"
SENT = "01a2276e-dec2-75d3-bc83-9d0ca93b7374"


@pytest.fixture
def paid() -> Signal:
    """Give a signal."""
    return Signal("order-paid")


@pytest.fixture
def billed() -> Signal:
    """Give the signal of what is done because of it."""
    return Signal("order-billed")


@pytest.fixture
def trail(tmp_path: Path) -> Iterator[Trail]:
    """Give a trail that is open."""
    with Trail(f"sqlite:///{tmp_path / 'trail.db'}") as trail:
        yield trail


def arrived(signal: Signal, envelope: str | None = SENT, **payload: Any) -> Postponed:
    """Return a delivery to the newest receiver of a signal, as a relay makes it."""
    connection = signal.connections[-1]
    return Postponed(signal, "shop", payload, connection, connection.receiver, ORIGIN, envelope)


def told(trail: Trail) -> list[tuple[str, Any]]:
    """Return the action of each entry, and for whom it was done."""
    several: list[Found] = trail.find(newest_first=False)
    return [(it.header["action"], (it.data or {}).get("relayed")) for it in several]


RELAYED = {"by": ORIGIN, "envelope": SENT}


def test_an_entry_that_cannot_be_written_fails_the_delivery(
    trail: Trail, paid: Signal, tmp_path: Path
) -> None:
    """As it fails a send: the relay tries again, and nothing is left out in silence."""
    trail.record(paid, connect=paid.connect)
    engine = create_engine(f"sqlite:///{tmp_path / 'trail.db'}")
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE audit_entry RENAME TO away"))
    engine.dispose()

    with pytest.raises(TrailError, match="is not in the trail: OperationalError"):
        arrived(paid).deliver()

    assert (trail.health().sent, trail.health().stored, trail.health().failed) == (1, 0, 1)


def test_what_is_done_for_another_process_says_so(
    trail: Trail, paid: Signal, billed: Signal
) -> None:
    """A send inside of the receiver, and no other one."""
    trail.record(billed)

    def bill(sender: str, **extra: Any) -> None:
        billed.send(sender, order=7)

    paid.connect(bill)
    arrived(paid).deliver()
    billed.send("shop", order=8)

    assert told(trail) == [("order-billed", RELAYED), ("order-billed", None)]
    assert trail.find()[1].data == {"payload": {"order": 7}, "relayed": RELAYED}


def test_it_is_committed_with_the_work_that_was_done_for_it(
    tmp_path: Path, paid: Signal, billed: Signal
) -> None:
    """Or not at all: the receiver fails, and is tried again."""
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    trail = Trail(f"sqlite:///{tmp_path / 'shop.db'}", mode="transactional")
    trail.record(billed)
    installation = install(Session)

    def bill(sender: str, *, fails: bool, **extra: Any) -> None:
        with Session(engine) as session, session.begin():
            session.execute(text("INSERT INTO bills VALUES (7)"))
            billed.send(sender)
            if fails:
                raise LookupError

    paid.connect(bill)
    with trail, engine.connect() as connection:
        connection.execute(text("CREATE TABLE bills (number INTEGER)"))
        connection.commit()
        with pytest.raises(LookupError):
            arrived(paid, fails=True).deliver()
        assert told(trail) == []
        arrived(paid, fails=False).deliver()
        assert told(trail) == [("order-billed", RELAYED)]
        assert connection.execute(text("SELECT number FROM bills")).scalars().all() == [7]
    installation.uninstall()
    engine.dispose()


def test_entries_have_the_trace_of_the_send(trail: Trail) -> None:
    """And the spans of the receiver are its children."""
    tracer, spans = TracerProvider().get_tracer(__name__), list[Any]()

    def declare(it: Side) -> None:
        it.relay.durable(it.signal)
        it.relay.connect(it.signal, partial(bill, str(it.signal.name)), group="billing")

    def bill(name: str, sender: str, **extra: Any) -> None:
        with tracer.start_as_current_span("bill") as span:
            spans.append(span)
            billed.send(sender, of=name)

    billed = Signal("order-billed")
    trail.record(billed)
    with web_and_worker(declare, ("billing",)) as (web, _), tracer.start_as_current_span("pay"):
        sent = get_current_span().get_span_context()
        web.signal.send("shop", order=7)
        until(trail.find)

    [span], [entry] = spans, trail.find()
    assert (span.context.trace_id, span.parent.span_id) == (sent.trace_id, sent.span_id)
    assert entry.header["trace_id"] == f"{sent.trace_id:032x}"
    assert (entry.data or {})["relayed"]["by"] == web.relay.origin


def test_one_process_makes_the_entries_of_what_others_send(trail: Trail) -> None:
    """The trail is the receiver of a group; what is sent is entered once, by whom it was sent."""

    def declare(it: Side) -> None:
        it.relay.durable(it.signal)
        trail.record(
            it.signal,
            action="order.pay",
            target=("order", "order"),
            connect=it.relay.connect(it.signal, group="trail"),
        )

    with web_and_worker(declare, ("trail",)) as (web, _):
        for order in (7, 8):
            web.signal.send("shop", order=order)
        until(lambda: len(trail.find()) == 2)

    found = trail.find(newest_first=False)
    assert [(it.header["action"], it.header["target_id"]) for it in found] == [
        ("order.pay", "7"),
        ("order.pay", "8"),
    ]
    assert {(it.data or {})["relayed"]["by"] for it in found} == {web.relay.origin}
    assert len({(it.data or {})["relayed"]["envelope"] for it in found}) == 2


def test_a_second_try_makes_no_second_entry(trail: Trail, paid: Signal) -> None:
    """Nobody can know whether the first one was done; what has no envelope cannot be told apart."""
    trail.record(paid, connect=paid.connect)
    for _ in range(3):
        arrived(paid).deliver()
    arrived(paid, "another one").deliver()
    for _ in range(2):
        arrived(paid, None).deliver()

    ids = [it.header["id"] for it in trail.find(newest_first=False)]
    assert [
        it.data and it.data["relayed"]["envelope"] for it in trail.find(newest_first=False)
    ] == [
        SENT,
        "another one",
        "",
        "",
    ]
    assert ids[0].startswith(SENT[:14])
    assert ids[1].startswith("00000000-0000-7")
    assert len(set(ids)) == 4


def test_a_trail_that_is_not_open_fails_the_delivery(tmp_path: Path, paid: Signal) -> None:
    """So that it is tried again, and nothing is lost."""
    trail = Trail(f"sqlite:///{tmp_path / 'trail.db'}")
    trail.record(paid, connect=paid.connect)

    with pytest.raises(Exception, match="The trail is not open"):
        arrived(paid).deliver()
    with trail:
        arrived(paid).deliver()
        assert told(trail) == [("order-paid", RELAYED)]


def test_an_entry_that_is_kept_in_short_says_it_too(
    trail: Trail, paid: Signal, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever else could not be had."""

    def broken(*_: object) -> str:
        raise LookupError

    trail.record(paid, actor=broken, mode="buffered", connect=paid.connect)
    with caplog.at_level(logging.CRITICAL, "heliograph"):
        arrived(paid).deliver()
    trail.flush()

    assert told(trail) == [("order-paid", RELAYED)]


def test_an_origin_cannot_steer_a_terminal(trail: Trail, paid: Signal) -> None:
    """Whoever writes to the broker may have written it."""
    trail.record(paid, connect=paid.connect)
    [connection] = paid.connections
    hostile = Postponed(
        paid, "shop", {}, connection, connection.receiver, "a\x1b[2J" + "b" * 500, "c\nd"
    )
    hostile.deliver()

    [(_, relayed)] = told(trail)
    assert relayed == {"by": ("a\ufffd[2J" + "b" * 500)[:200], "envelope": "c\ufffdd"}


def test_the_command_shows_it(tmp_path: Path, trail: Trail, paid: Signal) -> None:
    """Among all that an entry tells."""
    trail.record(paid, connect=paid.connect)
    arrived(paid, order=7).deliver()

    shown = CliRunner(env={"COLUMNS": "300"}).invoke(
        heliograph, ["audit", "--url", f"sqlite:///{tmp_path / 'trail.db'}", "show", "1"]
    )

    assert ORIGIN in shown.output
    assert SENT in shown.output
