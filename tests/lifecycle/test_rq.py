"""RQ's jobs: one start and one end for each run, over all processes."""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import redis
import rq
from rq import Callback, Repeat, Retry
from rq.command import send_stop_job_command
from rq.job import JobStatus

from heliograph import ArgumentError
from heliograph.lifecycle import JobInfo, current_job, job, job_started
from heliograph.lifecycle.rq import Queue, SimpleWorker, Watched, Worker
from heliograph.lifecycle.wsgi import Middleware
from tests.lifecycle import rq_jobs
from tests.lifecycle.calling import ask_wsgi, heard
from tests.lifecycle.workers import Working, working

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rq.job import Job

# What they look at is made once, and takes seconds.
pytestmark = pytest.mark.xdist_group("workers of RQ")

COMMAND = "rq.cli worker {queue} --url {broker} --worker-class tests.lifecycle.rq_jobs.Worker"

CASES: dict[str, dict[str, Any]] = {
    "return": {},
    "fail": {},
    "retry": {},
    "retry fails": {"retry": Retry(max=1)},
    "exit": {},
    "unserializable": {},
    "sleep 1.5": {"job_timeout": 1},
    "success fails": {"on_success": Callback(rq_jobs.fail_back)},
    "failure fails": {"on_failure": Callback(rq_jobs.fail_back), "args": ("fail",)},
}
"""The id of each job is how it ends, if it is not said otherwise."""

WELL = ["started", "finished succeeded", "tearing-down"]
FAILED = ["started", "failed failed", "tearing-down"]
RETRIED = ["started", "finished retrying", "tearing-down"]

TOLD = {
    "return": WELL,
    "fail": FAILED,
    "retry": [*RETRIED, *FAILED],
    "retry fails": [*RETRIED, *FAILED],
    "exit": FAILED,
    "unserializable": WELL,
    "sleep 1.5": ["started", "failed timeout", "tearing-down"],
    "success fails": FAILED,
    "failure fails": FAILED,
}

ERRORS = {
    "fail": "LookupError",
    "exit": "SystemExit",
    "sleep 1.5": "JobTimeoutException",
    "success fails": "ArithmeticError",
    "failure fails": "LookupError",
}
"""What the tear-down gets: the error of the job itself, if there is one."""


@pytest.fixture(scope="module")
def connection(broker: str) -> Iterator[redis.Redis]:
    """Give a connection to the broker."""
    with redis.Redis.from_url(broker) as it:
        yield it


def enqueue(queue: rq.Queue, how: str, **options: Any) -> Job:
    """Put a job in a queue."""
    options.setdefault("args", (how,))
    options.setdefault("job_id", how.replace(" ", "-").replace(".", "-").replace("/", "-"))
    return queue.enqueue(rq_jobs.work, **options)


def told(worker: Working, how: str) -> list[str]:
    """Return what was told of a job."""
    return worker.told(how.replace(" ", "-").replace(".", "-"))


def of(worker: Working, how: str) -> list[dict[str, Any]]:
    """Return what was written of a job."""
    return worker.of(how.replace(" ", "-").replace(".", "-"))


@pytest.fixture(scope="module")
def forking(
    broker: str, connection: redis.Redis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Working]:
    """Run all jobs in a worker that forks, and end two of their processes."""
    queue = rq.Queue("forking", connection=connection)
    for how, options in CASES.items():
        enqueue(queue, how, **options)
    enqueue(queue, "kill")
    enqueue(queue, "vanish")
    stopped = enqueue(queue, "sleep 30", job_id="stopped")
    command = COMMAND.format(queue="forking", broker=broker)
    with working(command, broker, tmp_path_factory.mktemp("forking"), "forking") as worker:
        worker.wait(lambda: stopped.get_status() == JobStatus.STARTED)
        send_stop_job_command(connection, "stopped")
        worker.wait_for_ends({"stopped": 1})
        enqueue(queue, "sleep 30", job_id="cold")
        worker.wait(lambda: bool(worker.of("cold")))
        worker.process.send_signal(signal.SIGINT)
        # RQ leaves out a second one within a second.
        time.sleep(1.1)
        worker.stop(signal.SIGINT)
        yield worker


