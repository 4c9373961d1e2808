"""Positions: how far a process has heard, from one run to the next."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import ArgumentError
from heliograph.relay import Relay, resynced, running
from tests.relay.processes import Process, declared, new_url, process, until

if TYPE_CHECKING:
    from pathlib import Path


NAME = "shop_replay_changed"


def positions(file: Path) -> dict[str, int]:
    """Return the numbers in a file of positions."""
    found = json.loads(file.read_text())
    return {name: int(at.partition("@")[0]) for name, at in found.items()}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a place for positions."""
    return tmp_path / "positions.json"


def test_a_process_goes_on_where_it_was_in_its_last_run(file: Path) -> None:
    """As its positions are in a file; what came meanwhile is heard."""
    url = new_url()
    there = process(url, "replay")
    heard = []
    with there.relay:
        for first in (0, 3, 6):
            for n in range(first, first + 3):
                there.signal.send("shop", n=n)
            assert there.relay.flush()
            run = process(url, "replay", positions=str(file))
            with run.relay:
                there.signal.send("shop", n=100 + first)
                until(lambda: 100 + first in run.heard)  # noqa: B023 - at once.
            heard.append(run.heard)

    assert heard == [[100], [3, 4, 5, 103], [6, 7, 8, 106]]
    assert positions(file) == {NAME: 12}
    assert [it.name for it in file.parent.iterdir()] == [file.name]


def test_a_process_that_has_heard_nothing_has_a_position_too(file: Path) -> None:
    """That of the end when it began, or of the beginning of all."""
    url = new_url()
    there = process(url, "replay")
    with there.relay:
        for _ in range(2):
            with process(url, "replay", positions=str(file)).relay:
                pass
        there.signal.send("shop", n=1)
        assert there.relay.flush()
        run = process(url, "replay", positions=str(file))
        with run.relay:
            until(lambda: run.heard == [1])


def test_they_are_kept_while_it_runs(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process may be killed at any time."""
    monkeypatch.setattr(running, "_KEEP_POSITIONS", 0.01)
    url = new_url()
    there, run = process(url, "replay"), process(url, "replay", positions=str(file))
    with there.relay, run.relay:
        there.signal.send("shop", n=1)
        until(lambda: file.exists() and positions(file) == {NAME: 1})


def test_a_file_that_cannot_be_written_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is heard is heard all the same."""
    monkeypatch.setattr(running, "_KEEP_POSITIONS", 0.01)
    url = new_url()
    nowhere = tmp_path / "nowhere" / "positions.json"
    there, run = process(url, "replay"), process(url, "replay", positions=str(nowhere))
    said = "The positions of the relay of 'shop' cannot be kept."
    with there.relay, run.relay:
        until(lambda: caplog.messages.count(said) > 1)
        there.signal.send("shop", n=1)
        until(lambda: run.heard == [1])


@pytest.mark.parametrize(
    "text", ["", "[1]", '"text"', "{1}", '{"a": 1}', '{"a": null}', "\udcff", "null"]
)
def test_a_file_of_something_else_is_refused(file: Path, text: str) -> None:
    """Before anything begins."""
    file.write_text(text, errors="surrogateescape")
    made = process(new_url(), "replay", positions=str(file))
    with pytest.raises(
        ArgumentError,
        match=r"positions\.json holds no positions of a relay: remove it, or name another file\.",
    ):
        made.relay.start()

    assert not made.relay.health().running


def test_a_position_that_the_broker_does_not_have_is_a_gap(file: Path) -> None:
    """As the embedded one begins with nothing in each process."""
    file.write_text(json.dumps({NAME: "1@elsewhere", "shop_replay_other": "3@elsewhere"}))
    url = new_url()
    there, run = process(url, "replay"), process(url, "replay", positions=str(file))
    with there.relay:
        there.signal.send("shop", n=1)
        assert there.relay.flush()
        with run.relay:
            until(lambda: run.heard == [("missing", None), 1])

    assert positions(file) == {NAME: 1, "shop_replay_other": 3}


def test_what_cannot_be_read_moves_the_position_on(file: Path) -> None:
    """It would be in the way for ever."""
    url = new_url()
    there = process(url, "replay")
    run = Process(Relay(url, app="shop", positions=str(file)), declared())
    run.relay.replay(run.signal, start="beginning")
    run.relay.connect(run.signal, run.hear, scope="each")
    resynced.connect(run.miss, run.relay)
    with there.relay:
        crossing = there.relay.running.crossings[0]
        transport: Any = there.relay.running.transport
        transport._place.log(crossing.channel).append("hostile", b"hostile")
        with run.relay:
            until(lambda: run.relay.health().dropped == {"malformed": 1})

    assert (run.heard, positions(file)) == ([], {NAME: 1})
