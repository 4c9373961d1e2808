"""The jobs of RQ: workers and a queue that tell of them."""

from __future__ import annotations

from functools import partial
from time import time
from typing import TYPE_CHECKING, Any

import rq
from rq.exceptions import DeserializationError
from rq.job import JobStatus
from rq.timeouts import JobTimeoutException
from rq.worker import BaseWorker, SpawnWorker

from heliograph import ArgumentError
from heliograph.lifecycle.ended import Ended
from heliograph.lifecycle.job_info import JobInfo, asking_request
from heliograph.lifecycle.jobs import (
    FAILED,
    INTERRUPTED,
    LOST,
    RETRYING,
    REVOKED,
    SUCCEEDED,
    TIMEOUT,
    Run,
    running,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from rq.executions import Execution
    from rq.job import Job

_REQUESTED_BY = "heliograph_requested_by"
"""Where the meta of a job has the id of the request that asked for it."""

_FAILED_RUNS = "heliograph_failed_runs"
"""Where it has how many of its runs have failed: RQ counts only those that are left."""


class Watched(BaseWorker):
    """Makes a worker of your own tell of its jobs: ``class Worker(Watched, MyWorker): ...``.

    RQ's callbacks do not tell how a job has ended: one that is tried again has "failed", and of
    one whose process was killed they tell nothing. Here, the process that runs a job tells of its
    start and of its end; the one that waits for it does if that has not.

    Raises:
        ArgumentError: If it is a `SpawnWorker`: it shares nothing with the processes of its jobs.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if isinstance(self, SpawnWorker):
            msg = "A SpawnWorker cannot be watched: use a worker that forks, or a SimpleWorker."
            raise ArgumentError(msg)
        self._ended = Ended()
        self._number = 0
        self._run_id = ""
        self._error: BaseException | None = None
        self._how = FAILED

    def prepare_execution(self, job: Job) -> Execution:
        """Give the run its id and its number, before its process is forked."""
        execution = super().prepare_execution(job)
        self._number, self._run_id = self._ended.number(), execution.id
        return execution

    def execute_job(self, job: Job, queue: rq.Queue) -> None:
        """Run a job, and tell of its end if the process that runs it could not."""
        started = time()
        try:
            super().execute_job(job, queue)
        except SystemExit:
            # The second request to stop has killed the job's process.
            self._made(job, started).end(INTERRUPTED)
            raise
        stopped = job.get_status(refresh=False) == JobStatus.STOPPED
        self._made(job, started).end(REVOKED if stopped else LOST)

    def perform_job(self, job: Job, *args: Any, **options: Any) -> bool:
        """Run a job in this process, and tell of its start and of its end."""
        self._how, self._error = FAILED, None
        vars(job)["perform"] = partial(self._perform, job.perform)
        run = self._made(job)
        try:
            run.begin()
            return super().perform_job(job, *args, **options)
        finally:
            run.end(self._how, self._error)
            run.tear_down(self._error)
            self._error = None

    def _perform(self, perform: Callable[[], Any]) -> Any:
        try:
            return perform()
        except BaseException as error:
            # A callback that fails puts its own error in the place of this one.
            self._error = error
            raise

    def handle_job_success(self, job: Job, *args: Any, **options: Any) -> None:
        """Keep that the job has succeeded."""
        # One that is repeated begins with its first attempt again.
        if _FAILED_RUNS in job.meta:
            job.meta[_FAILED_RUNS] = 0
        super().handle_job_success(job, *args, **options)
        self._how = SUCCEEDED

    def handle_job_retry(self, job: Job, *args: Any, **options: Any) -> None:
        """Keep that the job has asked to be run again."""
        super().handle_job_retry(job, *args, **options)
        given_up = job.get_status(refresh=False) == JobStatus.FAILED
        self._how = FAILED if given_up else RETRYING

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """Keep the error that is the end of the job, if that of its function is not."""
        self._error = self._error or exc_info[1]
        super().handle_exception(job, *exc_info)

    def handle_job_failure(self, job: Job, *args: Any, **options: Any) -> None:
        """Keep whether the job is run again."""
        ending = TIMEOUT if isinstance(self._error, JobTimeoutException) else FAILED
        self._how = RETRYING if job.should_retry else ending
        job.meta[_FAILED_RUNS] = job.meta.get(_FAILED_RUNS, 0) + 1
        super().handle_job_failure(job, *args, **options)

    def _made(self, job: Job, started: float | None = None) -> Run:
        info = _info(job, run_id=self._run_id, started=started)
        return Run(info, self, partial(self._ended.claim, self._number))


class Worker(Watched, rq.Worker):
    """RQ's worker, which tells of its jobs; it is their sender.

    ``rq worker --worker-class heliograph.lifecycle.rq.Worker``
    """


class SimpleWorker(Watched, rq.SimpleWorker):
    """RQ's worker that runs jobs in its own process, likewise."""


class Queue(rq.Queue):
    """RQ's queue, whose jobs know the request that asked for them: `JobInfo.requested_by`.

    With ``is_async=False`` it runs jobs itself, and is the sender of their signals.
    """

    def create_job(self, *args: Any, **options: Any) -> Job:
        """Make a job that knows which request asks for it."""
        job = super().create_job(*args, **options)
        asking = asking_request()
        if asking is not None:
            job.meta[_REQUESTED_BY] = asking
        return job

    def run_job(self, job: Job) -> Job:
        """Run a job in this process, and tell of its start and of its end."""
        with running(Run(_info(job, eager=True), self), _outcome):
            return super().run_job(job)


def _outcome(error: BaseException) -> str:
    # An exit of the program is an error like others: so RQ stores it.
    return TIMEOUT if isinstance(error, JobTimeoutException) else FAILED


def _info(job: Job, **known: Any) -> JobInfo:
    runs_before = (job.number_of_retries or 0) + job.meta.get(_FAILED_RUNS, 0)
    return JobInfo(
        "rq",
        _name(job),
        id=job.id,
        attempt=runs_before + 1,
        requested_by=job.meta.get(_REQUESTED_BY),
        **known,
    )


def _name(job: Job) -> str:
    try:
        return job.func_name or "unknown"
    except DeserializationError:
        return "unknown"
