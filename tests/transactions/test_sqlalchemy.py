"""Delivery on commit with SQLAlchemy's sessions, on SQLite and on PostgreSQL."""

from __future__ import annotations

import gc
import os
import re
from contextlib import suppress
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, StaticPool, create_engine, event, text
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    mapped_column,
    scoped_session,
    sessionmaker,
)

from heliograph import ArgumentError, AsyncReceiverError, Signal, StateError
from heliograph.transactions import (
    Health,
    NoTransactionError,
    SeveralTransactionsError,
    SwallowedError,
    using,
)
from heliograph.transactions.sqlalchemy import install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from heliograph.transactions.sqlalchemy import SessionCommits

ROW = text("INSERT INTO orders VALUES (:n)")


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Give a database with one table and a pool of one connection."""
    if request.param == "sqlite":
        made = create_engine("sqlite://", poolclass=StaticPool)
        begin_immediate(made)
    else:
        made = create_engine(
            f"postgresql+psycopg://postgres@127.0.0.1:{request.getfixturevalue('postgres_port')}"
            "/postgres",
            pool_size=1,
            max_overflow=0,
            pool_timeout=1,
        )
    with made.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS orders"))
        connection.execute(text("CREATE TABLE orders (n INTEGER PRIMARY KEY)"))
    yield made
    made.dispose()


def begin_immediate(engine: Engine) -> None:
    """Let SQLAlchemy begin the transactions of SQLite, as its driver begins some too late."""

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _: object) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


@pytest.fixture
def commits() -> Iterator[SessionCommits]:
    """Deliver on commit."""
    with install() as made:
        yield made


def stored(engine: Engine) -> list[int]:
    """Return the rows that everybody sees."""
    with engine.connect() as connection:
        return [*connection.scalars(text("SELECT n FROM orders ORDER BY n"))]


def pay(session: Session, paid: Signal, n: int) -> None:
    """Store an order, and send that it was paid."""
    session.execute(ROW, {"n": n})
    paid.send("shop", n=n)


def test_a_receiver_is_called_when_the_transaction_is_committed(
    engine: Engine, commits: SessionCommits, paid: Signal, heard: list[int]
) -> None:
    """Not when it is sent; in the order of sending; and the send does not return it."""
    with Session(engine) as session, session.begin():
        pay(session, paid, 1)
        assert paid.send("shop", n=2) == []
        assert heard == []

    assert heard == [1, 2]
    assert commits.health() == Health(delivered=2)


def test_nothing_is_delivered_after_a_rollback(
    engine: Engine, commits: SessionCommits, paid: Signal, heard: list[int]
) -> None:
    """By the program, by an error, or by closing the session."""
    with Session(engine) as session:
        pay(session, paid, 1)
        session.rollback()
    with pytest.raises(ZeroDivisionError), Session(engine) as session, session.begin():
        pay(session, paid, 2)
        _ = 1 / 0
    session = Session(engine)
    pay(session, paid, 3)
    session.close()

    assert (heard, stored(engine)) == ([], [])
    assert commits.health() == Health(dropped=3)


def test_what_was_sent_in_a_savepoint_follows_it(
    engine: Engine, commits: SessionCommits, paid: Signal, heard: list[int]
) -> None:
    """Released: with what is around it; rolled back: dropped, at that level alone."""
    with Session(engine) as session, session.begin():
        pay(session, paid, 1)
        with session.begin_nested():
            pay(session, paid, 2)
            inner = session.begin_nested()
            pay(session, paid, 3)
            inner.rollback()
            pay(session, paid, 4)
        outer = session.begin_nested()
        with session.begin_nested():
            pay(session, paid, 5)
        outer.rollback()
        assert heard == []

    assert heard == [1, 2, 4] == stored(engine)


def test_a_savepoint_that_was_released_is_no_commit(
    engine: Engine, commits: SessionCommits, paid: Signal, heard: list[int]
) -> None:
    """SQLAlchemy tells of it by the same event."""
    with Session(engine) as session:
        with session.begin_nested():
            pay(session, paid, 1)
        session.rollback()

    assert (heard, stored(engine)) == ([], [])


def test_the_other_receivers_are_called_at_once(
    engine: Engine, commits: SessionCommits, paid: Signal, heard: list[int]
) -> None:
    """And what they send waits in its place."""
    sent: list[int] = []

    @paid.connect
    def send_again(sender: object, *, n: int) -> None:
        sent.append(n)
        if n == 1:
            paid.send(sender, n=2)

    with Session(engine) as session, session.begin():
        paid.send("shop", n=1)
        assert (sent, heard) == ([1, 2], [])

    assert heard == [1, 2]


def test_without_a_transaction_a_send_is_refused_before_anybody_is_called(
    commits: SessionCommits, paid: Signal, heard: list[int]
) -> None:
    """It is loud: no commit will come."""
    called: list[object] = []
    paid.connect(called.append, weak=False)

    with pytest.raises(NoTransactionError, match=r"hear, which .* no transaction is open here"):
        paid.send("shop", n=1)

    assert (called, heard) == ([], [])


def test_nobody_has_installed_a_database(paid: Signal, heard: list[int]) -> None:
    """The message says what to call."""
    with pytest.raises(NoTransactionError, match=r"no database is installed. Call install\(\) of"):
        paid.send("shop", n=1)


@pytest.mark.parametrize(("policy", "numbers"), [("now", [1]), ("drop", [])])
def test_a_policy_says_what_a_send_without_a_transaction_does(
    policy: Any, numbers: list[int], paid: Signal, heard: list[int]
) -> None:
    """It is counted in any case."""
    with install(no_transaction=policy) as commits:
        paid.send("shop", n=1)

        assert heard == numbers
        assert commits.health() == Health(without=1)


def test_a_receiver_that_raises_breaks_nothing(
    engine: Engine, commits: SessionCommits, paid: Signal, heard: list[int], caplog: Any
) -> None:
    """The commit ends well, the later receivers are called, the session and the pool are as new."""

    def fail(sender: object, *, n: int) -> None:
        msg = "out of ink"
        raise OSError(msg)

    paid.connect(fail, when="after_commit", priority=1)
    with Session(engine) as session:
        pay(session, paid, 1)
        session.commit()
        assert heard == [1]
        pay(session, paid, 2)
        session.commit()

    assert heard == [1, 2] == stored(engine)
    assert commits.health() == Health(delivered=4, failed=2)
    assert (
        "fail failed when signal 'order-paid' was delivered to it after the commit" in caplog.text
    )


def test_a_receiver_has_a_session_of_its_own(
    engine: Engine, commits: SessionCommits, paid: Signal
) -> None:
    """The connection is back by then: a pool of one does not wait."""

    @paid.connect(when="after_commit")
    def store(sender: object, *, n: int) -> None:
        with Session(engine) as own, own.begin():
            own.execute(ROW, {"n": n + 1})

    with Session(engine) as session, session.begin():
        pay(session, paid, 1)

    assert stored(engine) == [1, 2]


def test_what_a_receiver_sends_in_a_transaction_of_its_own_is_delivered_too(
    engine: Engine, commits: SessionCommits, paid: Signal, heard: list[int]
) -> None:
    """After its commit, which comes before the outer block is left."""

    @paid.connect(when="after_commit")
    def again(sender: object, *, n: int) -> None:
        if n < 3:
            with Session(engine) as own, own.begin():
                pay(own, paid, n + 1)

    with Session(engine) as session, session.begin():
        pay(session, paid, 1)

    assert sorted(heard) == [1, 2, 3] == stored(engine)


def test_one_session_goes_on_after_its_commit(
    engine: Engine, commits: SessionCommits, paid: Signal, heard: list[int]
) -> None:
    """Each transaction has its own queue."""
    with Session(engine) as session:
        pay(session, paid, 1)
        session.commit()
        pay(session, paid, 2)
        session.rollback()
        pay(session, paid, 3)
        session.commit()

    assert heard == [1, 3] == stored(engine)


def test_a_receiver_that_has_gone_by_then_is_not_called(
    engine: Engine, commits: SessionCommits, paid: Signal
) -> None:
    """Disconnected, or collected."""
    numbers: list[int] = []

    def hear(sender: object, *, n: int) -> None:
        numbers.append(n)

    def make() -> Callable[..., None]:
        return lambda sender, *, n: numbers.append(n)

    dying = make()
    paid.connect(hear, when="after_commit")
    paid.connect(dying, when="after_commit", sender="shop")
    with Session(engine) as session, session.begin():
        pay(session, paid, 1)
        paid.disconnect(hear)
        del dying
        gc.collect()

    assert numbers == []


def test_two_sessions_are_told_apart(
    engine: Engine, commits: SessionCommits, paid: Signal, heard: list[int]
) -> None:
    """Where both are open, a send says which one it means."""
    other = create_engine("sqlite://")
    sessions = scoped_session(sessionmaker(other))
    with Session(engine) as one, sessions() as two:
        one.execute(text("SELECT 1"))
        two.execute(text("SELECT 1"))
        with pytest.raises(SeveralTransactionsError, match=r"that of the session .* and that of"):
            paid.send("shop", n=1)
        with using(one):
            paid.send("shop", n=2)
        with using(sessions):
            paid.send("shop", n=3)
        two.commit()
        assert heard == [3]
        one.commit()

    assert heard == [3, 2]
    other.dispose()


def test_using_something_else_is_no_transaction(
    commits: SessionCommits, paid: Signal, heard: list[int]
) -> None:
    """What has no transaction of ours is refused as none."""
    with pytest.raises(NoTransactionError), using("default"):
        paid.send("shop", n=1)


def test_a_swallowed_error_commits_nothing_and_is_named(
    postgres_port: int, commits: SessionCommits, paid: Signal, heard: list[int]
) -> None:
    """PostgreSQL answers COMMIT with a rollback, and the driver says nothing of it."""
    engine = create_engine(f"postgresql+psycopg://postgres@127.0.0.1:{postgres_port}/postgres")
    with Session(engine) as session:
        paid.send("shop", n=0) if session.in_transaction() else session.execute(text("SELECT 1"))
        paid.send("shop", n=1)
        with pytest.raises(DBAPIError):
            session.execute(text("SELECT 1/0"))
        with pytest.raises(SwallowedError, match=r"DivisionByZero: division by zero was caught"):
            session.commit()
        session.rollback()
        session.execute(text("SELECT 1"))
        paid.send("shop", n=2)
        session.commit()

    assert heard == [2]
    engine.dispose()


def test_an_error_in_a_savepoint_swallows_nothing(
    engine: Engine, commits: SessionCommits, paid: Signal, heard: list[int]
) -> None:
    """Its rollback mends the transaction."""
    with Session(engine) as session, session.begin():
        pay(session, paid, 1)
        with pytest.raises(DBAPIError), session.begin_nested():
            pay(session, paid, 2)
            session.execute(ROW, {"n": 1})

    assert heard == [1] == stored(engine)


def test_a_commit_that_the_server_refuses_delivers_nothing(
    postgres_port: int, commits: SessionCommits, paid: Signal, heard: list[int]
) -> None:
    """A deferred constraint, say: it is known to be rolled back."""
    engine = create_engine(f"postgresql+psycopg://postgres@127.0.0.1:{postgres_port}/postgres")
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS late"))
        connection.execute(text("CREATE TABLE late (n INT UNIQUE DEFERRABLE INITIALLY DEFERRED)"))
    with Session(engine) as session:
        session.execute(text("INSERT INTO late VALUES (1), (1)"))
        paid.send("shop", n=1)
        with pytest.raises(DBAPIError):
            session.commit()

    assert (heard, commits.health()) == ([], Health(dropped=1))
    engine.dispose()


def test_statements_that_commit_themselves_are_no_transaction(
    engine: Engine, commits: SessionCommits, paid: Signal, heard: list[int]
) -> None:
    """Whether the connection is there before the send or only after it."""
    at_once = engine.execution_options(isolation_level="AUTOCOMMIT")
    with Session(at_once) as session:
        session.execute(text("SELECT 1"))
        with pytest.raises(NoTransactionError, match=r"commits itself \(AUTOCOMMIT\)"):
            paid.send("shop", n=1)
    with Session(at_once) as session:
        session.begin()
        paid.send("shop", n=1)
        with pytest.raises(NoTransactionError, match=r"commits itself \(AUTOCOMMIT\)"):
            session.execute(text("SELECT 1"))

    assert heard == []


def test_several_databases_in_one_session_are_refused_or_declared(
    engine: Engine, commits: SessionCommits, paid: Signal, heard: list[int]
) -> None:
    """They commit one after the other, and one may refuse."""
    other = create_engine("sqlite://")

    def work() -> None:
        with Session(engine) as session, session.begin():
            session.execute(text("SELECT 1"))
            session.execute(text("SELECT 1"), bind_arguments={"bind": other})
            paid.send("shop", n=1)

    with pytest.raises(SeveralTransactionsError, match=r"commits 2 databases one after the other"):
        work()
    assert heard == []
    commits.uninstall()
    with install(several_databases=True):
        work()

    assert heard == [1]
    other.dispose()


def test_a_session_that_nobody_ends_drops_what_waits(
    commits: SessionCommits, paid: Signal, heard: list[int]
) -> None:
    """SQLAlchemy tells nobody that it was collected."""
    engine = create_engine("sqlite://")
    session = Session(engine)
    session.begin()
    paid.send("shop", n=1)
    del session
    gc.collect()

    assert (heard, commits.health()) == ([], Health(dropped=1))
    engine.dispose()


def test_an_async_receiver_needs_an_async_session(
    engine: Engine, commits: SessionCommits, paid: Signal
) -> None:
    """It is refused when it is sent, and nobody is called."""

    @paid.connect(when="after_commit")
    async def later(sender: object, *, n: int) -> None: ...

    with (
        pytest.raises(AsyncReceiverError, match=r"Use an AsyncSession, or connect a plain"),
        Session(engine) as session,
        session.begin(),
    ):
        session.execute(text("SELECT 1"))
        paid.send("shop", n=1)


def test_it_is_installed_once(commits: SessionCommits) -> None:
    """For a class, its bases and its subclasses; again after it was switched off."""

    class OwnSession(Session):
        """A class of sessions."""

    with pytest.raises(StateError, match=r"installed for Session already"):
        install()
    with pytest.raises(StateError, match=r"installed for Session already"):
        install(OwnSession)
    commits.uninstall()
    commits.uninstall()
    with install(OwnSession), pytest.raises(StateError, match=r"installed for .*OwnSession"):
        install()


def test_switched_off_nobody_is_called(
    engine: Engine, commits: SessionCommits, paid: Signal, heard: list[int]
) -> None:
    """What waits is forgotten."""
    with Session(engine) as session, session.begin():
        pay(session, paid, 1)
        commits.uninstall()

    assert (heard, stored(engine)) == ([], [1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"session_class": 3}, "3 is not a class of sessions. Pass sqlalchemy.orm.Session, or"),
        ({"session_class": sessionmaker()}, "is not a class of sessions"),
        ({"unknown": "hope"}, "unknown='hope' is not a policy. Use 'drop', 'deliver', 'ask'."),
        ({"no_transaction": 1}, "no_transaction=1 is not a policy. Use 'raise', 'now', 'drop'."),
    ],
    ids=["number", "maker", "unknown", "without"],
)
def test_what_cannot_be_installed_is_refused(arguments: dict[str, Any], message: str) -> None:
    """Before anything has changed."""
    with pytest.raises(ArgumentError, match=re.escape(message)):
        install(**arguments)


def test_a_child_forgets_what_its_parent_waits_for(
    engine: Engine, commits: SessionCommits, paid: Signal, heard: list[int]
) -> None:
    """And counts from zero."""
    with Session(engine) as session, session.begin():
        pay(session, paid, 1)
        child = os.fork()
        if child == 0:
            over = commits.health() == Health() and not commits.open_here()
            os._exit(0 if over else 1)
        assert os.waitpid(child, 0)[1] == 0

    assert heard == [1]


def test_the_context_of_a_delivery_is_that_of_its_send(
    engine: Engine, commits: SessionCommits, paid: Signal
) -> None:
    """The commit may come in another context, in which the request is no longer known."""
    from contextvars import ContextVar, copy_context

    user: ContextVar[str] = ContextVar("user", default="nobody")
    seen: list[str] = []

    def note(sender: object, *, n: int) -> None:
        seen.append(user.get())

    paid.connect(note, when="after_commit")

    with Session(engine) as session:
        session.execute(text("SELECT 1"))

        def request() -> None:
            user.set("Ada")
            paid.send("shop", n=1)

        copy_context().run(request)
        session.commit()

    assert seen == ["Ada"]


@pytest.fixture
def development(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let programs be developed."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "1")


def test_a_session_that_is_closed_without_a_commit_is_named_in_development(
    engine: Engine,
    commits: SessionCommits,
    paid: Signal,
    heard: list[int],
    development: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A rollback is meant; a commit that was forgotten, or comes too late, is not."""
    with Session(engine) as session:
        pay(session, paid, 1)
        session.rollback()
    assert caplog.text == ""
    with Session(engine) as session:
        pay(session, paid, 1)

    assert "1 deliveries of signal 'order-paid' were dropped: their session was" in caplog.text


