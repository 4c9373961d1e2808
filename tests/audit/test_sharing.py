"""Durable entries of several threads, which wait for one commit together."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.pool import NullPool

from heliograph import Signal
from heliograph.audit import Trail, TrailError
from heliograph.audit.entry import Entry
from heliograph.audit.sharing import Sharing
from heliograph.audit.store import Store
from heliograph.lifecycle.request import new_id
from tests.audit.locking import let_wait, locked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

SEVERAL = 5


@pytest.fixture
def paid() -> Signal:
    """Give a signal."""
    return Signal("order-paid")


@pytest.fixture
def trail(url: str, paid: Signal) -> Iterator[Trail]:
    """Give an open trail that records the signal."""
    with Trail(url) as made:
        made.record(paid, target="n")
        let_wait(made._store)
        yield made


def at_once(functions: Iterable[Callable[[], object]]) -> list[threading.Thread]:
    """Run each function in a thread."""
    threads = [threading.Thread(target=it) for it in functions]
    for it in threads:
        it.start()
    return threads


def sending(paid: Signal, numbers: Iterable[int], failed: list[int]) -> list[Callable[[], object]]:
    """Return what sends each of the numbers, and notes those that fail."""

    def send(n: int) -> None:
        try:
            paid.send("shop", n=n)
        except TrailError:
            failed.append(n)

    return [lambda n=n: send(n) for n in numbers]  # type: ignore[misc]  # mypy knows no defaults.


def wait_until(waiting: Callable[[], int], several: int) -> None:
    """Return when so many entries wait."""
    end = time.monotonic() + 50
    while (many := waiting()) < several:
        assert time.monotonic() < end, many
        time.sleep(0.005)


def numbers(trail: Trail) -> list[int]:
    """Return what was recorded."""
    return sorted(int(it.header["target_id"]) for it in trail.find())


def test_entries_that_come_while_another_is_written_share_a_commit(
    trail: Trail, url: str, paid: Signal
) -> None:
    """All of them are there when their sends return."""
    failed: list[int] = []
    with locked(url):
        threads = at_once(sending(paid, range(SEVERAL), failed))
        wait_until(lambda: trail.health().waiting, SEVERAL - 1)
    for it in threads:
        it.join()

    assert (failed, numbers(trail)) == ([], [*range(SEVERAL)])
    # Entries of one commit are written at one moment.
    assert len({it.header["recorded_at"] for it in trail.find()}) == 2
    health = trail.health()
    assert (health.sent, health.stored, health.waiting) == (SEVERAL, SEVERAL, 0)


def test_where_nobody_can_write_each_send_fails(trail: Trail, url: str, paid: Signal) -> None:
    """And with an error of its own; later sends work again."""
    failed: list[int] = []
    with locked(url) as connection:
        threads = at_once(sending(paid, range(SEVERAL), failed))
        wait_until(lambda: trail.health().waiting, SEVERAL - 1)
        connection.execute(text("ALTER TABLE audit_entry RENAME TO audit_away"))
    for it in threads:
        it.join()
    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.execute(text("ALTER TABLE audit_away RENAME TO audit_entry"))
    paid.send("shop", n=SEVERAL)

    assert (sorted(failed), numbers(trail)) == ([*range(SEVERAL)], [SEVERAL])
    assert trail.health().failed == SEVERAL


def test_an_entry_that_is_refused_fails_no_other(tmp_path: Any, paid: Signal) -> None:
    """As one that a trigger of somebody's does not take."""
    url, failed = f"sqlite:///{tmp_path / 'trail.db'}", list[int]()
    with Trail(url) as trail:
        trail.record(paid, target="n")
        let_wait(trail._store)
        with locked(url) as connection:
            threads = at_once(sending(paid, range(SEVERAL), failed))
            wait_until(lambda: trail.health().waiting, SEVERAL - 1)
            connection.execute(
                text(
                    "CREATE TRIGGER no_three BEFORE INSERT ON audit_entry "
                    "WHEN NEW.target_id = '3' BEGIN SELECT RAISE(ABORT, 'three'); END"
                )
            )
        for it in threads:
            it.join()

        assert (failed, numbers(trail)) == ([3], [0, 1, 2, 4])


