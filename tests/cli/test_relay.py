"""`heliograph relay`: what crosses, what waits, and what could not be done."""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from click.testing import CliRunner

from tests.cli.children import Ended, write
from tests.cli.children import heliograph as heliograph_child

pytest.importorskip("nats")

from heliograph.cli.commands import heliograph
from heliograph.redaction import HIDDEN, Redaction
from heliograph.relay import Relay
from heliograph.relay.channels import Channel
from heliograph.relay.tables.unsent import inserting, values
from heliograph.relay.transports import Arrived, Gap
from tests.cli.relayed_shop import PROGRAM, Shop
from tests.relay.nats_server import nats_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from click.testing import Result

    from tests.relay.nats_server import NatsServer

    Run = Callable[..., Result]


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServer]:
    """Give a broker."""
    with nats_server() as it:
        yield it


@pytest.fixture
def shop(server: NatsServer) -> Shop:
    """Give a shop of which the broker knows nothing yet."""
    return Shop(server.url, f"shop-{uuid4().hex[:8]}")


@pytest.fixture
def run(server: NatsServer, shop: Shop) -> Run:
    """Give what runs a command on the broker of the shop."""

    def run(verb: str, *arguments: str, status: int = 0) -> Result:
        where = ["--url", server.url.replace("//", "//ada:s3cret@"), "--relay", shop.relay.app]
        result = CliRunner().invoke(heliograph, ["relay", verb, *where, *arguments])
        assert result.exit_code == status, result.output
        assert "s3cret" not in result.output
        return result

    return run


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Write the shop as a program."""
    write(tmp_path / "shop.py", PROGRAM)
    return tmp_path


def rows(result: Result | Ended) -> list[list[str]]:
    """Return the cells of what was printed."""
    text = result.out if isinstance(result, Ended) else result.output
    return [it.split() for it in text.splitlines()]


def keys(run: Run) -> list[str]:
    """Return the keys of all dead letters."""
    return [it["key"] for it in json.loads(run("dead-letters", "--json").output)]


def test_the_state_of_a_program_is_shown(program: Path, server: NatsServer) -> None:
    """With its broadcast signals, and with groups that nobody has run yet."""
    env = {"HELIOGRAPH_RELAY_URL": server.url}
    ended = heliograph_child("relay", "status", "shop", cwd=program, **env)

    assert (ended.status, ended.err) == (0, "")
    assert rows(ended) == [
        ["shop", "on", f"{server.url}:", "connected"],
        ["signal", "mode", "group", "waiting", "running", "dead"],
        ["price_changed", "broadcast"],
        ["order_paid", "durable", "billing", "never", "ran"],
        ["mail", "never", "ran"],
    ]
    ended = heliograph_child("relay", "drain", "shop", "mail", "--json", cwd=program, **env)
    assert (ended.status, json.loads(ended.out)) == (0, {"done": 0, "dead": 0, "left": 0})
    ended = heliograph_child("relay", "drain", "shop", "mail", cwd=program, **env)
    assert (ended.status, ended.out) == (0, "0 done, 0 put aside, 0 left for mail.\n")
    ended = heliograph_child("relay", "drain", "--app", "shop", cwd=program, **env)
    assert (ended.status, "Which group? Name one, or several." in ended.err) == (2, True)
    ended = heliograph_child("relay", "drain", "--app", "shop", "post", cwd=program, **env)
    assert (ended.status, ended.out) == (1, "")
    assert "Groups with receivers here: 'billing', 'mail'." in ended.err


def test_the_state_tells_what_is_wrong(run: Run, shop: Shop) -> None:
    """The exit status is 1 for what the options do not allow."""
    shop.work(1, 13)
    with shop.relay:
        shop.pay(2, 3)

    assert rows(run("status"))[2:] == [
        ["order_paid", "durable", "billing", "2", "0", "1"],
        ["stock_counted", "replay"],
    ]
    run("status", "--fail-on-waiting", "2", "--fail-on-unsent", "1s")
    made = json.loads(
        run("status", "--json", "--fail-on-dead", "--fail-on-waiting", "1", status=1).output
    )
    assert made["problems"] == [
        "The group 'billing' of order_paid has 1 dead letter.",
        "The group 'billing' of order_paid has 2 waiting, and 1 may.",
    ]
    assert (made["relay"], made["connected"], made["outbox"]) == (shop.relay.app, True, None)
    printed = run("status", "--fail-on-dead", status=1).output
    assert printed.endswith("WRONG: The group 'billing' of order_paid has 1 dead letter.\n")


def test_nothing_is_no_problem(run: Run) -> None:
    """A broker that knows nothing of a program says so."""
    assert run("status").output.splitlines()[1:] == ["Nothing crosses."]
    assert "No group of 'shop-" in run("dead-letters").output
    assert run("replay", "--all").output == "0 dead letters given back to their groups.\n"
    assert "No signal of 'shop-" in run("tail", status=1).output


def test_dead_letters_are_listed_and_shown(run: Run, shop: Shop) -> None:
    """By a key, with the reason, and without what is secret in them."""
    shop.work(13, 14)

    [_, first, second] = rows(run("dead-letters"))
    assert [first[:2], second[:2]] == [["order_paid/1", "billing"], ["order_paid/2", "billing"]]
    assert "ValueError: token=[redacted]" in run("dead-letters").output
    assert "There are 1 more: --limit shows them." in run("dead-letters", "--limit", "1").output
    assert keys(run) == ["order_paid/1", "order_paid/2"]
    shown = json.loads(run("show", "order_paid/2", "--json").output)
    assert shown["envelope"]["payload"] == {"order_id": "14", "token": "[redacted]"}
    by_id = run("show", shown["envelope"]["id"], "--redact", "order_id")
    assert "payload order_id  [redacted]" in by_id.output
    assert "There is no dead letter 'order_paid/3'" in run("show", "order_paid/3", status=1).output
    assert "Name one dead letter by its key" in run("show", status=2).output


def test_dead_letters_are_given_back(run: Run, shop: Shop) -> None:
    """To their group, by key or id, or all that match; the exit status tells of unknown keys."""
    shop.work(13, 14)

    some = run("replay", "order_paid/1", "order_paid/1", "order_paid/7", status=1)
    assert some.stdout == "1 dead letter given back to their groups.\n"
    assert "There is no dead letter 'order_paid/7'" in some.stderr
    assert rows(run("status"))[2] == ["order_paid", "durable", "billing", "1", "0", "1"]
    assert json.loads(run("replay", "--all", "--group", "mail", "--json").output) == {
        "replayed": 0,
        "unknown": [],
    }
    assert json.loads(run("replay", "--all", "--signal", "order*", "--json").output) == {
        "replayed": 1,
        "unknown": [],
    }
    assert keys(run) == []
    assert "or say --all" in run("replay", status=2).output


def test_dead_letters_are_forgotten(run: Run, shop: Shop) -> None:
    """By name, or all of them."""
    shop.work(13, 14)

    assert run("forget", "order_paid/2").output == "1 dead letter removed.\n"
    assert keys(run) == ["order_paid/1"]
    assert run("forget", "--all").output == "1 dead letter removed.\n"
    assert keys(run) == []


def test_what_crosses_is_followed(program: Path, server: NatsServer, shop: Shop) -> None:
    """Each line says when, what, from whom and from where; secrets are hidden."""
    env = {"HELIOGRAPH_RELAY_URL": server.url, "SHOP": shop.relay.app}
    over = threading.Event()

    def send() -> None:
        while not over.wait(0.05):
            shop.pay(7)
            shop.price_changed.send("web", sku="a7")

    with shop.relay:
        sending = threading.Thread(target=send)
        sending.start()
        ended = heliograph_child(
            "relay", "tail", "shop", "--json", "--count", "6",
            cwd=program, **env,
        )  # fmt: skip
        over.set()
        sending.join()

    made = [json.loads(it) for it in ended.out.splitlines()]
    assert (ended.status, ended.err, len(made)) == (0, "", 6)
    assert {it["mode"] for it in made} == {"broadcast", "durable"}
    assert {it["sender"] for it in made} == {"web"}
    assert {it["origin"] for it in made} == {shop.relay.origin}
    paid = next(it for it in made if it["signal"] == "order_paid")
    assert paid["payload"] == {"order_id": "7", "token": HIDDEN}


def test_the_last_ones_are_shown_first(run: Run, shop: Shop) -> None:
    """In the order of their times, over all signals; a pattern chooses signals."""
    with shop.relay:
        shop.pay(1)
        shop.relay.send_confirmed(shop.stock_counted, "web", pieces=7, within=20)
        shop.pay(2)

    lines = run("tail", "--last", "2", "--for", "0s").output.splitlines()
    assert [it.split("  ")[1:4] for it in lines] == [
        ["stock_counted", "(pieces=7)", "from web"],
        ["order_paid", "(order_id=2, token=[redacted])", "from web"],
    ]
    lines = run("tail", "--last", "9", "--for", "0s", "--signal", "order*").output.splitlines()
    assert [it.split("  ")[1] for it in lines] == ["order_paid", "order_paid"]
    assert run("tail", "--last", "9", "--count", "1").output.count("\n") == 1
    assert "No signal 'x*' of" in run("tail", "--signal", "x*", status=1).output


def test_a_broker_that_goes_away_is_told_of(shop: Shop) -> None:
    """While it is followed; and so is what may be missing."""
    with nats_server() as server:
        shop = Shop(server.url, "shop")
        with shop.relay:
            shop.pay(1)

        def interrupt() -> None:
            time.sleep(0.5)
            server.kill()
            time.sleep(0.5)
            server.start_again()

        interrupting = threading.Thread(target=interrupt)
        interrupting.start()
        where = ["--url", server.url, "--relay", "shop"]
        result = CliRunner().invoke(heliograph, ["relay", "tail", *where, "--for", "4s"])
        interrupting.join()
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr.startswith("-- ")
        assert result.stderr.endswith("-- The broker is there again.\n")


@pytest.mark.parametrize("verb", ["status", "tail", "dead-letters", "show", "replay", "forget"])
def test_a_broker_that_is_away_is_named_without_secrets(verb: str) -> None:
    """In a line, with what to look for, and the exit status 1."""
    key = {"show": ["k"], "replay": ["k"], "forget": ["k"]}.get(verb, [])
    where = ["--url", "nats://ada:s3cret@127.0.0.1:9", "--relay", "shop"]
    result = CliRunner().invoke(heliograph, ["relay", verb, *where, *key])

    assert result.exit_code == 1
    assert "Is the broker running, and can it be reached from here?" in result.output
    assert "127.0.0.1:9" in result.output
    assert not {"s3cret", "ada", "Traceback"} & {*result.output.replace(":", " ").split()}


def test_a_broker_that_refuses_us_is_told_of(server: NatsServer) -> None:
    """Without the password that it refuses."""
    with nats_server("--user", "ada", "--pass", "other") as closed:
        where = ["--url", closed.url.replace("//", "//ada:s3cret@"), "--relay", "shop"]
        result = CliRunner().invoke(heliograph, ["relay", "dead-letters", *where])

    assert result.exit_code == 1
    assert "refuses our user" in result.output
    assert "s3cret" not in result.output


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["--url", "nats://127.0.0.1:9"], 2, "say by --relay what the relay is called"),
        (["--url", "nats://127.0.0.1:9", "--relay", "a", "--app", "b"], 2, "leave --app out"),
        (["--url", "memory://", "--relay", "shop"], 1, "reaches its own process alone"),
        (["--url", "ftp://x", "--relay", "shop"], 1, "The URL of a relay begins with one of"),
        (["--url", "nats://127.0.0.1:9", "--relay", "a", "b"], 2, "unexpected extra argument (b)"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], status: int, told: str) -> None:
    """Before anything is asked."""
    result = CliRunner().invoke(heliograph, ["relay", "status", *arguments])

    assert (result.exit_code, told in result.output) == (status, True)


def test_the_broker_of_the_environment_is_asked(
    server: NatsServer, shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where nothing names a program; otherwise it is asked for."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HELIOGRAPH_RELAY_URL", server.url)
    where = ["--relay", shop.relay.app]
    assert CliRunner().invoke(heliograph, ["relay", "status", *where]).exit_code == 0
    monkeypatch.delenv("HELIOGRAPH_RELAY_URL")
    result = CliRunner().invoke(heliograph, ["relay", "status", *where])
    assert (result.exit_code, "Which program?" in result.output) == (2, True)


SEVERAL = """
    from flask import Flask
    from heliograph.relay import Relay
    app = Flask(__name__)
    app.extensions["kiosk"] = Relay(app="kiosk")
    app.extensions["mail"] = object()
    shop = Relay(app="shop").start()
    also_shop = shop
