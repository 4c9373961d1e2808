"""Celery's tasks in real workers: one start and one end for each run, over all processes."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from heliograph.lifecycle.celery import install
from tests.lifecycle import celery_app
from tests.lifecycle.served import CHOICE
from tests.lifecycle.workers import Working, working

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# What they look at is made once, and takes seconds.
pytestmark = pytest.mark.xdist_group("workers of Celery")

WORKER = "celery -A tests.lifecycle.celery_app worker -l warning --without-gossip --without-mingle"

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "return": ("work", {}),
    "fail": ("work", {}),
    "retry": ("work", {}),
    "give up": ("work", {}),
    "ignore": ("work", {}),
    "reject": ("work", {}),
    "unserializable": ("stored", {}),
    "publish": ("work", {}),
    "sleep 1.9": ("work", {"soft_time_limit": 1}),
    "sleep 1.8": ("work", {"time_limit": 1}),
}
"""What is run in every pool: the id of each task is how it ends."""

WELL = ["started", "finished succeeded", "tearing-down"]
FAILED = ["started", "failed failed", "tearing-down"]

TOLD: dict[str, list[str]] = {
    "return": WELL,
    "fail": FAILED,
    "retry": ["started", "finished retrying", "tearing-down", *WELL],
    "give up": FAILED,
    "ignore": ["started", "finished ignored", "tearing-down"],
    "reject": ["started", "finished rejected", "tearing-down"],
    "unserializable": FAILED,
    "publish": WELL,
    "published": WELL,
}

IN_PROCESSES = {
    "sleep 1.9": ["started", "failed timeout", "tearing-down"],
    "exit": FAILED,
    "terminate": ["started", "finished interrupted", "tearing-down"],
    "kill": ["started", "failed lost"],
    "vanish": ["started", "failed lost"],
}
"""What is told where each task has a process of its own, which can be ended."""


TERMINATING = {"threads": "sleep 1.9", "gevent": "sleep 29"}
"""What is revoked while it runs. Celery cannot end a thread: its task goes on."""

if CHOICE == "oldest":
    del TERMINATING["gevent"]  # It could not end a greenlet, either.

IN_GREENLETS = {
    "sleep 1.8": ["started", "failed timeout", "tearing-down"],
    "sleep 29": ["started", "finished revoked", "tearing-down"],
}
"""What is told in gevent's pool alone, which knows a hard time limit and can end a task."""


def listening(worker: Working, name: str) -> None:
    """Wait until a worker hears broadcasts: it may begin with tasks before, and lose them."""
    ping = celery_app.app.control.ping
    worker.wait(lambda: bool(ping([f"{name}@localhost"], timeout=1)))


@pytest.fixture(scope="module")
def publish(broker: str) -> Iterator[Callable[..., None]]:
    """Give what publishes a task from this process, as a program does."""
    app = celery_app.app
    app.conf.update(broker_url=broker, result_backend=broker)

    def publish(name: str, how: str, queue: str, **options: Any) -> None:
        options.setdefault("task_id", how)
        app.tasks[name].apply_async((how,), queue=queue, **options)

    with install(app):
        yield publish
    app.close()


@pytest.fixture(scope="module")
def run(
    broker: str, publish: Callable[..., None], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Working]:
    """Give what runs tasks in a pool until all have ended, and the last ones thereafter."""

    def run(pool: str, *last: str, **limits: int) -> Working:
        command = f"{WORKER} -P {pool} -Q {pool} -c 6 -n {pool}@localhost"
        for how, (name, options) in CASES.items():
            publish(name, how, pool, **options)
        with working(command, broker, tmp_path_factory.mktemp(pool), pool) as worker:
            if pool in TERMINATING:
                how = TERMINATING[pool]
                if how not in CASES:
                    publish("work", how, pool)
                worker.wait(lambda: bool(worker.of(how)))
                listening(worker, pool)
                celery_app.app.control.revoke(how, terminate=True)
                worker.wait_for_ends({how: 1})
            worker.wait_for_ends(dict.fromkeys(CASES, 1) | {"retry": 2, "published": 1})
            for how in last:
                publish("work", how, pool, time_limit=limits.get(how))
            worker.wait_for_ends(dict.fromkeys(last, 1))
            # Whatever it had to tell besides is told then.
            worker.stop()
        return worker

    return run


