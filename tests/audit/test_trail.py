"""A trail: what is recorded, in which mode, and what stands against it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from heliograph import ArgumentError, Namespace, Signal, StateError
from heliograph.audit import Limits, Trail, TrailError, Who
from heliograph.audit.formats import as_cloud_event
from heliograph.audit.schema import STEPS
from heliograph.lifecycle import app_stopping, job, wsgi
from heliograph.transactions import NoTransactionError, SwallowedError
from heliograph.transactions.sqlalchemy import install
from tests.audit.locking import let_wait, locked

if TYPE_CHECKING:
    from collections.abc import Iterator

shop = Namespace("shop")


@shop.declare
def order_paid(
    sender: str, *, order: int, total: float, user: str | None = None, card: str = ""
) -> None:
    """An order was paid."""


@pytest.fixture
def trail(url: str) -> Iterator[Trail]:
    """Give an open trail."""
    with Trail(url, service="shop", actor="user") as made:
        yield made


def told(trail: Trail, *names: str) -> list[Any]:
    """Return some fields of all entries, in order."""
    found = trail.find(newest_first=False, limit=1000)
    return [tuple(it.header[name] for name in names) for it in found]


def test_a_send_becomes_an_entry(trail: Trail) -> None:
    """Who, what, on what, and the chosen part of the payload, with secrets hidden."""
    trail.record(order_paid, action="order.pay", target=("order", "order"), data=("total", "card"),
                 redact=["card"])  # fmt: skip
    order_paid.send("shop", order=7, total=1.5, user="ada", card="4111")

    [found] = trail.find()
    header = found.header
    source, pid = header.pop("source"), header.pop("pid")
    for name in ("id", "occurred_at", "recorded_at", "host"):
        assert header.pop(name)
    assert (Path(source.rpartition(":")[0]).name, pid) == ("test_trail.py", os.getpid())
    assert {name: it for name, it in header.items() if it is not None} == {
        "signal": "order_paid",
        "action": "order.pay",
        "outcome": "success",
        "actor_id": "ada",
        "target_type": "order",
        "target_id": "7",
        "service": "shop",
        "notes": "card: redacted",
    }
    assert found.data == {"payload": {"total": "1.5", "card": "[redacted]"}}
    assert (found.seq, found.seal) == (found.as_dict()["seq"], None)


def test_functions_say_who_and_what(trail: Trail) -> None:
    """They are called with the sender and the payload; a label can be erased, an id cannot."""
    moved = Signal("moved")

    class Account:
        """Something with an id."""

        id = 12

    trail.record(
        moved,
        actor=lambda sender, payload: Who(payload["by"], "user", "Ada Lovelace"),
        on_behalf_of="account",
        target=lambda sender, payload: Who(sender, "warehouse"),
        outcome=lambda sender, payload: "denied" if payload["locked"] else "success",
        reason=lambda sender, payload: "the door\nis locked" if payload["locked"] else None,
        tenant="tenant",
        data=(),
    )
    moved.send("north", by=3, account=Account(), locked=True, tenant="acme")
    moved.send("north", by=[3], account=None, locked=False)

    assert told(trail, "actor_type", "actor_id", "on_behalf_of", "target_id", "outcome", "reason",
                "tenant", "action") == [
        ("user", "3", "12", "north", "denied", "the door\ufffdis locked", "acme", "moved"),
        ("user", "[3]", None, "north", "success", None, None, "moved"),
    ]  # fmt: skip
    assert trail.find()[0].data == {"payload": {}, "labels": {"actor": "Ada Lovelace"}}


def test_a_payload_of_many_letters_is_kept_if_they_are_few_bytes(trail: Trail) -> None:
    """Only what is left out is noted."""
    several = Signal("several")
    trail.record(several)
    several.send("shop", one="x" * 7_000, two="y" * 7_000)
    several.send("shop", **{f"n{at}": "x" * 7_000 for at in range(10)})

    large, small = trail.find()
    assert (large.data, large.header["notes"]) == (
        {"payload": {}}, "payload: left out, 70093 bytes",
    )  # fmt: skip
    assert small.data == {"payload": {"one": "x" * 7_000, "two": "y" * 7_000}}


def test_a_batch_may_have_any_number_of_entries(url: str) -> None:
    """They go to SQLite in steps of thirty."""
    numbered = Signal("numbered")
    for several in (29, 30, 61):
        with Trail(url, mode="buffered", limits=Limits(batch=several, seconds=60)) as trail:
            trail.record(numbered, action=f"of {several}", target="n")
            for n in range(several):
                numbered.send("shop", n=n)
            assert trail.flush()
            found = trail.find(action=f"of {several}", newest_first=False, limit=100)
            assert [it.header["target_id"] for it in found] == [str(n) for n in range(several)]


def test_what_is_more_than_a_batch_is_written_in_several(url: str) -> None:
    """While nobody can write, it waits."""
    limits = Limits(batch=2, seconds=0.01)
    with Trail(url, mode="buffered", limits=limits) as trail:
        trail.record(order_paid)
        let_wait(trail._store)
        with locked(url):
            order_paid.send("shop", order=0, total=1)
            while trail.health().waiting:
                time.sleep(0.005)
            for n in range(5):
                order_paid.send("shop", order=n, total=1)
        assert trail.flush(30)

        # Entries of one batch are written at one moment.
        moments = [it.header["recorded_at"] for it in trail.find(newest_first=False)]
    assert [len([*several]) for _, several in groupby(moments)] == [1, 2, 2, 1]


def test_an_outcome_that_does_not_exist_is_unknown(trail: Trail) -> None:
    """A function may return anything; the entry is kept."""
    trail.record(order_paid, outcome=lambda sender, payload: "splendid")
    order_paid.send("shop", order=7, total=1.5)

    assert told(trail, "outcome") == [("unknown",)]


def test_the_job_and_its_request_are_filled_in(trail: Trail) -> None:
    """As the life cycle knows them."""
    trail.record(order_paid)

    @job
    def charge() -> None:
        order_paid.send("shop", order=7, total=1.5)

    charge()

    [(name, request)] = told(trail, "job", "request_id")
    assert name.endswith("charge")
    assert request is None


def test_the_request_and_the_trace_are_filled_in(trail: Trail) -> None:
    """The request is the life cycle's, the trace is OpenTelemetry's, if the program has it."""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    trail.record(order_paid)

    def app(environ: Any, start_response: Any) -> list[bytes]:
        order_paid.send("shop", order=7, total=1.5)
        start_response("200 OK", [])
        return [b""]

    environ = {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/orders", "HTTP_X_REQUEST_ID": "r-1",
        "wsgi.url_scheme": "http",
    }  # fmt: skip
    with TracerProvider().get_tracer("test").start_as_current_span("work") as span:
        body = wsgi.Middleware(app)(environ, lambda status, headers, exc_info=None: len)
        assert list(body) == [b""]
        body.close()  # type: ignore[attr-defined]  # The middleware's own.
        context = span.get_span_context()
    order_paid.send("shop", order=8, total=1.5)

    assert told(trail, "request_id", "method", "route", "trace_id", "span_id") == [
        ("r-1", "POST", None, f"{context.trace_id:032x}", f"{context.span_id:016x}"),
        (None, None, None, None, None),
    ]
    [found] = trail.timeline("r-1")
    assert as_cloud_event(found)["traceparent"] == (
        f"00-{context.trace_id:032x}-{context.span_id:016x}-01"
    )
    assert trace.get_current_span() is not span


def test_a_large_payload_is_left_out_and_noted(trail: Trail) -> None:
    """An entry is bounded, whatever was sent."""
    paid = Signal("paid")
    trail.record(paid)
    paid.send("shop", many=["x" * 9000] * 9)

    [found] = trail.find()
    assert found.data == {"payload": {}}
    assert re.fullmatch(r"payload: left out, 81\d\d\d bytes", found.header["notes"])


def test_only_what_one_sender_sends_is_recorded(trail: Trail) -> None:
    """If the declaration says so."""
    trail.record(order_paid, sender="kiosk")
    order_paid.send("shop", order=1, total=1.5)
    order_paid.send("kiosk", order=2, total=1.5)

    assert [it.data for it in trail.find()] == [{"payload": {"order": 2, "total": "1.5"}}]


def test_nothing_is_recorded_before_the_start_and_after_the_stop(url: str) -> None:
    """An import opens nothing."""
    trail = Trail(url)
    trail.record(order_paid)
    order_paid.send("shop", order=1, total=1.5)
    with trail:
        trail.start()
        order_paid.send("shop", order=2, total=1.5)
        assert len(trail.find()) == 1
    assert trail.stop()
    order_paid.send("shop", order=3, total=1.5)
    with pytest.raises(TrailError, match=r"The trail is not open: call start\(\), or use it in"):
        trail.find()
    with trail:
        assert len(trail.find()) == 1


async def test_it_is_an_async_context_manager(url: str) -> None:
    """As every wing's main object."""
    async with Trail(url) as trail:
        trail.record(order_paid)
        await order_paid.send_async("shop", order=1, total=1.5)

        assert trail.health().stored == 1


