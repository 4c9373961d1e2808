"""`heliograph audit`: reads, seals, verifies and keeps a trail."""

from __future__ import annotations

import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from heliograph import Signal
from tests.cli.children import HELIOGRAPH, environment, heeding_interrupts

pytest.importorskip("sqlalchemy")

from heliograph.audit import Trail
from heliograph.cli.commands import heliograph

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., Result]


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Give a place for a trail."""
    return f"sqlite:///{tmp_path / 'trail.db'}"


@pytest.fixture
def key(tmp_path: Path) -> str:
    """Give a key, as it is named on the command line."""
    (tmp_path / "key").write_text("a secret of sixteen bytes or more\n")
    return f"2026:{tmp_path / 'key'}"


@pytest.fixture
def run(url: str, key: str) -> Run:
    """Give what runs a command on the trail."""

    def run(*arguments: str, status: int = 0) -> Result:
        result = CliRunner().invoke(heliograph, ["audit", "--url", url, "--key", key, *arguments])
        assert result.exit_code == status, result.output
        return result

    return run


@pytest.fixture
def filled(url: str) -> str:
    """Give a trail with six entries."""
    paid = Signal("paid")
    with Trail(url, service="shop") as trail:
        trail.record(paid, action="order.pay", actor="user", target=("order", "n"),
                     outcome=lambda _, it: "denied" if it["n"] == 3 else "success")  # fmt: skip
        for n in range(6):
            paid.send("shop", n=n, user="ada" if n % 2 else "=bob\x1b[31m")
    return url


def test_a_trail_is_made(run: Run, url: str) -> None:
    """With its triggers; a second time changes nothing."""
    assert run("init").output == "The trail is ready.\n"
    assert run("upgrade").output == "The trail is of this version.\n"
    assert run("stats").output == "0 entries, 0 seals, 0 not sealed yet.\n"


def test_without_a_trail_it_says_what_to_do(run: Run) -> None:
    """Nothing is made by looking."""
    assert ": run `heliograph audit init`, or" in run("stats", status=1).output


@pytest.mark.usefixtures("filled")
def test_entries_are_shown(run: Run) -> None:
    """The newest at the end of `tail`, and first in `search`; nothing steers the terminal."""
    tail = run("tail", "-n", "2").output.splitlines()
    assert [it.split()[0] for it in tail] == ["no.", "5", "6"]
    found = run("search", "--outcome", "denied", "--since", "1h").output
    assert "order:3" in found
    assert "order:4" not in found
    assert "\x1b" not in run("tail").output
    assert [json.loads(it)["seq"] for it in run("search", "--actor", "ada", "--json").output
            .splitlines()] == [6, 4, 2]  # fmt: skip
    assert run("timeline", "nothing").output.splitlines()[1:] == []


@pytest.mark.usefixtures("filled")
def test_one_entry_is_shown_whole(run: Run) -> None:
    """By its number or its id."""
    made = json.loads(run("show", "2", "--json").output)
    assert (made["actor_id"], made["data"]) == ("ada", {"payload": {"n": 1, "user": "ada"}})
    assert "order.pay" in run("show", made["id"]).output
    assert "The trail has no entry '99'." in run("show", "99", status=1).output


@pytest.mark.usefixtures("filled")
def test_it_seals_and_verifies(run: Run, tmp_path: Path) -> None:
    """With keys and anchors; what was changed is named, and the exit status is 1."""
    anchors = str(tmp_path / "anchors")
    assert run("verify").output.endswith("Holds: none.\n")
    assert run("seal", "--batch", "4", "--anchor", anchors).output == "6 entries in 2 seals.\n"
    assert run("verify").output.endswith("Holds: keyed.\n")
    assert json.loads(run("verify", "--anchors", anchors, "--json").output)["assurance"] == (
        "anchored"
    )
    connection = sqlite3.connect(tmp_path / "trail.db")
    connection.execute("DROP TRIGGER audit_entry_update")
    connection.execute("UPDATE audit_entry SET outcome = 'success' WHERE seq = 4")
    connection.commit()
    connection.close()

    assert (
        "seal 1, entry 4: its header was changed.\nDOES NOT HOLD: keyed."
        in run("verify", status=1).output
    )
    assert "is no file of anchors" in run("verify", "--anchors", __file__, status=1).output


@pytest.mark.usefixtures("filled")
def test_what_cannot_be_published_is_known_before_anything_is_sealed(run: Run) -> None:
    """An anchor is made once, with its seal."""
    refused = run("seal", "--anchor", "/nowhere/at/all", status=1)

    assert refused.output == (
        "Error: Anchors cannot be written to '/nowhere/at/all': No such file or directory.\n"
    )
    assert run("seal").output == "6 entries in 1 seal.\n"


@pytest.mark.usefixtures("filled")
def test_an_anchor_that_nobody_took_is_shown(run: Run) -> None:
    """So that it can be published by hand; the next run would not make it again."""
    nobody = "http://127.0.0.1:1/"
    told = run("seal", "--batch", "4", "--anchor", nobody, status=1).output.splitlines()

    assert told[0] == "6 entries in 2 seals."
    assert told[1].startswith(f"Error: {nobody!r} did not take the anchor of seal 1 (<urlopen ")
    assert [json.loads(it.partition("): ")[2])["seal"] for it in told[1:]] == [1, 2]


@pytest.mark.parametrize("place", ["missing.db", "folder/missing.db"])
def test_reading_makes_no_trail(place: str, run: Run, tmp_path: Path) -> None:
    """A place that is misspelt would look like a trail in which nothing has happened."""
    refused = run("--url", f"sqlite:///{tmp_path / place}", "tail", status=1)

    assert refused.output == (
        f"Error: There is no trail at {str(tmp_path / place)!r}: run `heliograph audit init`, "
        "or pass create=True.\n"
    )
    assert [it.name for it in tmp_path.iterdir()] == ["key"]


def test_a_driver_that_is_not_installed_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than that is missing."""
    monkeypatch.setitem(sys.modules, "psycopg", None)

    refused = run("--url", "postgresql+psycopg://ada:secret@host/db", "tail", status=1)

    assert refused.output == (
        "Error: 'postgresql+psycopg' needs psycopg, which is not installed: install it.\n"
    )