@pytest.fixture(scope="module")
def prefork(run: Callable[..., Working]) -> Working:
    """Run all tasks in Celery's own pool, of processes."""
    last = ("exit", "terminate", "kill", "vanish", "stubborn")
    return run("prefork", *last, stubborn=1)


@pytest.fixture(scope="module")
def threads(run: Callable[..., Working]) -> Working:
    """Run them in threads."""
    return run("threads", "exit")


@pytest.fixture(scope="module")
def solo(run: Callable[..., Working]) -> Working:
    """Run them in the process of the worker, which ends with the last of them."""
    return run("solo", "exit")


@pytest.fixture(scope="module")
def gevent(run: Callable[..., Working]) -> Working:
    """Run them in greenlets."""
    return run("gevent", "exit")


ENDED = ("sleep 1.8", "stubborn")
"""What is ended by a hard time limit; the second one goes on all the same."""


@pytest.mark.parametrize("how", [*TOLD, *IN_PROCESSES, *ENDED])
def test_a_pool_of_processes_tells_each_end_once(prefork: Working, how: str) -> None:
    """Whichever process knows of it."""
    told = prefork.told(how)
    if how in ENDED:
        # Its process is ended after that, and may be killed before it says more.
        assert told[:2] == ["started", "failed timeout"]
        assert told[2:] in ([], ["tearing-down"])
    else:
        assert told == (TOLD | IN_PROCESSES)[how]


@pytest.mark.parametrize("how", [*TOLD, "exit", "sleep 1.8", "sleep 1.9"])
@pytest.mark.parametrize("pool", ["threads", "solo", "gevent"])
def test_a_pool_in_one_process_tells_each_end_once(
    request: pytest.FixtureRequest, pool: str, how: str
) -> None:
    """Celery knows of no time limits in threads, and makes nothing of an exit of the program."""
    worker: Working = request.getfixturevalue(pool)
    expected = TOLD | {"exit": FAILED} | (IN_GREENLETS if pool == "gevent" else {})
    assert worker.told(how) == expected.get(how, WELL)


def test_a_task_in_a_greenlet_can_be_ended(gevent: Working) -> None:
    """By revoking it while it runs."""
    if "gevent" not in TERMINATING:
        pytest.skip("This release of Celery cannot end it.")
    assert gevent.told("sleep 29") == IN_GREENLETS["sleep 29"]


@pytest.mark.parametrize("how", ["kill", "vanish", "sleep 1.8"])
def test_the_worker_tells_of_the_run_that_its_process_has_begun(prefork: Working, how: str) -> None:
    """Both name the same run, and how long it took."""
    first, second = prefork.of(how)[:2]
    assert first["process"] != second["process"] == prefork.process.pid
    assert first | {"signal": "", "process": 0} == {
        key: value
        for key, value in (second | {"signal": "", "process": 0, "error": None}).items()
        if key not in {"outcome", "duration"}
    }
    assert 0 <= second["duration"] < 30
    assert second["error"] == ("TimeLimitExceeded" if how == "sleep 1.8" else "WorkerLostError")


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo", "gevent"])
def test_each_attempt_is_a_run_of_its_own(request: pytest.FixtureRequest, pool: str) -> None:
    """They share the id of the task."""
    worker: Working = request.getfixturevalue(pool)
    lines = worker.of("retry")
    assert [it["attempt"] for it in lines] == [1, 1, 1, 2, 2, 2]
    assert len({it["run_id"] for it in lines}) == 2
    assert {it["parent"] for it in worker.lines()} == {None}


