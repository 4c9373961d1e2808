"""The relay under real servers: every worker hears what any process sends, in order, and once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from heliograph import Namespace
from heliograph.relay import Relay
from tests.lifecycle.served import free_port, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
PROGRAM = "tests.relay.served_program"
GUNICORN = "gunicorn {program}:wsgi -w 2 --bind 127.0.0.1:{port} --graceful-timeout 2"
SERVERS = {
    "gunicorn": GUNICORN,
    "gunicorn, preloaded": f"{GUNICORN} --preload",
    "gunicorn gthread, preloaded": f"{GUNICORN} --preload -k gthread --threads 4",
    "gunicorn gevent": f"{GUNICORN} -k gevent",
    "gunicorn gevent, preloaded": f"{GUNICORN} --preload -k gevent",
    "uvicorn": "uvicorn {program}:asgi --workers 2 --port {port} --log-level warning",
    "hypercorn": "hypercorn {program}:asgi -w 2 --bind 127.0.0.1:{port} --graceful-timeout 2",
    "granian": "granian {program}:asgi --interface asgi --workers 2 --port {port}",
}
TIMES = 10
SETTLING = 999_999
"""What is sent before a test begins."""


def until(done: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Wait until something is so; tell whether it is."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


class Program:
    """A program that a server serves, and a relay of the test's own beside it."""

    def __init__(self, url: str, app: str, folder: Path) -> None:
        self.port = free_port()
        self.diary = folder / "diary"
        self.out = folder / "out"
        shop = Namespace("served")
        shop.declare(price_changed)
        self.signal = shop.signal("price_changed")
        self.relay = Relay(url, app=app)
        self.relay.broadcast(self.signal)
        self.heard: list[tuple[str, int]] = []
        self.relay.connect(self.signal, self.hear, scope="each")
        self.process: subprocess.Popen[bytes] | None = None

    def hear(self, sender: str, *, n: int) -> None:
        """Note what was sent by a view."""
        if sender == "view" and n != SETTLING:
            self.heard.append((sender, n))

    def by_process(self) -> dict[int, list[tuple[str, int]]]:
        """Return what each process has heard, without what was only to find it."""
        found: dict[int, list[tuple[str, int]]] = defaultdict(list)
        text = self.diary.read_text() if self.diary.exists() else ""
        for line in text.splitlines():
            it = json.loads(line)
            what = it["sender"], it["n"]
            found[it["pid"]] += [what] if it["sender"] != "probe" and it["n"] != SETTLING else []
        return dict(found)

    def workers(self) -> set[int]:
        """Return the processes that have heard something, but for the master."""
        assert self.process is not None
        return self.by_process().keys() - {self.process.pid}

    def find(self, several: int, but: frozenset[int] = frozenset()) -> set[int]:
        """Send until so many workers have heard it; return which ones."""

        def found() -> bool:
            self.signal.send("probe", n=0)
            time.sleep(0.05)
            return len(self.workers() - but) >= several

        assert until(found), (self.by_process(), self.out.read_text()[-3000:])
        return self.workers() - but

    def settle(self, workers: set[int]) -> None:
        """Wait until these serve, and hear: gevent may have patched them since they have heard."""
        answered: set[int] = set()

        def answer() -> bool:
            answered.add(self.ask(SETTLING))
            return answered >= workers

        assert until(answer), (answered, workers)
        before = self.diary.stat().st_size

        def hear() -> bool:
            self.signal.send("probe", n=0)
            time.sleep(0.05)
            later = self.diary.read_text()[before:].splitlines()
            return {json.loads(it)["pid"] for it in later} >= workers

        assert until(hear), self.out.read_text()[-3000:]

    def ask(self, n: int) -> int:
        """Let a worker send; return which one it was."""
        with urlopen(f"http://127.0.0.1:{self.port}/{n}", timeout=10) as answer:
            return int(answer.read())


def price_changed(sender: str, *, n: int) -> None:
    """A price is not what it was."""