@pytest.mark.parametrize("how", TOLD)
def test_a_worker_that_forks_tells_each_end_once(forking: Working, how: str) -> None:
    """Whatever RQ's callbacks are told."""
    assert told(forking, how) == TOLD[how]
    if how in ERRORS:
        assert of(forking, how)[-1]["error"] == ERRORS[how]


@pytest.mark.parametrize(
    ("job", "end"),
    [
        ("kill", "failed lost"),
        ("vanish", "failed lost"),
        ("stopped", "finished revoked"),
        ("cold", "finished interrupted"),
    ],
)
def test_the_worker_tells_of_a_job_whose_process_could_not(
    forking: Working, job: str, end: str
) -> None:
    """Both name the same run; RQ tells nothing of one that has left by itself."""
    assert forking.told(job) == ["started", end]
    first, second = forking.of(job)
    assert first["run_id"] == second["run_id"]
    assert first["process"] != second["process"] == forking.process.pid
    assert 0 <= second["duration"] < 30


def test_a_job_whose_worker_is_killed_ends_as_it_would(
    broker: str, connection: redis.Redis, tmp_path: Path
) -> None:
    """Its process goes on, and tells."""
    enqueue(rq.Queue("killed", connection=connection), "sleep 0.5", job_id="orphan")
    command = COMMAND.format(queue="killed", broker=broker)
    with working(command, broker, tmp_path, "killed") as worker:
        worker.wait(lambda: bool(worker.of("orphan")))
        worker.process.kill()
        worker.wait(lambda: len(worker.of("orphan")) == 3)
    assert worker.told("orphan") == WELL


def test_a_job_that_is_killed_with_its_worker_is_lost_once_somebody_asks(
    broker: str, connection: redis.Redis, tmp_path: Path
) -> None:
    """A simple worker runs it in its own process; RQ itself takes it for running."""
    job = enqueue(rq.Queue("simply", connection=connection), "sleep 30", job_id="lost")
    command = COMMAND.format(queue="simply", broker=broker).replace(".Worker", ".SimpleWorker")
    with working(command, broker, tmp_path, "simply") as worker:
        worker.wait(lambda: bool(worker.of("lost")))
        [begun] = worker.of("lost")
        assert worker.leases().tell_lost() == []
        worker.process.kill()
        worker.process.wait()
    with heard() as kept:
        worker.leases().tell_lost()

    assert jobs_told(kept, "lost") == ["failed lost"]
    assert kept[0][1]["job"].run_id == begun["run_id"]
    assert job.get_status() == JobStatus.STARTED


def test_no_run_that_has_an_end_is_lost(forking: Working) -> None:
    """Though its process was killed, or the worker has told of it."""
    assert forking.leases().open() == []


def test_each_attempt_is_a_run_of_its_own(forking: Working) -> None:
    """RQ counts down, and not for all retries; this counts up."""
    for how in ("retry", "retry fails"):
        lines = of(forking, how)
        assert [it["attempt"] for it in lines] == [1, 1, 1, 2, 2, 2]
        assert len({it["run_id"] for it in lines}) == 2


def test_a_simple_worker_tells_each_end_once(connection: redis.Redis) -> None:
    """It runs jobs in its own process; what one has left behind, the next one does not see."""
    queue = Queue("simple", connection=connection)
    jobs = [enqueue(queue, how, job_id=f"simple-{n}", **CASES[how]) for n, how in enumerate(TOLD)]
    worker = SimpleWorker([queue], connection=connection)
    with heard() as kept:
        worker.work(burst=True)

    found = dict(zip(TOLD, (jobs_told(kept, it.id) for it in jobs), strict=True))
    assert found == TOLD
    assert {it["sender"] for _, it in kept} == {worker}
    assert {it["job"].parent for _, it in kept} == {None}
    assert current_job() is None
    errors = [it["exc"] for name, it in kept if name == "job-tearing-down"]
    assert [type(it).__name__ for it in errors if it is not None].count("ArithmeticError") == 1