def test_no_run_that_has_an_end_is_lost(prefork: Working, threads: Working) -> None:
    """Though its process was killed, or the worker has told of it."""
    assert prefork.leases().open() == threads.leases().open() == []


@pytest.fixture(scope="module")
def stopped(
    broker: str, publish: Callable[..., None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Working]:
    """Revoke tasks, lose one, stop a worker in the middle of two, and start another one."""
    folder = tmp_path_factory.mktemp("stopped")
    command = f"{WORKER} -Q stopped -c 3 -n stopped@localhost"
    with working(command, broker, folder, "stopped") as worker:

        def begin(name: str, how: str, task_id: str) -> None:
            publish(name, how, "stopped", task_id=task_id)
            worker.wait(lambda: bool(worker.of(task_id)))

        begin("work", "sleep 30", "revoked")
        listening(worker, "stopped")
        celery_app.app.control.revoke("revoked", terminate=True)
        celery_app.app.control.revoke("never")
        publish("late", f"kill once {folder / 'killed'}", "stopped", task_id="redelivered")
        worker.wait_for_ends({"revoked": 1, "redelivered": 2})
        publish("work", "return", "stopped", task_id="never")
        begin("work", "sleep 2", "early")
        begin("late", "sleep 2", "late")
        worker.stop(signal.SIGQUIT)
    with working(command, broker, folder, "stopped") as worker:
        worker.wait_for_ends({"late": 2})
        worker.stop()
        yield worker


def test_a_task_whose_worker_is_killed_is_lost_once_somebody_asks(
    broker: str, publish: Callable[..., None], tmp_path: Path
) -> None:
    """Its process is killed as well: nobody is left who would tell of it unasked."""
    with working(f"{WORKER} -Q killed -c 1", broker, tmp_path, "killed") as worker:
        publish("work", "sleep 30", "killed", task_id="orphan")
        worker.wait(lambda: bool(worker.of("orphan")))
        [begun] = worker.of("orphan")
        assert worker.leases().tell_lost() == []
        worker.process.kill()
        worker.wait(lambda: not is_running(begun["process"]))
    assert worker.told("orphan") == ["started"]
    asked = [*worker.leases().tell_lost(), *worker.leases().tell_lost()]
    assert [(it.system, it.id, it.run_id) for it in asked] == [
        ("celery", "orphan", begun["run_id"])
    ]


def is_running(process: int) -> bool:
    """Return whether a process runs, and is not only waited for by nobody."""
    status = Path(f"/proc/{process}/status")
    return status.exists() and "State:\tZ" not in status.read_text(encoding="utf-8")


def test_a_task_that_is_revoked_while_it_runs_says_so(stopped: Working) -> None:
    """One that is revoked before has no run."""
    assert stopped.told("revoked")[:2] == ["started", "finished revoked"]
    assert stopped.told("revoked")[2:] in ([], ["tearing-down"])
    assert stopped.told("never") == []


def test_a_run_that_is_lost_and_done_again_has_two_ends(stopped: Working) -> None:
    """Celery itself tells nothing of the first one."""
    assert stopped.told("redelivered") == ["started", "failed lost", *WELL]
    first, lost, again = stopped.of("redelivered")[:3]
    assert first["run_id"] == lost["run_id"] != again["run_id"]
    assert (first["redelivered"], again["redelivered"], again["attempt"]) == (False, True, 1)


def test_a_worker_that_is_stopped_at_once_has_interrupted_its_tasks(stopped: Working) -> None:
    """It never says that they run again: Celery has it the wrong way round."""
    interrupted = ["started", "finished interrupted"]
    told = {
        it: [line for line in stopped.told(it) if line in WELL[:2] + interrupted]
        for it in ("early", "late")
    }
    assert told == {"early": interrupted, "late": interrupted + WELL[:2]}
