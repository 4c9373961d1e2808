"""`heliograph worker`: runs groups off the path of requests, and ends when it is told to."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.children import HELIOGRAPH, environment, heeding_interrupts, heliograph, write

pytest.importorskip("nats")

from tests.cli.relayed_shop import PROGRAM, Shop, waited
from tests.relay.nats_server import nats_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.relay.nats_server import NatsServer


@pytest.fixture
def server() -> Iterator[NatsServer]:
    """Give a broker."""
    with nats_server() as it:
        yield it


@pytest.fixture
def shop(tmp_path: Path, server: NatsServer) -> Shop:
    """Give a shop, and write it as a program."""
    write(tmp_path / "shop.py", PROGRAM)
    return Shop(server.url, "shop")


class Running:
    """A worker.

    Attributes:
        process: Its process.
    """

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self._log = log

    def lines(self) -> list[str]:
        """Return what it has printed."""
        return self._log.read_text().splitlines()

    def says(self, text: str) -> Callable[[], bool]:
        """Return what tells whether it has printed something."""
        return lambda: text in self._log.read_text()

    def told(self, number: int) -> int:
        """Send it a signal of the operating system; return its exit status."""
        self.process.send_signal(number)
        return self.process.wait(60)


@contextmanager
def worker(cwd: Path, url: str, *arguments: str, **more: str) -> Iterator[Running]:
    """Run a worker of the shop."""
    log = cwd / "worker.log"
    command = heeding_interrupts(HELIOGRAPH, "worker", "--app", "shop", *arguments)
    env = environment(HELIOGRAPH_RELAY_URL=url, **more)
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=cwd, env=env, stdout=output, stderr=output, text=True
        )
        try:
            yield Running(process, log)
        finally:
            process.kill()
            process.wait()


def test_a_worker_runs_groups_until_it_is_told_to_end(
    tmp_path: Path, server: NatsServer, shop: Shop
) -> None:
    """It finishes what is under way, tells how it does when asked, and its exit status is 0."""
    with worker(tmp_path, server.url, "--groups", "billing, mail", SLOW="1") as it, shop.relay:
        waited(it.says("at work"))
        shop.pay(7)
        waited(it.says("mailed 7"))
        waited(it.says("began 7"))
        it.process.send_signal(signal.SIGUSR1)
        waited(it.says("-- connected; "))
        assert it.told(signal.SIGTERM) == 0

    lines = it.lines()
    broker = f"shop on {server.url}"
    assert lines[0] == f"-- {broker}: billing, mail at work in process {it.process.pid}."
    assert "-- SIGTERM: what is under way ends now." in lines
    assert lines.index("billed 7") > lines.index("began 7")
    assert lines[-1].startswith("-- Stopped after ")


def test_a_worker_that_cannot_finish_hands_its_work_back(
    tmp_path: Path, server: NatsServer, shop: Shop
) -> None:
    """It ends soon after its time, whatever its receivers do."""
    options = ("--all", "--timeout", "0.2s", "--every", "0.1s", "--json")
    with worker(tmp_path, server.url, *options, SLOW="100") as it, shop.relay:
        waited(it.says('"kind": "health"'))
        shop.pay(7)
        waited(it.says("began 7"))
        begun = time.monotonic()
        assert it.told(signal.SIGINT) == 1
        assert time.monotonic() - begun < 20

    told: list[dict[str, Any]] = [json.loads(line) for line in it.lines() if line[0] == "{"]
    assert {line["kind"] for line in told} == {"started", "health", "stopping", "stopped"}
    assert told[0]["groups"] == ["billing", "mail"]
    assert (told[-2]["by"], told[-1]["kind"]) == ("SIGINT", "stopped")
    with shop.relay.look() as look:
        [channel] = [it for it in look.channels if it.mode == "durable"]
        left = {it.group: it.waiting + it.running for it in look.backlog(channel)}
    assert left == {"billing": 1, "mail": 0}


def test_a_worker_waits_for_a_broker_that_is_away(tmp_path: Path, shop: Shop) -> None:
    """And says so, without the password."""
    url = "nats://ada:s3cret@127.0.0.1:9"
    with worker(tmp_path, url, "--groups", "*", "--every", "0.1s") as it:
        waited(it.says("-- not connected ("))
        assert it.told(signal.SIGTERM) == 0
        assert it.says("The broker is not there yet: ")()
        assert not it.says("s3cret")()


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["shop"], 2, "Name them by --groups, or say --all. There are billing, mail."),
        (["shop", "--groups", "billing,post"], 1, "Nothing is connected with group='post'"),
        (["shop", "billing"], 2, "unexpected extra argument (billing)"),
        (["idle", "--all"], 1, "has no receiver that is connected with group="),
    ],
)
def test_a_worker_without_work_does_not_start(
    tmp_path: Path, shop: Shop, server: NatsServer, arguments: list[str], status: int, told: str
) -> None:
    """It says what there is."""
    write(tmp_path / "idle.py", "from heliograph.relay import Relay\nrelay = Relay(app='idle')\n")
    ended = heliograph("worker", *arguments, cwd=tmp_path, HELIOGRAPH_RELAY_URL=server.url)

    assert (ended.status, ended.out, told in ended.err) == (status, "", True)


def test_a_worker_that_is_refused_ends(tmp_path: Path, shop: Shop) -> None:
    """With the exit status 1, and without the password."""
    with nats_server("--user", "ada", "--pass", "other") as closed:
        url = closed.url.replace("//", "//ada:s3cret@")
        ended = heliograph("worker", "shop", "--all", cwd=tmp_path, HELIOGRAPH_RELAY_URL=url)

    assert (ended.status, ended.out) == (1, "")
    assert "refuses our user" in ended.err
    assert "s3cret" not in ended.err