class Interrupted(Store):
    """A store whose writer is interrupted by Ctrl-C when it writes for others."""

    def write(self, several: Iterable[Entry]) -> None:
        """Write entries."""
        several = [*several]
        if len(several) > 1:
            raise KeyboardInterrupt
        super().write(several)


def test_whoever_is_interrupted_leaves_the_others_to_themselves(url: str) -> None:
    """Nobody waits for ever, and all entries but that of the interrupted are there."""
    store, interrupted = Interrupted(url), list[int]()
    store.open(make=True)
    let_wait(store)
    sharing = Sharing(store)

    def write(n: int) -> None:
        now = time.time_ns() // 1000
        entry = Entry(new_id(), now, "order-paid", "order-paid", target_id=str(n))
        try:
            assert sharing.write(entry) is None
        except KeyboardInterrupt:
            interrupted.append(n)

    with locked(url):
        threads = at_once([partial(write, n) for n in range(SEVERAL)])
        wait_until(sharing.waiting, SEVERAL - 1)
    for it in threads:
        it.join()
    store.close()

    assert len(interrupted) == 1
    with Trail(url) as trail:
        assert numbers(trail) == sorted({*range(SEVERAL)} - {*interrupted})


def test_a_handler_may_send_while_its_own_thread_writes(postgres_url: str, paid: Signal) -> None:
    """It would wait for itself."""
    locking, over = threading.Event(), threading.Event()
    with Trail(postgres_url) as trail:
        trail.record(paid, target="n")

        def disturb() -> None:
            with locked(postgres_url):
                locking.set()
                wait_until(lambda: trail.health().sent, 2)
                others = at_once(sending(paid, [3], []))
                wait_until(lambda: trail.health().waiting, 1)
                os.kill(os.getpid(), signal.SIGUSR1)
            for it in others:
                it.join()
            over.set()

        # SQLAlchemy makes the first connection of an engine under a lock that is not reentrant.
        paid.send("shop", n=0)
        with at_signal(paid, 2):
            at_once([disturb])
            assert locking.wait(30)
            paid.send("shop", n=1)
            assert over.wait(30)
        assert numbers(trail) == [0, 1, 2, 3]


def test_a_handler_may_send_while_its_own_thread_writes_to_sqlite(
    tmp_path: Path, paid: Signal
) -> None:
    """No handler runs while SQLite waits, so that the signal comes as it begins."""
    told: list[str] = []

    def disturb(statement: str) -> None:
        if not told:
            told.append(statement)
            signal.raise_signal(signal.SIGUSR1)

    with Trail(f"sqlite:///{tmp_path / 'trail.db'}") as trail:
        trail.record(paid, target="n")
        engine = trail._store.engine
        event.listen(engine, "connect", lambda it, _: it.set_trace_callback(disturb))
        engine.dispose()
        with at_signal(paid, 2):
            paid.send("shop", n=1)
        assert numbers(trail) == [1, 2]

    assert told[0].startswith("INSERT")


@contextmanager
def at_signal(paid: Signal, n: int) -> Iterator[None]:
    """Send from the handler of a signal of the operating system."""
    theirs = signal.signal(signal.SIGUSR1, lambda *_: paid.send("shop", n=n))
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, theirs)


def test_a_child_waits_for_no_thread_of_its_parent(postgres_url: str, paid: Signal) -> None:
    """Those that wrote when it was forked do not exist in it."""
    with Trail(postgres_url) as trail:
        trail.record(paid, target="n")
        with locked(postgres_url):
            threads = at_once(sending(paid, [1, 2], []))
            wait_until(lambda: trail.health().waiting, 1)
            child = os.fork()
            if child == 0:
                paid.send("shop", n=3)
                os._exit(0 if trail.health().stored == 1 else 1)
        assert os.waitpid(child, 0)[1] == 0
        for it in threads:
            it.join()

        assert numbers(trail) == [1, 2, 3]
