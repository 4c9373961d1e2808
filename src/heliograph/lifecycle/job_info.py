"""JobInfo: what is known of a job that runs."""

from __future__ import annotations

from contextvars import ContextVar
from time import perf_counter, time

from heliograph.lifecycle.request import RequestInfo, current_request, new_id

_CURRENT: ContextVar[JobInfo | None] = ContextVar("heliograph_job", default=None)


class JobInfo:
    """One run of a job, as every receiver of a job's signals gets it.

    Attributes:
        system: What runs it: ``"function"``, ``"flask"``, ``"django"``, ``"celery"`` or ``"rq"``.
        name: What it is called there.
        id: The system's id of the job, which all its runs share; otherwise that of the run.
        run_id: The id of this run: a job that is done again has another. A UUID of version 7, or
            RQ's id of the execution.
        attempt: Which try this is, from 1 on, as far as the system counts.
        redelivered: Whether the system gives it out once more, as an earlier run was lost.
        eager: Whether it runs in the process that asked for it, without a worker.
        parent: The job inside of which it runs, or None.
        request: The request inside of which it runs, or None.
        requested_by: The id of the request that asked for it, or None: that of `request`, that of
            the request in which a task was published, or what the job that asked for it says.
        started: Seconds since the epoch.
    """

    __slots__ = (
        "__weakref__",
        "_clock",
        "attempt",
        "eager",
        "id",
        "name",
        "parent",
        "redelivered",
        "request",
        "requested_by",
        "run_id",
        "started",
        "system",
    )

    def __init__(
        self,
        system: str,
        name: str,
        *,
        id: str | None = None,  # noqa: A002 - the attribute is called so.
        attempt: int = 1,
        redelivered: bool = False,
        eager: bool = False,
        run_id: str | None = None,
        requested_by: str | None = None,
        started: float | None = None,
    ) -> None:
        self.system: str = system
        self.name: str = name
        self.run_id: str = run_id or new_id()
        self.id: str = self.run_id if id is None else id
        self.attempt: int = attempt
        self.redelivered: bool = redelivered
        self.eager: bool = eager
        self.parent: JobInfo | None = _CURRENT.get()
        self.request: RequestInfo | None = current_request()
        self.requested_by: str | None = requested_by or asking_request()
        self.started: float = time() if started is None else started
        # Another process may have seen the start: the clock of this one is set back.
        self._clock = perf_counter() - (time() - self.started)

    @property
    def duration(self) -> float:
        """Seconds since this run began."""
        return perf_counter() - self._clock

    def __repr__(self) -> str:
        return f"<JobInfo {self.system} {self.name}: {self.run_id}>"


def current_job() -> JobInfo | None:
    """Return the job that the current context works on, or None outside of jobs."""
    return _CURRENT.get()


def asking_request() -> str | None:
    """Return the id of the request for which the current context works, in a job of it maybe."""
    request, job = current_request(), current_job()
    if request is not None:
        return request.id
    return None if job is None else job.requested_by
