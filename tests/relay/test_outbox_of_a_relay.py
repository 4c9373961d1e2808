"""An outbox of a relay is opened by its start, emptied while it runs, and a part of its health."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from heliograph.relay import Relay, RelayError
from heliograph.relay.outbox import Outbox
from heliograph.transactions.sqlalchemy import install
from tests.relay.processes import Process, declared, new_url, process, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Give the database of a program."""
    made = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    with install():
        yield made
    made.dispose()


def sending(url: str, outbox: Outbox) -> Process:
    """Return a process whose signal crosses by an outbox."""
    made = Process(Relay(url, app="shop"), declared())
    made.relay.replay(made.signal, outbox=outbox)
    return made


def test_the_first_send_finds_the_tables(engine: Engine) -> None:
    """The start makes them, also for an outbox that nobody has opened; then rows leave."""
    url, outbox = new_url(), Outbox(engine.url)
    made, other = sending(url, outbox), process(url, "replay")
    with made.relay, other.relay:
        with Session(engine) as session, session.begin():
            session.execute(text("CREATE TABLE orders (n INTEGER PRIMARY KEY)"))
            made.signal.send("shop", n=1)
        until(lambda: other.heard == [1])
        until(lambda: made.relay.health().unsent == 0)

        health = made.relay.health()
    outbox.close()
    assert (health.oldest_unsent, health.put_aside, health.outbox_trouble) == (None, 0, None)


def test_an_outbox_that_comes_while_it_runs_is_tried_until_it_has_tables(
    engine: Engine, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told once that it has none, and nothing of that is the broker's fault."""
    monkeypatch.setattr("heliograph.relay.beginning._AGAIN", (0.01, 0.02))
    made, outbox = process(new_url(), name="viewed"), Outbox(engine.url, create=False)
    with made.relay:
        made.relay.durable(declared(), outbox=outbox)
        until(lambda: "is not emptied, and tried again: There are no tables" in caplog.text)
        health = made.relay.health()
        assert (health.connected, health.unsent) == (True, None)
        outbox.create()
        until(lambda: made.relay.health().outbox_trouble is None)
        assert made.relay.health().unsent == 0

    assert caplog.text.count("is not emptied") == 1
    outbox.close()


def test_a_start_without_the_tables_that_it_may_not_make_fails(engine: Engine) -> None:
    """What no further try would change is an error at once, and health says it too."""
    outbox = Outbox(engine.url, create=False)
    made = sending(new_url(), outbox)

    with pytest.raises(RelayError, match="There are no tables"):
        made.relay.start()

    health = made.relay.health()
    assert (health.running, health.unsent, health.put_aside) == (False, None, None)
    assert "There are no tables" in str(health.outbox_trouble)
    outbox.close()


def test_a_database_that_is_away_is_told_of_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The relay starts; its broker is there, and health says what is not."""
    folder = tmp_path / "later"
    outbox = Outbox(f"sqlite:///{folder / 'shop.db'}")
    made = sending(new_url(), outbox)
    with made.relay:
        health = made.relay.health()
        assert (health.connected, health.problem, health.unsent) == (True, None, None)
        assert "cannot be used" in str(health.outbox_trouble)
        assert "What is sent into it fails, and we go on trying." in caplog.text
        until(lambda: "It is tried again until it works." in caplog.text)
        folder.mkdir()
        until(lambda: made.relay.health().unsent == 0)
    outbox.close()


def test_a_database_that_does_not_answer_holds_no_start_up(
    engine: Engine, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told so, and what it says later counts."""
    monkeypatch.setattr("heliograph.relay.beginning._FIRST_LOOK", 0.0)
    outbox = Outbox(engine.url)
    made = sending(new_url(), outbox)
    with made.relay:
        assert "does not answer. What is sent into it fails" in caplog.text
        until(lambda: made.relay.health().unsent == 0)
    outbox.close()