# --- durable -------------------------------------------------------------------------------


def test_a_durable_entry_is_there_when_send_returns(trail: Trail, url: str) -> None:
    """On a connection of its own: another one sees it."""
    trail.record(order_paid)
    order_paid.send("shop", order=1, total=1.5)

    other = create_engine(url)
    with other.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM audit_entry")).scalar() == 1
    other.dispose()
    assert trail.health().stored == 1


def test_a_durable_entry_survives_a_rollback(trail: Trail, tmp_path: Path) -> None:
    """An attempt is recorded though what it tried is undone."""
    trail.record(order_paid)
    business = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    with install(), pytest.raises(ZeroDivisionError), Session(business) as session, session.begin():
        session.execute(text("SELECT 1"))
        order_paid.send("shop", order=1, total=1.5)
        _ = 1 / 0
    business.dispose()

    assert len(trail.find()) == 1


def test_a_durable_entry_fails_the_send_if_it_cannot_be_written(trail: Trail) -> None:
    """The message names the signal; later sends work again."""
    trail.record(order_paid)
    break_table(trail)
    with pytest.raises(TrailError, match=r"entry of signal 'order_paid' is not in the trail: "):
        order_paid.send("shop", order=1, total=1.5)
    mend_table(trail)
    order_paid.send("shop", order=2, total=1.5)

    health = trail.health()
    assert (health.sent, health.stored, health.failed) == (2, 1, 1)