def test_a_receiver_that_uses_the_committed_session_is_named_in_development(
    engine: Engine,
    commits: SessionCommits,
    paid: Signal,
    development: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It leaves a transaction open, and the connection out."""
    session = Session(engine)

    @paid.connect(when="after_commit")
    def look(sender: object, *, n: int) -> None:
        session.execute(text("SELECT 1"))

    pay(session, paid, 1)
    session.commit()
    session.close()

    assert "has begun a new transaction in the session that was just committed" in caplog.text


def test_rows_in_payloads_are_named_once_in_development(
    engine: Engine, commits: SessionCommits, development: None, caplog: pytest.LogCaptureFixture
) -> None:
    """They have expired when the receiver reads them; what belongs to no session is a value."""
    placed = Signal("order-placed")

    @placed.connect(when="after_commit")
    def receive(sender: object, *, order: Order | None) -> None: ...

    with Session(engine) as session, session.begin():
        session.add(order := Order(n=1))
        placed.send("shop", order=Order(n=2))
        assert caplog.text == ""
        placed.send("shop", order=order)
        placed.send("shop", order=order)

    assert caplog.text.count("was sent with 'order', a row of a session, to") == 1


def test_in_production_rows_in_payloads_are_not_looked_for(
    engine: Engine, paid: Signal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor are responses watched."""
    monkeypatch.setenv("HELIOGRAPH_CHECK", "0")
    read: list[object] = []

    @paid.connect(when="after_commit")
    def receive(sender: object, *, n: object) -> None:
        read.append(n)

    with install(), Session(engine) as session, session.begin():
        session.add(order := Order(n=1))
        paid.send("shop", n=order)

    assert (read, caplog.text) == ([order], "")


def test_out_of_room_sqlite_commits_no_half_of_a_transaction(
    tmp_path: Path, commits: SessionCommits, paid: Signal, heard: list[int]
) -> None:
    """It has undone all that came before, in a savepoint too: what follows is refused."""
    engine = create_engine(f"sqlite:///{tmp_path / 'full.db'}")
    begin_immediate(engine)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE orders (n INTEGER PRIMARY KEY, note TEXT)"))

    with Session(engine) as session:
        session.execute(text("PRAGMA max_page_count = 4"))
        session.execute(text("INSERT INTO orders VALUES (1, '')"))
        paid.send("shop", n=1)
        with suppress(DBAPIError), session.begin_nested():
            session.execute(text("INSERT INTO orders VALUES (2, hex(zeroblob(50000)))"))
        with pytest.raises(PendingRollbackError):
            session.execute(text("INSERT INTO orders VALUES (3, '')"))
        with pytest.raises(PendingRollbackError):
            session.commit()
        session.rollback()
        session.execute(text("INSERT INTO orders VALUES (4, '')"))
        paid.send("shop", n=4)
        session.commit()

    with engine.connect() as connection:
        assert [*connection.scalars(text("SELECT n FROM orders"))] == [4] == heard
    engine.dispose()


@pytest.mark.parametrize("mode", ["conditional_savepoint", "create_savepoint", "rollback_only"])
def test_a_joined_session_delivers_at_its_own_commit(
    mode: Any, engine: Engine, commits: SessionCommits, paid: Signal, heard: list[int]
) -> None:
    """As tests do that undo everything at their end: nothing was committed, and it is delivered."""
    with engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode=mode) as session:
            pay(session, paid, 1)
            session.commit()
            assert heard == [1]
        outer.rollback()

    assert stored(engine) == []


