"""Runs whose process was killed: they are told as lost to whoever asks first."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import ArgumentError, StateError
from heliograph.lifecycle import JobInfo, job, job_failed, job_finished, job_started
from heliograph.lifecycle.described import ScopeRequest
from heliograph.lifecycle.leases import Leases
from tests.cli.children import child
from tests.lifecycle.calling import heard

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


@contextmanager
def running(folder: Path, where: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a job in a process or in its child; gives the process, and the id of the job's one."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.lifecycle.leasing", str(folder), where],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def soon(done: Any) -> bool:
    """Wait until something is so: the system takes a moment to end a process."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if done():
            return True
        time.sleep(0.02)
    return False


def test_a_run_whose_process_was_killed_is_lost_to_the_first_who_asks(tmp_path: Path) -> None:
    """Though a child of it goes on."""
    leases = Leases(tmp_path)
    with running(tmp_path, "parent") as (process, _):
        assert [(it.system, it.name) for it in leases.open()] == [("function", "wait")]
        assert leases.tell_lost() == []
        process.kill()
        process.wait()
        with heard() as kept:
            [lost] = leases.tell_lost()
            assert leases.tell_lost() == leases.open() == []

    assert [name for name, _ in kept] == ["job-failed"]
    told = kept[0][1]
    assert (told["sender"], told["job"], told["outcome"], told["exception"]) == (
        leases,
        lost,
        "lost",
        None,
    )
    assert (lost.name, lost.attempt, lost.parent, lost.request) == ("wait", 1, None, None)
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_not_lost_while_its_parent_can_tell_of_it(tmp_path: Path) -> None:
    """Its worker knows more; if that is killed, too, nobody does."""
    leases = Leases(tmp_path)
    with running(tmp_path, "child") as (process, worker):
        os.kill(worker, signal.SIGKILL)
        time.sleep(0.1)
        assert leases.tell_lost() == []
        process.kill()
        process.wait()
        assert [it.name for it in leases.tell_lost(sender="shop")] == ["wait"]


def test_a_run_is_not_lost_while_its_process_goes_on_alone(tmp_path: Path) -> None:
    """As a job of RQ does, whose worker was killed."""
    leases = Leases(tmp_path)
    with running(tmp_path, "child") as (process, worker):
        process.kill()
        process.wait()
        assert (leases.tell_lost(), len(leases.open())) == ([], 1)
        os.kill(worker, signal.SIGKILL)
        assert soon(leases.tell_lost)


def test_a_child_that_stops_its_leases_leaves_those_of_its_parent(tmp_path: Path) -> None:
    """It holds none of them; leases that are gone are no child's business."""
    ended = child(
        sys.executable, "-m", "tests.lifecycle.leasing", str(tmp_path), "nowhere", cwd=ROOT
    )

    assert (ended.status, ended.err, ended.out.count(".process\n")) == (0, "", 1)
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_lost_once_whoever_asks(tmp_path: Path) -> None:
    """At the same time."""
    with running(tmp_path, "parent") as (process, _):
        process.kill()
        process.wait()
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: Leases(tmp_path).tell_lost(), range(8)))

    assert sorted(len(it) for it in found) == [0] * 7 + [1]


def test_a_run_that_has_ended_leaves_nothing(tmp_path: Path) -> None:
    """However it has ended; what was not stopped in order is taken away by the next who asks."""
    leases = Leases(tmp_path)

    @job
    def works(error: Exception | None = None) -> list[JobInfo]:
        if error is not None:
            raise error
        return [*leases.open(), *leases.tell_lost()]

    with leases:
        [noted] = works()
        with pytest.raises(LookupError):
            works(LookupError())
        assert [it.suffix for it in tmp_path.iterdir()] == [".process"]
    leases.stop()
    works()

    assert noted.system == "function"
    assert list(tmp_path.iterdir()) == []


def test_a_job_that_is_given_out_again_has_lost_its_first_run(tmp_path: Path) -> None:
    """Where the system says that it is; other jobs are left alone."""
    with running(tmp_path, "parent") as (process, _):
        process.kill()
        process.wait()
    leases = Leases(tmp_path)
    [first] = leases.open()
    with leases, heard() as kept:
        for name in ("another", first.id):
            again = JobInfo("celery", "wait", id=name, redelivered=True)
            job_started.send("shop", job=again)
            job_finished.send("shop", job=again, outcome="succeeded", duration=0.0)

    told = [(name, it.get("outcome")) for name, it in kept if it["job"].id == first.id]
    assert told == [("job-failed", "lost"), ("job-started", None), ("job-finished", "succeeded")]
    assert [it["sender"] for name, it in kept if name == "job-failed"] == ["shop"]


def test_what_is_noted_is_that_of_the_run(tmp_path: Path) -> None:
    """Not of who asks for it, in a request of their own maybe; an id may have any signs."""
    odd = JobInfo("rq", "send", id="7", run_id="../a/b", requested_by="abc")
    request = ScopeRequest({"type": "http", "method": "GET", "path": "/"})
    with Leases(tmp_path) as leases:
        job_started.send("shop", job=odd)
        request.enter()
        [found] = leases.open()
        request.leave()
        job_finished.send("shop", job=odd, outcome="succeeded", duration=0.0)

    assert (found.run_id, found.requested_by, found.request) == ("../a/b", "abc", None)
    assert (found.id, found.started, found.name) == ("7", odd.started, "send")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("process", ["../precious.process", "precious", ""])
def test_what_is_no_lease_is_left_alone(
    tmp_path: Path, process: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It removes no file but its own; one that goes meanwhile is no lease any more."""
    folder = tmp_path / "leases"
    with Leases(folder) as leases:
        job_started.send("shop", job=JobInfo("rq", "send", run_id="7"))
        noted = json.loads((folder / "7.run").read_text())
        job_failed.send(
            "shop", job=leases.open()[0], exception=None, outcome="failed", duration=0.0
        )
    precious = [tmp_path / "precious.process", folder / "precious"]
    written = [folder / "8.run", folder / "notes.run"]
    for it in precious:
        it.touch()
    written[0].write_text(json.dumps(noted | {"process": process}))
    written[1].write_text("[]")
    (folder / "gone.run").symlink_to(tmp_path / "nothing")

    assert leases.tell_lost() == leases.open() == []
    assert [it.exists() for it in precious + written] == [True] * 4
    assert "notes.run is no lease, and is left alone" in caplog.text


def test_leases_that_cannot_be_kept_are_refused(tmp_path: Path) -> None:
    """Before any job begins; so are those that are started twice."""
    (tmp_path / "file").touch()
    with pytest.raises(ArgumentError, match=r"^Leases cannot be kept in .*file: .*Pass a folder"):
        Leases(tmp_path / "file").start()
    with Leases(tmp_path / "folder") as leases:
        with pytest.raises(StateError, match=r"^These leases were started already"):
            leases.start()
        assert leases.open() == []
