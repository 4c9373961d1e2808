"""Delivery on commit with async sessions, on each async driver."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import StaticPool, text
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)

from heliograph.transactions import Health, SwallowedError, using
from heliograph.transactions.sqlalchemy import SessionCommits, install

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from heliograph import Signal


@pytest.fixture(params=["aiosqlite", "psycopg", "asyncpg"])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[AsyncEngine]:
    """Give a database by each driver."""
    if request.param == "aiosqlite":
        made = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
    else:
        port = request.getfixturevalue("postgres_port")
        made = create_async_engine(
            f"postgresql+{request.param}://postgres@127.0.0.1:{port}/postgres"
        )
    yield made
    await made.dispose()


@pytest.fixture
def commits() -> Iterator[SessionCommits]:
    """Deliver on commit."""
    with install() as made:
        yield made


async def test_receivers_of_both_kinds_are_called_in_order(
    engine: AsyncEngine, commits: SessionCommits, paid: Signal
) -> None:
    """Before the commit returns, which is awaited."""
    heard: list[tuple[str, int]] = []

    @paid.connect(when="after_commit")
    async def first(sender: object, *, n: int) -> None:
        await asyncio.sleep(0.001)
        heard.append(("async", n))

    @paid.connect(when="after_commit")
    def second(sender: object, *, n: int) -> None:
        heard.append(("plain", n))

    async with AsyncSession(engine) as session, session.begin():
        await session.execute(text("SELECT 1"))
        paid.send("shop", n=1)
        await paid.send_async("shop", n=2)
        assert heard == []

    assert heard == [("async", 1), ("plain", 1), ("async", 2), ("plain", 2)]
    assert commits.health() == Health(delivered=4)


async def test_plain_receivers_alone_are_called_in_place(
    engine: AsyncEngine, commits: SessionCommits, paid: Signal
) -> None:
    """No task is made for them."""
    tasks: list[object] = []

    @paid.connect(when="after_commit")
    def note(sender: object) -> None:
        tasks.append(asyncio.current_task())

    async with AsyncSession(engine) as session, session.begin():
        await session.execute(text("SELECT 1"))
        paid.send("shop")

    assert tasks == [asyncio.current_task()]


async def test_a_receiver_may_use_a_session_of_its_own(
    engine: AsyncEngine, commits: SessionCommits, paid: Signal
) -> None:
    """It runs when the connection is back."""
    found: list[object] = []

    @paid.connect(when="after_commit")
    async def look(sender: object) -> None:
        async with AsyncSession(engine) as own:
            found.append((await own.execute(text("SELECT 7"))).scalar())

    async with AsyncSession(engine) as session, session.begin():
        await session.execute(text("SELECT 1"))
        paid.send("shop")

    assert found == [7]


async def test_a_time_limit_of_the_caller_does_not_cut_a_receiver(
    engine: AsyncEngine, commits: SessionCommits, paid: Signal
) -> None:
    """The transaction is committed: whoever waits for it may go, receivers finish."""
    over = asyncio.Event()
    goes_on = asyncio.Event()

    @paid.connect(when="after_commit")
    async def slow(sender: object) -> None:
        await goes_on.wait()
        over.set()

    async with AsyncSession(engine) as session:
        await session.execute(text("SELECT 1"))
        paid.send("shop")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(session.commit(), 0.05)
        assert (await session.execute(text("SELECT 2"))).scalar() == 2
        goes_on.set()
        await asyncio.wait_for(over.wait(), 5)


async def test_an_async_receiver_that_raises_breaks_nothing(
    engine: AsyncEngine,
    commits: SessionCommits,
    paid: Signal,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is logged, with its name, and counted."""

    @paid.connect(when="after_commit")
    async def fail(sender: object) -> None:
        msg = "out of ink"
        raise OSError(msg)

    async with AsyncSession(engine) as session, session.begin():
        await session.execute(text("SELECT 1"))
        paid.send("shop")

    assert commits.health() == Health(delivered=1, failed=1)
    assert "fail failed when signal 'order-paid' was delivered" in caplog.text


async def test_a_swallowed_error_commits_nothing(
    postgres_port: int, commits: SessionCommits, paid: Signal
) -> None:
    """Also where the driver does not show that the transaction has failed."""
    heard: list[object] = []
    paid.connect(heard.append, when="after_commit", weak=False)
    for driver in ("psycopg", "asyncpg"):
        address = f"postgresql+{driver}://postgres@127.0.0.1:{postgres_port}/postgres"
        engine = create_async_engine(address)
        async with AsyncSession(engine) as session:
            await session.execute(text("SELECT 1"))
            paid.send("shop")
            with pytest.raises(Exception, match="division by zero"):
                await session.execute(text("SELECT 1/0"))
            with pytest.raises(SwallowedError, match=r"division by zero was caught"):
                await session.commit()
            await session.rollback()
        await engine.dispose()

    assert heard == []


async def test_tasks_have_transactions_of_their_own(
    engine: AsyncEngine, commits: SessionCommits, paid: Signal
) -> None:
    """Two at once are not taken for one another."""
    heard: list[int] = []

    @paid.connect(when="after_commit")
    def hear(sender: object, *, n: int) -> None:
        heard.append(n)

    async def order(n: int, *, fails: bool) -> None:
        async with AsyncSession(engine) as session:
            await session.execute(text("SELECT 1"))
            paid.send("shop", n=n)
            await asyncio.sleep(0.01)
            await (session.rollback() if fails else session.commit())

    if engine.dialect.driver == "aiosqlite":  # One connection, shared by all.
        await order(1, fails=True)
        await order(2, fails=False)
    else:
        await asyncio.gather(order(1, fails=True), order(2, fails=False))

    assert heard == [2]


async def test_an_async_session_can_be_named(
    engine: AsyncEngine, commits: SessionCommits, paid: Signal
) -> None:
    """By itself, or by what makes one for each task."""
    heard: list[object] = []
    paid.connect(heard.append, when="after_commit", weak=False)
    scoped = async_scoped_session(async_sessionmaker(engine), scopefunc=asyncio.current_task)
    async with AsyncSession(engine) as session:
        await session.execute(text("SELECT 1"))
        await scoped.execute(text("SELECT 1"))
        with using(session):
            paid.send("one")
        with using(scoped):
            paid.send("two")
        await session.commit()
        await scoped.commit()
    await scoped.remove()

    assert heard == ["one", "two"]