def test_two_phases_deliver_after_the_second(
    postgres_port: int, commits: SessionCommits, paid: Signal, heard: list[int]
) -> None:
    """Preparing is no commit."""
    address = f"postgresql+psycopg://postgres@127.0.0.1:{postgres_port}/postgres"
    engines = [create_engine(address), create_engine(address)]
    with Session(engines[0], twophase=True) as session:
        session.execute(text("SELECT 1"))
        session.execute(text("SELECT 1"), bind_arguments={"bind": engines[1]})
        paid.send("shop", n=1)
        session.prepare()
        assert heard == []
        session.commit()

    assert heard == [1]
    for it in engines:
        it.dispose()


def test_connecting_while_others_commit_breaks_no_commit(
    commits: SessionCommits, paid: Signal, heard: list[int]
) -> None:
    """SQLAlchemy's own event functions may not change meanwhile; ours never do."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    over = Event()

    def connect_and_disconnect() -> None:
        while not over.is_set():
            with paid.connected_to(print, sender="nobody", when="after_commit"):
                pass

    @paid.connect(when="after_commit")
    def again(sender: object, *, n: int) -> None:
        paid.disconnect(again)
        paid.connect(again, when="after_commit")

    other = Thread(target=connect_and_disconnect)
    other.start()
    with Session(engine) as session:
        for n in range(1000):
            session.execute(text("SELECT 1"))
            paid.send("shop", n=n)
            session.commit()
    over.set()
    other.join()

    assert heard == [*range(1000)]
    engine.dispose()


class Base(DeclarativeBase):
    """What the tables have in common."""


class Order(Base):
    """A row."""

    __tablename__ = "orders"
    n: Mapped[int] = mapped_column(primary_key=True)


def test_a_flush_is_no_transaction_of_its_own(
    engine: Engine, commits: SessionCommits, paid: Signal, heard: list[int]
) -> None:
    """SQLAlchemy begins and ends one inside for it."""
    with Session(engine) as session, session.begin():
        session.add(Order(n=1))
        paid.send("shop", n=1)
        session.flush()
        assert heard == []
        session.add(Order(n=2))

    assert (heard, stored(engine)) == ([1], [1, 2])


def test_what_begun_before_the_installation_has_no_part_in_it(
    engine: Engine, paid: Signal, heard: list[int]
) -> None:
    """A send in it is loud; its savepoints and its end are nobody's business."""
    install().uninstall()  # From now on it hears of transactions.
    with Session(engine) as session, session.begin():
        session.execute(ROW, {"n": 1})
        with install(), session.begin_nested(), pytest.raises(NoTransactionError):
            paid.send("shop", n=1)
        with pytest.raises(DBAPIError), session.begin_nested():
            session.execute(ROW, {"n": 1})

    assert (heard, stored(engine)) == ([], [1])


def test_errors_outside_of_sessions_are_nobodys_business(
    engine: Engine, commits: SessionCommits
) -> None:
    """Neither of a connection alone, nor where there is none."""
    with pytest.raises(DBAPIError), engine.begin() as connection:
        connection.execute(text("SELECT no_such_thing()"))
    nowhere = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    with pytest.raises(DBAPIError):
        nowhere.connect()

    assert commits.health() == Health()