def test_a_durable_entry_can_be_spooled_instead(url: str, tmp_path: Path) -> None:
    """It is on the disk before `send` returns."""
    spool = tmp_path / "spool"
    with Trail(url, on_failure="spool", spool=str(spool)) as trail:
        trail.record(order_paid)
        break_table(trail)
        order_paid.send("shop", order=1, total=1.5)

        assert trail.health().spooled == 1
        assert b'"order_paid"' in spool.read_bytes()
        spool.unlink()
        spool.mkdir()
        with pytest.raises(TrailError, match=r"neither in the trail .* nor in its spool \(IsADir"):
            order_paid.send("shop", order=2, total=1.5)


def test_durable_entries_in_the_file_of_a_transaction_are_refused(tmp_path: Path) -> None:
    """They would wait for it for ever."""
    file = tmp_path / "shop.db"
    business = create_engine(f"sqlite:///{file}")
    with Trail(f"sqlite:///{file}") as trail, install(), Session(business) as session:
        trail.record(order_paid)
        session.execute(text("SELECT 1"))
        with pytest.raises(StateError, match=r"which is also the file of the trail"):
            order_paid.send("shop", order=1, total=1.5)
    business.dispose()


def break_table(trail: Trail) -> None:
    """Let nobody write."""
    with trail._store.engine.begin() as connection:
        connection.execute(text("ALTER TABLE audit_entry RENAME TO audit_away"))


def mend_table(trail: Trail) -> None:
    """Let everybody write again."""
    with trail._store.engine.begin() as connection:
        connection.execute(text("ALTER TABLE audit_away RENAME TO audit_entry"))


# --- transactional -------------------------------------------------------------------------


@pytest.fixture
def business(url: str) -> Iterator[Engine]:
    """Give the database of the program, which is that of the trail."""
    made = create_engine(url)
    if made.dialect.name == "sqlite":

        @event.listens_for(made, "connect")
        def _connect(connection: Any, _: object) -> None:
            connection.isolation_level = None

        @event.listens_for(made, "begin")
        def _begin(connection: Any) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    with made.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS orders"))
        connection.execute(text("CREATE TABLE orders (n INTEGER PRIMARY KEY)"))
    yield made
    made.dispose()


def orders(engine: Engine) -> list[int]:
    """Return the business rows."""
    with engine.connect() as connection:
        return [*connection.scalars(text("SELECT n FROM orders ORDER BY n"))]


def pay(session: Session, n: int) -> None:
    """Store a row, and send it."""
    session.execute(text("INSERT INTO orders VALUES (:n)"), {"n": n})
    order_paid.send("shop", order=n, total=1.5)