@pytest.mark.usefixtures("filled")
def test_it_erases_and_prunes(run: Run) -> None:
    """Both leave an entry, and the seals hold."""
    run("seal", "--batch", "3")
    assert run("erase", "ada", "--reason", "asked for it").output.startswith("3 entries tell")
    assert "erased" in run("search", "--actor", "ada").output
    assert run("prune", "--older-than", "1d").output == "0 entries removed.\n"
    assert run("prune", "--older-than", "0s").output == "6 entries removed.\n"
    assert "2 seals" in run("verify").output
    stats = json.loads(run("stats", "--json").output)
    assert stats["by_signal"] == {"trail.pruned": 2, "trail.erased": 1}
    assert "       2  trail.pruned" in run("stats").output


@pytest.mark.usefixtures("filled")
def test_entries_are_exported(run: Run) -> None:
    """Oldest first, as JSON, CSV that no spreadsheet runs, and CloudEvents."""
    assert [json.loads(it)["seq"] for it in run("export").output.splitlines()] == [*range(1, 7)]
    rows = [*csv.DictReader(StringIO(run("export", "--format", "csv").output))]
    assert (rows[0]["actor_id"], rows[1]["target_id"]) == ("'=bob\ufffd[31m", "1")
    events = run("export", "--format", "cloudevents", "--actor", "ada").output.splitlines()
    event: dict[str, Any] = json.loads(events[0])
    assert (event["source"], event["type"], event["subject"]) == ("/shop", "order.pay", "order/1")