@contextmanager
def running(command: str, url: str, folder: Path, **environment: str) -> Iterator[Program]:
    """Run the program by a command."""
    app = f"shop-{folder.name}"
    program = Program(url, app, folder)
    words = command.format(program=PROGRAM, port=program.port).split()
    with program.out.open("wb") as out:
        program.process = process = subprocess.Popen(
            [sys.executable, "-m", *words],
            cwd=ROOT,
            env={
                **os.environ,
                "RELAY_URL": url,
                "RELAY_APP": app,
                "DIARY": str(program.diary),
                "PYTHONPATH": str(ROOT),
                "PYTHONWARNINGS": "ignore",
                **environment,
            },
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        with program.relay:
            yield program
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.mark.parametrize("server", SERVERS)
def test_every_worker_hears_what_any_process_sends(
    server: str, nats_url: str, tmp_path: Path
) -> None:
    """Each once, and in the order of whoever sends: views and another process alike."""
    sent = [("test", n) for n in range(TIMES)]
    with running(SERVERS[server], nats_url, tmp_path) as program:
        assert program.process is not None
        wait_for(program.port, program.process, tmp_path)
        workers = program.find(2)
        if "gevent" in server:
            program.settle(workers)
        for sender, n in sent:
            program.signal.send(sender, n=n)
        senders = [program.ask(n) for n in range(TIMES)]

        def all_there() -> bool:
            found = program.by_process()
            return (
                all(len(found[it]) >= 2 * TIMES for it in workers) and len(program.heard) >= TIMES
            )

        assert until(all_there), (program.by_process(), program.out.read_text()[-3000:])
        found = program.by_process()

    views = {it: [n for n, by in enumerate(senders) if by == it] for it in set(senders)}
    for worker in workers:
        assert [it for it in found[worker] if it[0] == "test"] == sent
        heard = [n for sender, n in found[worker] if sender == "view"]
        assert sorted(heard) == [*range(TIMES)]
        # In the order of each worker: the two of them are not in one.
        assert all([n for n in heard if n in of] == of for of in views.values())
    assert sorted(program.heard) == [("view", n) for n in range(TIMES)]


@pytest.mark.parametrize("more", ["", "-c python:tests.relay.patched_first"])
def test_workers_with_greenlets_hear_after_a_silence(
    more: str, nats_url: str, tmp_path: Path
) -> None:
    """What hears begins again then, in a worker that was patched before the fork, or after it."""
    command = f"{SERVERS['gunicorn gevent, preloaded']} {more}"
    with running(command, nats_url, tmp_path, IDLE="0.02") as program:
        workers = program.find(2)
        program.settle(workers)
        for n in range(TIMES):
            time.sleep(0.2)
            program.signal.send("test", n=n)

        assert until(lambda: all(len(program.by_process()[it]) >= TIMES for it in workers))
        found = program.by_process()
    assert [found[it] for it in workers] == [[("test", n) for n in range(TIMES)]] * 2


def test_a_worker_that_comes_instead_of_one_that_was_killed_hears_as_well(
    nats_url: str, tmp_path: Path
) -> None:
    """A fork of the preloaded master begins for itself."""
    with running(SERVERS["gunicorn, preloaded"], nats_url, tmp_path) as program:
        before = program.find(2)
        os.kill(min(before), signal.SIGKILL)
        [new] = program.find(1, frozenset(before))
        for n in range(TIMES):
            program.signal.send("test", n=n)

        assert until(lambda: len(program.by_process()[new]) >= TIMES)
        assert program.by_process()[new] == [("test", n) for n in range(TIMES)]


def test_tasks_of_celery_send(nats_url: str, valkey_url: str, tmp_path: Path) -> None:
    """The processes of its pool are forks of a parent that runs the relay."""
    command = "celery -A tests.relay.celery_program worker -c 2 --loglevel warning"
    with running(command, nats_url, tmp_path, CELERY_BROKER=valkey_url) as program:
        from celery import Celery

        with Celery("relayed", broker=valkey_url, set_as_current=False) as celery:
            for n in range(TIMES):
                celery.send_task("tests.relay.celery_program.change", [n])

        assert until(lambda: len(program.heard) >= TIMES, 40), program.out.read_text()[-3000:]
        assert sorted(program.heard) == [("view", n) for n in range(TIMES)]