def test_a_transactional_entry_is_committed_with_the_row(trail: Trail, business: Engine) -> None:
    """Or undone with it, savepoint by savepoint."""
    trail.record(order_paid, mode="transactional", target="order")
    with install(), Session(business) as session:
        pay(session, 1)
        with session.begin_nested():
            pay(session, 2)
        lost = session.begin_nested()
        pay(session, 3)
        lost.rollback()
        session.commit()
        pay(session, 4)
        session.rollback()

    assert orders(business) == [1, 2]
    assert told(trail, "target_id") == [("1",), ("2",)]


@pytest.mark.parametrize("driver", ["aiosqlite", "asyncpg", "psycopg"])
async def test_async_sessions_commit_the_entries(
    driver: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """By their own driver, each of which has signs of its own for values."""
    if driver == "aiosqlite":
        url = f"sqlite:///{tmp_path / 'trail.db'}"
    else:
        url = request.getfixturevalue("postgres_url")
    place = make_url(url)
    engine = create_async_engine(place.set(drivername=f"{place.get_backend_name()}+{driver}"))
    with Trail(url, mode="transactional") as trail, install():
        trail.record(order_paid)
        for ending in ("rollback", "commit"):
            async with AsyncSession(engine) as session:
                await session.execute(text("SELECT 1"))
                order_paid.send("shop", order=1, total=1.5, user=ending)
                order_paid.send("shop", order=2, total=1.5, user=ending)
                await getattr(session, ending)()
        found = [it.data for it in trail.find(newest_first=False)]
    await engine.dispose()

    assert [it and it["payload"]["order"] for it in found] == [1, 2]
    assert {it and it["payload"]["user"] for it in found} == {"commit"}


def test_without_a_transaction_a_transactional_entry_is_refused(trail: Trail) -> None:
    """It could be committed with nothing."""
    trail.record(order_paid, mode="transactional")
    with install(), pytest.raises(NoTransactionError, match=r"must be committed with one"):
        order_paid.send("shop", order=1, total=1.5)

    assert trail.find() == []


def test_a_transaction_whose_entry_cannot_be_written_is_not_committed(
    trail: Trail, business: Engine
) -> None:
    """It fails closed, at a place where nobody swallows the error."""
    trail.record(order_paid, mode="transactional")
    with install(), Session(business) as session:
        pay(session, 1)
        break_table(trail) if business.dialect.name == "postgresql" else session.execute(
            text("ALTER TABLE audit_entry RENAME TO audit_away")
        )
        with pytest.raises(TrailError, match=r"cannot be written, so it is not committed: "):
            session.commit()
        session.rollback()

    assert orders(business) == []
    if business.dialect.name == "postgresql":
        mend_table(trail)
    assert trail.find() == []


def test_a_transaction_without_its_entry_is_not_committed_by_trying_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the error was swallowed, and though SQLite has undone all of it by itself."""
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    engine = create_engine(url)
    with Trail(url), engine.begin() as connection:
        connection.execute(text("CREATE TABLE orders (n INTEGER PRIMARY KEY)"))
    noted = Signal("noted")
    with Trail(url, mode="transactional") as trail, install(), Session(engine) as session:
        trail.record(noted)
        trail.record(order_paid)
        pages = session.execute(text("PRAGMA page_count")).scalar_one()
        session.execute(text(f"PRAGMA max_page_count = {pages}"))
        pay(session, 1)
        noted.send("shop", note="x" * 9_000)
        with suppress(TrailError):
            session.commit()
        with suppress(PendingRollbackError):
            session.execute(text("INSERT INTO orders VALUES (2)"))
        with pytest.raises((PendingRollbackError, SwallowedError)):
            session.commit()
        session.rollback()
        assert (orders(engine), trail.find()) == ([], [])

        monkeypatch.setattr(trail._store, "insert", refuse)
        pay(session, 3)
        with suppress(TrailError):
            session.commit()
        with pytest.raises(SwallowedError, match="the rest is not committed alone"):
            session.commit()
        session.rollback()
        assert (orders(engine), trail.find()) == ([], [])
    engine.dispose()


def refuse(*_: object) -> None:
    """Fail as a database does that the program can go on with."""
    statement = "INSERT"
    raise DBAPIError(statement, None, RuntimeError("no"))


def test_djangos_transaction_commits_the_entry(trail: Trail, url: str) -> None:
    """With the row, or not at all; one that cannot be written undoes the row."""
    from django.db import connections, transaction

    from heliograph.transactions.django import install as install_for_django
    from tests.transactions.test_django import close_database, of_postgres, open_database

    trail.record(order_paid, mode="transactional", target="order")
    if url.startswith("sqlite"):
        open_database(
            "shop", ENGINE="django.db.backends.sqlite3", NAME=url.removeprefix("sqlite:///")
        )
    else:
        open_database("shop", **of_postgres(int(url.partition("127.0.0.1:")[2].partition("/")[0])))
    cursor = connections["shop"].cursor()
    cursor.execute("DROP TABLE IF EXISTS orders")
    cursor.execute("CREATE TABLE orders (n INTEGER PRIMARY KEY)")

    def pay(n: int) -> None:
        cursor.execute("INSERT INTO orders VALUES (%s)", [n])
        order_paid.send("shop", order=n, total=1.5)

    with install_for_django():
        with transaction.atomic("shop"):
            pay(1)
        with suppress(ZeroDivisionError), transaction.atomic("shop"):
            pay(2)
            _ = 1 / 0
        assert told(trail, "target_id") == [("1",)]
        break_table(trail)
        with (
            pytest.raises(TrailError, match="so it is not committed"),
            transaction.atomic("shop"),
        ):
            pay(3)
        mend_table(trail)
    cursor.execute("SELECT n FROM orders ORDER BY n")

    assert cursor.fetchall() == [(1,)]
    assert told(trail, "target_id") == [("1",)]
    close_database("shop")


def test_durable_entries_in_the_file_of_djangos_block_are_refused(tmp_path: Path) -> None:
    """They would wait for it for ever."""
    from django.db import transaction

    from heliograph.transactions.django import install as install_for_django
    from tests.transactions.test_django import close_database, open_database

    file = str(tmp_path / "shop.db")
    open_database("shop", ENGINE="django.db.backends.sqlite3", NAME=file)
    with Trail(f"sqlite:///{file}") as trail, install_for_django(), transaction.atomic("shop"):
        trail.record(order_paid)
        with pytest.raises(StateError, match=r"which is also the file of the trail"):
            order_paid.send("shop", order=1, total=1.5)
    close_database("shop")


def test_a_trail_in_memory_is_for_trying_out() -> None:
    """It is gone when it is closed."""
    with Trail("sqlite://") as trail:
        trail.record(order_paid)
        order_paid.send("shop", order=1, total=1.5)

        assert len(trail.find()) == 1


def test_trails_that_are_closed_do_not_mind_a_fork(url: str) -> None:
    """There is nothing to let go of."""
    trail = Trail(url)
    child = os.fork()
    if child == 0:
        os._exit(0 if not trail.health().running else 1)

    assert os.waitpid(child, 0)[1] == 0


# --- buffered ------------------------------------------------------------------------------


def test_buffered_entries_are_written_in_batches(trail: Trail) -> None:
    """`flush` waits for them."""
    trail.record(order_paid, mode="buffered")
    for n in range(450):
        order_paid.send("shop", order=n, total=1.5)

    assert trail.flush()
    health = trail.health()
    assert (health.sent, health.stored, health.waiting, health.lost) == (450, 450, 0, 0)


def test_a_payload_without_an_encoding_is_kept_in_short(
    trail: Trail, caplog: pytest.LogCaptureFixture
) -> None:
    """No request fails for its entry; the entry tells that it is short."""
    paid = Signal("paid")
    trail.record(paid, mode="buffered", target=lambda sender, payload: payload["missing"])
    paid.send("shop", both={1: "a", "1": "b"})
    paid.send("shop")
    trail.flush()

    assert told(trail, "outcome", "notes") == [("unknown", "left out: KeyError")] * 2
    assert "An entry of 'paid' is kept in short." in caplog.text


def test_a_full_queue_loses_and_tells(url: str) -> None:
    """What was sent is stored or in a counted gap, and the trail has the gap as an entry."""
    limits = Limits(queue=5, batch=5, seconds=0.01, block=0.0)
    with Trail(url, limits=limits) as trail:
        trail.record(order_paid, mode="buffered")
        for n in range(2000):
            order_paid.send("shop", order=n, total=1.5)
        trail.flush()
        order_paid.send("shop", order=0, total=1.5)
        trail.flush()

        health = trail.health()
        assert health.lost > 0
        assert health.sent == health.stored + health.lost == 2001
        gaps = [it.data["payload"]["lost"] for it in trail.find(action="trail.gap", limit=10_000)
                if it.data]  # fmt: skip
        assert sum(gaps) == health.lost


def test_what_cannot_be_written_is_spooled_and_replayed(url: str, tmp_path: Path) -> None:
    """Once each, though the spool is read a second time."""
    spool = tmp_path / "spool"
    with Trail(url, spool=str(spool), limits=Limits(seconds=0.01)) as trail:
        trail.record(order_paid, mode="buffered")
        break_table(trail)
        order_paid.send("shop", order=1, total=1.5)
        trail.flush()
        assert trail.health().spooled == 1
        kept = spool.read_bytes()
        mend_table(trail)
        order_paid.send("shop", order=2, total=1.5)
        trail.flush()
        assert not spool.exists()
        spool.write_bytes(kept + b'{"id": "half of a li')
        order_paid.send("shop", order=3, total=1.5)
        trail.flush()

        numbers = [it.data["payload"].get("order") for it in trail.find(newest_first=False)
                   if it.data and it.header["action"] != "trail.gap"]  # fmt: skip
        assert sorted(numbers) == [1, 2, 3]
        assert [it.data for it in trail.find(action="trail.gap")] == [{"payload": {"lost": 1}}]
        assert Path(f"{spool}.broken").read_bytes() == b'{"id": "half of a li\n'


def test_what_a_durable_send_has_spooled_is_written_by_the_next(url: str, tmp_path: Path) -> None:
    """In the order of sending, and what cannot be written still fails no send."""
    spool = tmp_path / "spool"
    with Trail(url, spool=str(spool), on_failure="spool") as trail:
        trail.record(order_paid)
        break_table(trail)
        order_paid.send("shop", order=1, total=1.5)
        assert (trail.health().spooled, trail.health().stored) == (1, 0)
        mend_table(trail)
        order_paid.send("shop", order=2, total=1.5)

        assert not spool.exists()
        assert (trail.health().spooled, trail.health().stored) == (0, 2)
        assert len(trail.find()) == 2


def test_what_an_earlier_process_has_spooled_is_written_at_the_start(
    url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Once it can be; until then it waits, and the trail is open all the same."""
    spool = tmp_path / "spool"
    with Trail(url, spool=str(spool), on_failure="spool") as trail:
        trail.record(order_paid)
        break_table(trail)
        order_paid.send("shop", order=1, total=1.5)
        again = Trail(url, spool=str(spool), create=False).start()
        again.stop()
        kept = spool.read_bytes()
        mend_table(trail)

    for _ in range(2):
        with Trail(url, spool=str(spool)) as trail:
            assert not spool.exists()
            assert told(trail, "action") == [("order_paid",)]
        spool.write_bytes(kept)
    assert "What waits in the spool of the trail cannot be written." in caplog.text


def test_what_was_lost_last_is_entered_at_the_end(postgres_url: str) -> None:
    """No other batch comes that could tell of it."""
    url = postgres_url
    with Trail(url, limits=Limits(seconds=0.01)) as trail:
        trail.record(order_paid, mode="buffered", action="lost at the end")
        break_table(trail)
        order_paid.send("shop", order=1, total=1.5)
        trail.flush()
        mend_table(trail)
        before = len(trail.find(action="trail.gap", limit=1000))

    with Trail(url) as trail:
        found = trail.find(action="trail.gap", limit=1000)
        assert len(found) == before + 1
        assert found[0].data == {"payload": {"lost": 1}}


def test_without_a_spool_a_gap_is_counted(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """And entered as soon as the trail can be written."""
    url = postgres_url
    with Trail(url, limits=Limits(seconds=0.01)) as trail:
        trail.record(order_paid, mode="buffered", action="without a spool")
        break_table(trail)
        order_paid.send("shop", order=1, total=1.5)
        trail.flush()
        assert trail.health().lost == 1
        mend_table(trail)
        order_paid.send("shop", order=2, total=1.5)
        trail.flush()

        assert len(trail.find(action="without a spool")) == 1
        assert trail.find(action="trail.gap")[0].data == {"payload": {"lost": 1}}
    assert "1 entries of the trail are lost." in caplog.text


def test_the_end_of_an_application_writes_what_waits(trail: Trail) -> None:
    """Whatever the server does afterwards."""
    trail.record(order_paid, mode="buffered")
    order_paid.send("shop", order=1, total=1.5)
    app_stopping.send("app")

    assert trail.health().stored == 1


def test_a_child_has_a_queue_of_its_own(trail: Trail) -> None:
    """It writes what it has sent, and nothing of its parent's."""
    trail.record(order_paid, mode="buffered")
    order_paid.send("shop", order=1, total=1.5)
    trail.flush()
    child = os.fork()
    if child == 0:
        order_paid.send("shop", order=2, total=1.5)
        written = trail.flush() and trail.health().stored == 1
        os._exit(0 if written else 1)
    assert os.waitpid(child, 0)[1] == 0

    assert len(trail.find()) == 2


# --- bad input -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"url": "trail.db"}, "'trail.db' is no place for a trail. Pass a URL as SQLAlchemy"),
        ({"url": 3}, "3 is no place for a trail."),
        (
            {"url": "mysql://host/db"},
            "A trail is kept in SQLite or PostgreSQL, and not in 'mysql'.",
        ),
        ({"url": "postgresql+dove://host/db"}, "SQLAlchemy has no driver 'postgresql+dove'"),
        ({"url": "sqlite+aiosqlite:///trail.db"}, "'sqlite+aiosqlite' is an async driver, and a"),
        ({"anchors": ["/nowhere/at/all"]}, "Anchors cannot be written to '/nowhere/at/all': No "),
        ({"key": "abc"}, "key=str is no key: pass heliograph.audit.Key(id, secret)."),
        ({"mode": "sure"}, "mode='sure' is not a choice. Use 'transactional', 'durable', "),
        ({"on_failure": "cry"}, "on_failure='cry' is not a choice. Use 'raise', 'spool'."),
        (
            {"url": "postgresql+psycopg://host/db", "on_failure": "spool"},
            "on_failure='spool' needs spool='…', the path of a file: PostgreSQL has none.",
        ),
    ],
    ids=["text", "number", "mysql", "driver", "async", "anchor", "key", "mode", "failure", "spool"],
)
def test_a_trail_that_cannot_be_is_refused(arguments: dict[str, Any], message: str) -> None:
    """Before anything is opened."""
    with pytest.raises(ArgumentError, match=re.escape(message)):
        Trail(**{"url": "sqlite:///trail.db", **arguments})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": ("totl",)}, "The payload of signal 'order_paid' has no 'totl'. It has order, "),
        ({"target": ("order", "number")}, "The payload of signal 'order_paid' has no 'number'."),
        ({"outcome": "good"}, "outcome='good' of signal 'order_paid' is none. Use 'success', "),
        ({"mode": "sure"}, "mode='sure' is not a choice."),
        (
            {"target": ("a", "b", "c")},
            "target=('a', 'b', 'c') of signal 'order_paid' is no target.",
        ),
    ],
    ids=["data", "target", "outcome", "mode", "triple"],
)
def test_a_declaration_that_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    """Names of a declared payload are checked there and then."""
    with pytest.raises(ArgumentError, match=re.escape(message)):
        Trail("sqlite:///trail.db").record(order_paid, **options)