def test_the_format_of_cloudevents_is_read_by_others(filled: str, run: Run) -> None:
    """Its required fields are there, and texts."""
    for line in run("export", "--format", "cloudevents").output.splitlines():
        event = json.loads(line)
        assert event["specversion"] == "1.0"
        assert all(isinstance(event[it], str) for it in ("id", "source", "type", "time"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--key", "nothing", "stats"], "'nothing' is no key: write ID:FILE"),
        (["--key", "a:/no/such", "stats"], "'/no/such' cannot be read: No such file"),
        (["--url", "nowhere", "stats"], "'nowhere' is no place for a trail."),
        (["search", "--since", "soon"], "'soon' is no time: write 2026-01-31"),
        (["erase", "ada"], "Missing option '--reason'"),
    ],
    ids=["key", "file", "url", "time", "reason"],
)
def test_what_is_written_wrongly_is_named(arguments: list[str], message: str, filled: str) -> None:
    """In one sentence, without a traceback."""
    result = CliRunner().invoke(heliograph, ["audit", "--url", filled, *arguments])

    assert result.exit_code in (1, 2)
    assert message in result.output


def test_a_short_key_is_refused(filled: str, tmp_path: Path) -> None:
    """It would prove nothing."""
    (tmp_path / "short").write_text("secret")
    arguments = ["audit", "--url", filled, "--key", f"a:{tmp_path / 'short'}", "verify"]

    assert "has 6 bytes, and needs at least 16" in CliRunner().invoke(heliograph, arguments).output


def test_a_trail_of_the_future_is_not_upgraded(run: Run, url: str) -> None:
    """It says what to upgrade instead."""
    run("init")
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    connection.execute("UPDATE audit_schema SET version = 99")
    connection.commit()
    connection.close()

    assert "written by a newer Heliograph (schema 99" in run("upgrade", status=1).output


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such terminals")
@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["verify", "--json"], "\rVerifying: 6 entries"),
        (["export"], "\rExporting: 6 entries"),
        (["seal"], "\rSealing: 6 entries"),
    ],
    ids=lambda it: it[0],
)
def test_on_a_terminal_it_tells_how_far_it_is(command: list[str], told: str, filled: str) -> None:
    """What is meant for programs is not disturbed."""
    mine, theirs = os.openpty()
    run = subprocess.run(
        [HELIOGRAPH, "audit", *command], stdout=subprocess.PIPE, stderr=theirs,
        text=True, check=True, env=environment(HELIOGRAPH_TRAIL=filled),
    )  # fmt: skip
    os.close(theirs)
    shown = os.read(mine, 4096).decode()
    os.close(mine)

    assert told in shown
    assert "\r" not in run.stdout


def test_it_follows_what_comes(filled: str, tmp_path: Path) -> None:
    """Until somebody stops it."""
    command = heeding_interrupts(HELIOGRAPH, "audit", "tail", "-f", "-n", "1", "--json")
    following = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment(HELIOGRAPH_TRAIL=filled)
    )
    assert following.stdout is not None
    try:
        assert json.loads(following.stdout.readline())["seq"] == 6
        with Trail(filled) as trail:
            moved = Signal("moved")
            trail.record(moved)
            moved.send("shop")
            assert json.loads(following.stdout.readline())["signal"] == "moved"
            time.sleep(1.2)  # It looks twice a second, and finds nothing meanwhile.
            moved.send("shop")
            assert json.loads(following.stdout.readline())["seq"] == 8
    finally:
        following.send_signal(signal.SIGINT)
        following.wait(60)
        following.stdout.close()


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    """The other commands need none of it."""
    program = (
        "import sys\n"
        "sys.modules['sqlalchemy'] = None\n"
        "from heliograph.cli.commands import heliograph\n"
        "heliograph(['audit', 'stats'])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path
    )

    assert run.returncode == 1
    assert "This needs sqlalchemy, which is not installed: pip install 'heliograph[audit]'." in (
        run.stderr
    )