"""


def test_one_of_several_relays_is_chosen(tmp_path: Path, server: NatsServer) -> None:
    """By its variable or by what it is called; one that runs already receives nothing here."""
    write(tmp_path / "several.py", SEVERAL)
    env = {"HELIOGRAPH_RELAY_URL": server.url}

    ended = heliograph_child("relay", "status", "several", cwd=tmp_path, **env)
    assert (ended.status, ended.out) == (2, "")
    assert "several.also_shop (of 'shop'), extensions.kiosk (of 'kiosk'). Choose" in ended.err
    for name in ("several:shop", "kiosk"):
        ended = heliograph_child("relay", "status", "several", "--relay", name, cwd=tmp_path, **env)
        assert (ended.status, ended.err) == (0, "")
    ended = heliograph_child("relay", "tail", "several", "--relay", "x", cwd=tmp_path, **env)
    assert (ended.status, "'several' has no relay 'x'" in ended.err) == (1, True)


def test_a_program_without_a_relay_is_told_so(tmp_path: Path) -> None:
    """And so is one whose relay reaches nobody else."""
    write(tmp_path / "plain.py", "from heliograph import Signal\n")
    write(tmp_path / "alone.py", "from heliograph.relay import Relay\nrelay = Relay(app='shop')\n")

    ended = heliograph_child("relay", "status", "plain", cwd=tmp_path)
    assert (ended.status, "'plain' has no relay: none of its modules" in ended.err) == (1, True)
    ended = heliograph_child("relay", "drain", "alone", "billing", cwd=tmp_path)
    assert (ended.status, "uses memory://, which reaches its own" in ended.err) == (1, True)


def test_without_its_library_a_relay_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line."""
    monkeypatch.setitem(__import__("sys").modules, "heliograph.relay", None)
    result = CliRunner().invoke(heliograph, ["relay", "status", "shop"])

    assert result.exit_code == 1
    assert "pip install 'heliograph[relay]'" in result.output