def test_what_is_not_a_signal_is_refused() -> None:
    """The name of one, for instance."""
    given: Any = "order-paid"

    with pytest.raises(ArgumentError, match="'order-paid' is not a signal: pass the signal itself"):
        Trail("sqlite:///trail.db").record(given)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """When it is opened, and with what to look for."""
    (tmp_path / "trail.db").mkdir()
    with pytest.raises(TrailError, match=r"trail.db cannot be opened: .*unable to open database"):
        Trail(f"sqlite:///{tmp_path / 'trail.db'}").start()


def test_a_trail_of_the_future_is_refused(url: str) -> None:
    """This version would write what that one cannot read."""
    Trail(url).start().stop()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE audit_schema SET version = 99"))
    engine.dispose()

    with pytest.raises(TrailError, match=r"newer Heliograph \(schema 99, and this one knows 1\)"):
        Trail(url).start()


def test_a_trail_of_the_past_is_upgraded_step_by_step(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By whoever asks for it, and once, with what is in it; until then it is refused."""
    with Trail(url) as trail:
        trail.record(order_paid)
        order_paid.send("shop", order=1, total=1.5)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP INDEX audit_entry_request"))
        connection.execute(text("UPDATE audit_schema SET version = -1"))
    done = []

    def to_zero(connection: Connection) -> None:
        done.append(-1)

    def to_one(connection: Connection) -> None:
        connection.execute(text("CREATE INDEX audit_entry_request ON audit_entry (request_id)"))
        done.append(0)

    monkeypatch.setitem(STEPS, -1, to_zero)
    monkeypatch.setitem(STEPS, 0, to_one)
    with pytest.raises(TrailError, match=r"older Heliograph \(schema -1, .*audit upgrade"):
        Trail(url).start()

    assert [Trail(url).upgrade() for _ in range(2)] == [-1, 1]
    assert done == [-1, 0]
    assert "audit_entry_request" in [
        it["name"] for it in inspect(engine).get_indexes("audit_entry")
    ]
    engine.dispose()
    with Trail(url) as trail:
        assert told(trail, "action") == [("order_paid",)]


def test_an_upgrade_makes_what_is_missing_and_refuses_the_future(url: str) -> None:
    """As opening a trail does."""
    assert [Trail(url).upgrade() for _ in range(2)] == [0, 1]
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE audit_schema SET version = 99"))
    engine.dispose()

    with pytest.raises(TrailError, match=r"newer Heliograph"):
        Trail(url).upgrade()


ENDING = """
import os, signal, sys, time
from heliograph import Signal
from heliograph.audit import Limits, Trail

before = sys.argv[2]
if before == "handled":
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(7))
elif before == "ignored":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
paid = Signal("paid")
trail = Trail(sys.argv[1], mode="buffered", limits=Limits(seconds=600), flush_on=["SIGTERM"])
trail.record(paid)
trail.start()
paid.send("shop", n=1)
os.kill(os.getpid(), signal.SIGTERM)
print(trail.health().stored, flush=True)
os._exit(3)
"""


@pytest.mark.parametrize(
    ("before", "code", "said"),
    [("default", -15, ""), ("handled", 7, ""), ("ignored", 3, "1\n")],
)
def test_a_signal_of_the_system_writes_what_waits(
    before: str, code: int, said: str, tmp_path: Path
) -> None:
    """And then does what it would have done."""
    url = f"sqlite:///{tmp_path / 'trail.db'}"
    run = subprocess.run(
        [sys.executable, "-c", ENDING, url, before],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (run.returncode, run.stdout) == (code, said), run.stderr
    with Trail(url) as trail:
        assert told(trail, "action") == [("paid",)]


def test_what_was_there_for_a_signal_of_the_system_comes_back(tmp_path: Path) -> None:
    """Unless somebody has put something else there meanwhile."""
    heard: list[int] = []

    def mine(number: int, frame: Any) -> None:
        heard.append(number)

    before = signal.signal(signal.SIGUSR1, mine)
    try:
        with Trail(f"sqlite:///{tmp_path / 'a.db'}", flush_on=["SIGUSR1"]):
            os.kill(os.getpid(), signal.SIGUSR1)
        assert signal.getsignal(signal.SIGUSR1) is mine
        with Trail(f"sqlite:///{tmp_path / 'a.db'}", flush_on=["SIGUSR1"]):
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN
        with Trail(f"sqlite:///{tmp_path / 'a.db'}", flush_on=["SIGUSR1"]):
            os.kill(os.getpid(), signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert heard == [signal.SIGUSR1]


def test_signals_of_the_system_are_watched_in_the_main_thread(tmp_path: Path) -> None:
    """Python sets handlers nowhere else, and there has to be such a signal."""
    trail = Trail(f"sqlite:///{tmp_path / 'a.db'}", flush_on=["SIGTERM"])
    failed: list[BaseException] = []

    def start() -> None:
        try:
            trail.start()
        except StateError as error:
            failed.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()

    assert "in the main thread alone" in str(failed[0])
    with pytest.raises(ArgumentError, match="'SIGNAL' is no signal of this system"):
        Trail("sqlite:///trail.db", flush_on=["SIGNAL"])


def test_missing_tables_are_named_where_none_may_be_made(url: str) -> None:
    """An operator makes them."""
    if url.startswith("sqlite"):  # A database without a table.
        Path(url.removeprefix("sqlite:///")).touch()

    with pytest.raises(TrailError, match=r"has no tables: run `heliograph audit init`"):
        Trail(url, create=False).start()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET action = 'other'",
        "UPDATE audit_entry SET data = '{}'",
        "UPDATE audit_entry SET digest = data_digest",
        "DELETE FROM audit_entry",
        "UPDATE audit_seal SET root = previous",
        "DELETE FROM audit_seal",
        "INSERT OR REPLACE INTO audit_entry SELECT * FROM audit_entry",
        "INSERT OR REPLACE INTO audit_seal SELECT * FROM audit_seal",
    ],
)
def test_entries_can_be_appended_and_nothing_else(trail: Trail, url: str, statement: str) -> None:
    """By whoever uses the same database, REPLACE included."""
    if "REPLACE" in statement and url.startswith("postgresql"):
        pytest.skip("PostgreSQL has no such statement")
    trail.record(order_paid)
    order_paid.send("shop", order=1, total=1.5)
    trail.seal()
    other = create_engine(url)
    with pytest.raises(DBAPIError, match="the trail is append-only"), other.begin() as connection:
        connection.execute(text(statement))
    other.dispose()

    assert trail.verify().holds