def test_a_job_that_is_repeated_begins_with_its_first_attempt(
    connection: redis.Redis, tmp_path: Path
) -> None:
    """What has failed before was another time."""
    queue = rq.Queue("repeated", connection=connection)
    twice = {"retry": Retry(max=1), "repeat": Repeat(times=1)}
    enqueue(queue, f"once {tmp_path / 'failed'}", job_id="repeated", **twice)
    with heard() as kept:
        SimpleWorker([queue], connection=connection).work(burst=True)

    assert jobs_told(kept, "repeated") == [*RETRIED, *WELL, *WELL]
    assert [it["job"].attempt for name, it in kept if name == "job-started"] == [1, 2, 1]


def jobs_told(kept: list[tuple[str, dict[str, Any]]], job_id: str) -> list[str]:
    """Return what was told of one job."""
    lines = [(name, it.get("outcome")) for name, it in kept if it["job"].id == job_id]
    return [" ".join(filter(None, (name.removeprefix("job-"), how))) for name, how in lines]


@pytest.mark.parametrize("how", ["return", "fail", "exit", "unserializable"])
def test_a_queue_without_workers_tells_each_end_once(connection: redis.Redis, how: str) -> None:
    """Its jobs run in the process that asks for them."""
    queue = Queue("in place", is_async=False, connection=connection)
    with heard() as kept:
        enqueue(queue, how, job_id=f"in-place-{how}")

    assert jobs_told(kept, f"in-place-{how}") == TOLD[how]
    [info] = {it["job"] for _, it in kept}
    assert (info.system, info.name, info.eager) == ("rq", "tests.lifecycle.rq_jobs.work", True)
    assert {it["sender"] for _, it in kept} == {queue}


def test_a_job_knows_the_request_that_asked_for_it(connection: redis.Redis) -> None:
    """Also one that another job has asked for."""
    queue = Queue("asked", connection=connection)

    @job
    def ask_for_more() -> None:
        enqueue(queue, "return", job_id="asked-by-a-job")

    def app(environ: Any, start_response: Any) -> list[bytes]:
        enqueue(queue, "return", job_id="asked")
        ask_for_more()
        start_response("200 OK", [])
        return []

    ask_wsgi(Middleware(app), "/", x_request_id="r-1")
    enqueue(queue, "return", job_id="asked-by-nobody")
    with heard() as kept:
        SimpleWorker([queue], connection=connection).work(burst=True)

    jobs: list[JobInfo] = [it["job"] for name, it in kept if name == "job-started"]
    assert [(it.id, it.requested_by) for it in jobs] == [
        ("asked", "r-1"),
        ("asked-by-a-job", "r-1"),
        ("asked-by-nobody", None),
    ]


def test_a_job_that_cannot_be_read_has_failed(connection: redis.Redis) -> None:
    """It has no name then."""
    queue = rq.Queue("broken", connection=connection)
    broken = enqueue(queue, "return", job_id="broken")
    connection.hset(broken.key, "data", b"no pickle")
    with heard() as kept:
        SimpleWorker([queue], connection=connection).work(burst=True)

    assert jobs_told(kept, "broken") == FAILED
    assert {it["job"].name for _, it in kept} == {"unknown"}


def test_a_receiver_that_exits_the_program_leaves_no_job_without_an_end(
    connection: redis.Redis,
) -> None:
    """The job does not run, and its worker stops."""
    queue = rq.Queue("left", connection=connection)
    enqueue(queue, "return", job_id="left")

    def leave(sender: Any, **extra: Any) -> None:
        sys.exit(3)

    worker = SimpleWorker([queue], connection=connection)
    with heard() as kept, job_started.connected_to(leave), pytest.raises(SystemExit):
        worker.work(burst=True)
    assert jobs_told(kept, "left") == FAILED


def test_a_worker_that_starts_programs_is_refused(connection: redis.Redis) -> None:
    """Nobody would know of the ends that they tell."""

    class Spawning(Watched, rq.SpawnWorker):
        pass

    with pytest.raises(ArgumentError, match=r"^A SpawnWorker cannot be watched: use a worker that"):
        Spawning([rq.Queue("none", connection=connection)], connection=connection)
    assert issubclass(Worker, rq.Worker)