def test_a_group_is_worked_on_until_nothing_is_left(shop: Shop) -> None:
    """What is put aside meanwhile, and what is left after the time, is counted."""
    from heliograph.cli.draining import drained

    with shop.relay:
        shop.pay(1, 2, 13)
    shop.pause = 0.5  # Longer than what is fetched ahead of one that is done at once.
    assert drained(shop.relay, ["billing"], 0.0)["left"] > 0
    shop.pause = 0.0
    made = drained(shop.relay, ["billing"], None)
    assert made["left"] == 0
    assert sorted(shop.billed) == [1, 2]


def test_what_an_outbox_holds_is_a_part_of_the_state(
    server: NatsServer, shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """How many wait there, and for how long."""
    pytest.importorskip("sqlalchemy")
    from sqlalchemy import create_engine, text

    from heliograph.cli.relay_status import Tolerance, print_status, status_of
    from heliograph.relay.outbox import Outbox

    url = f"sqlite:///{tmp_path / 'shop.db'}"
    outbox = Outbox(url)
    outbox.open()
    relay = Relay(server.url, app=shop.relay.app)
    relay.durable(shop.order_paid, outbox=outbox)
    empty = status_of(relay.look(), relay, Tolerance(unsent=0.0))
    nothing = {"unsent": 0, "oldest": None, "put_aside": 0, "trouble": None}
    assert (empty["outbox"], empty["problems"]) == (nothing, [])
    with create_engine(url).begin() as connection:
        row = values(Channel(shop.relay.app, "order_paid", "durable"), "an-id", b"")
        connection.execute(text(inserting("main")), row)

    made = status_of(relay.look(), relay, Tolerance(unsent=0.0))
    assert made["outbox"]["unsent"] == 1
    print_status(made)
    printed = capsys.readouterr().out
    assert "outbox: 1 unsent, the oldest for " in printed
    assert "WRONG: The oldest envelope of the outbox waits for " in printed


def test_what_stands_against_an_outbox_is_wrong(
    server: NatsServer, shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the broker has refused for good, and a database that says nothing."""
    pytest.importorskip("sqlalchemy")
    from sqlalchemy import create_engine, text

    from heliograph.cli.relay_status import Tolerance, print_status, status_of
    from heliograph.relay.outbox import Outbox

    url = f"sqlite:///{tmp_path / 'shop.db'}"
    outbox = Outbox(url)
    outbox.open()
    relay = Relay(server.url, app=shop.relay.app)
    relay.durable(shop.order_paid, outbox=outbox)
    with create_engine(url).begin() as connection:
        row = values(Channel(shop.relay.app, "order_paid", "durable"), "an-id", b"")
        connection.execute(text(inserting("main")), row)
        connection.execute(text("UPDATE heliograph_outbox SET aside_at = 1"))
    [told] = status_of(relay.look(), relay, Tolerance())["problems"]
    assert told.startswith("The broker has refused 1 of the outbox for good: Outbox.put_aside() ")
    with create_engine(url).begin() as connection:
        connection.execute(text("DROP TABLE heliograph_outbox"))
    made = status_of(relay.look(), relay, Tolerance())
    assert made["outbox"]["trouble"] in made["problems"]
    print_status(made)
    assert "WRONG: The outbox in " in capsys.readouterr().out


def test_what_strangers_have_written_steers_nothing() -> None:
    """What is no envelope is told of, and so is what may be missing; a notice is not shown."""
    from heliograph.cli.crossing_lines import CrossingLines

    lines = CrossingLines(Redaction())
    channel = Channel("shop", "paid", "durable")

    def line(data: bytes) -> str | None:
        values = lines.values(channel, Arrived(data))
        return None if values is None else lines.line(values)

    def envelope(**more: object) -> bytes:
        known = {"v": 1, "id": "i", "signal": "paid", "origin": "\x1b[31mme", "time": 0.0}
        return json.dumps(known | more).encode()

    shown = line(envelope(time=1e300, payload=["\x1b", 1], sender="a\x1b"))
    assert shown is not None
    assert shown.split("  ")[1:] == [
        "paid", "(payload=['\\x1b', 1])", "from a\N{REPLACEMENT CHARACTER}",
        "at \N{REPLACEMENT CHARACTER}[31mme",
    ]  # fmt: skip
    assert (line(envelope()) or "").split("  ")[1:] == [
        "paid", "from nobody", "at \N{REPLACEMENT CHARACTER}[31mme",
    ]  # fmt: skip
    assert line(envelope(notice=True)) is None
    assert (line(b"\x1b") or "").startswith("-- paid: 1 bytes are no envelope. It is no envelope")
    gap = lines.values(channel, Gap("it was late", 3))
    assert gap is not None
    assert lines.line(gap) == "-- paid: something may be missing (3), as it was late"
    gap = lines.values(channel, Gap("it was late"))
    assert gap is not None
    assert lines.line(gap) == "-- paid: something may be missing, as it was late"


def test_a_notice_is_not_followed(shop: Shop) -> None:
    """It is between relays."""
    from heliograph.cli.crossing_lines import CrossingLines
    from heliograph.cli.tailing import Tailing

    shown: list[dict[str, object]] = []
    tailing = Tailing(shop.relay.look(), CrossingLines(Redaction()), shown.append, None)
    notice = {"v": 1, "id": "", "signal": "paid", "origin": "o", "time": 0, "notice": True}
    channel = Channel("shop", "paid", "broadcast")
    tailing._come.put((channel, Arrived(json.dumps(notice).encode())))
    tailing._take(0.0)

    assert shown == []


def test_a_broker_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each answer has its time."""
    from heliograph.relay import UnavailableError, looking

    monkeypatch.setattr(looking, "_PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"nats://127.0.0.1:{silent.getsockname()[1]}"
        said = r"has not answered for 0.1 seconds\."
        with pytest.raises(UnavailableError, match=said), looking.Look(url, "shop"):
            pass


def test_a_dead_letter_that_is_no_envelope_is_shown(run: Run, shop: Shop) -> None:
    """By its key alone, as it has no id."""
    channel = Channel(shop.relay.app, "order_paid", "durable")
    shop.work()
    with shop.relay.look() as look:
        look._ask(look._transport.store(channel, "an-id", b"junk"))
    shop.work()

    [_, row] = rows(run("dead-letters"))
    assert row[-3:] == ["it", "is", "none"]
    assert "It is no envelope" in run("show", "order_paid/1").output
    assert run("forget", "order_paid/1").output == "1 dead letter removed.\n"
