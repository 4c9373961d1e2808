"""The tasks of a Celery application, as jobs."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

# First, so that the error names Celery where it is missing, and not what it depends on.
from celery import Celery, signals, states  # isort: skip
from billiard.einfo import ExceptionWithTraceback
from billiard.exceptions import Terminated
from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded, WorkerLostError

from heliograph.lifecycle.ended import Ended
from heliograph.lifecycle.installing import Installation, check
from heliograph.lifecycle.job_info import JobInfo, asking_request
from heliograph.lifecycle.jobs import (
    FAILED,
    IGNORED,
    INTERRUPTED,
    LOST,
    REJECTED,
    RETRYING,
    REVOKED,
    SUCCEEDED,
    TIMEOUT,
    UNKNOWN,
    Run,
    outcome,
)
from heliograph.lifecycle.request import new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_REQUESTED_BY = "heliograph_requested_by"
"""The header of a message that carries the id of the request that asked for the task."""

_RUN = "heliograph_run"
"""Where a message that a worker has received carries the id and the number of its run."""

_RUNNING = "heliograph_running"
"""Where Celery's context of a task carries its run while it runs."""

_STATES = {
    states.IGNORED: IGNORED,
    states.REJECTED: REJECTED,
    states.RETRY: RETRYING,
    states.FAILURE: FAILED,
}

_OUTSIDE = ((WorkerLostError, LOST), (TimeLimitExceeded, TIMEOUT), (Terminated, REVOKED))
"""What the worker makes of a process that has not returned, and how the run has ended then."""

_OF_GREENLETS = {"gevent.timeout.Timeout": TIMEOUT, "greenlet.GreenletExit": REVOKED}
"""What is raised inside of tasks in greenlets: at a hard time limit, and to end one."""

_INSTALLED: WeakSet[Celery] = WeakSet()


def install(app: Celery) -> Installation:
    """Send a job's signals around each run of an application's tasks; it is their sender.

    Once, where the application is made: the programs that publish tasks need it as the workers do,
    as a task that is published inside of a request carries its id (`JobInfo.requested_by`).

    Args:
        app: The application.

    Raises:
        ArgumentError: If it is no application of Celery.
        StateError: If they are installed already.

    Example:
        >>> from celery import Celery
        >>> from heliograph.lifecycle.celery import install
        >>> app = Celery("shop")
        >>> installation = install(app)
    """
    check(app, Celery, installed=_INSTALLED.__contains__)
    receivers = list(_Tasks(app).receivers())
    for signal, receiver in receivers:
        signal.connect(receiver, weak=False)
    _INSTALLED.add(app)

    def undo() -> None:
        _INSTALLED.discard(app)
        for signal, receiver in receivers:
            signal.disconnect(receiver)

    return Installation(app, undo)


class _Tasks:
    """What Celery tells of the tasks of one application.

    It sends prerun and postrun around the call of a task, in one frame: there, postrun sees what
    the call has raised, also where Celery makes nothing of it. What ends the process that runs the
    task is known to the worker's own process alone, and is taken from its `Request`.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._ended = Ended()

    def receivers(self) -> Iterator[tuple[Any, Callable[..., None]]]:
        # New objects: what two applications connect is one receiver to Celery 5.4 if it is one
        # function, even as a method of two objects.
        yield signals.before_task_publish, partial(self._tie)
        yield signals.task_received, partial(self._receive)
        yield signals.task_prerun, partial(self._begin)
        yield signals.task_postrun, partial(self._end)

    def _tie(self, *, headers: dict[str, Any], **_: Any) -> None:
        asking = asking_request()
        if asking is not None:
            headers[_REQUESTED_BY] = asking

    def _receive(self, *, sender: Any, request: Any, **_: Any) -> None:
        if sender.app is self._app:
            request.request_dict[_RUN] = (new_id(), self._ended.number())
            _watch(type(request), self._end_outside)

    def _begin(self, *, task: Any, **_: Any) -> None:
        if task.app is self._app:
            run = self._run(task.name, task.request)
            number = getattr(task.request, _RUN, (None, None))[1]
            if number is not None and not self._ended.begin(number):
                # A process was killed before Celery saw that it had begun: this is another run.
                run.end(LOST)
                delattr(task.request, _RUN)
                run = self._run(task.name, task.request)
            setattr(task.request, _RUNNING, run)
            run.begin()

    def _end(self, *, task: Any, state: str | None, retval: Any, **_: Any) -> None:
        run: Run | None = vars(task.request).pop(_RUNNING, None)
        if run is not None:
            how, error = _ending(state, retval)
            run.end(how, error)
            run.tear_down(error)

    def _end_outside(self, request: Any, how: str, error: BaseException | None = None) -> None:
        """Tell of an end in the worker's own process, if another one runs the task."""
        if request.time_start is not None and request.worker_pid != os.getpid():
            context = request._context  # noqa: SLF001 - Celery's signals hand it out.
            run = self._run(request.task.name, context, started=request.time_start)
            run.end(how, error)

    def _run(self, name: str, context: Any, started: float | None = None) -> Run:
        run_id, number = getattr(context, _RUN, (None, None))
        job = JobInfo(
            "celery",
            name,
            id=context.id,
            attempt=context.retries + 1,
            redelivered=bool((context.delivery_info or {}).get("redelivered")),
            eager=bool(context.is_eager),
            run_id=run_id,
            requested_by=getattr(context, _REQUESTED_BY, None),
            started=started,
        )
        claim = None if number is None else lambda: self._ended.claim(number)
        return Run(job, self._app, claim)


def _ending(state: str | None, retval: Any) -> tuple[str, BaseException | None]:
    if state == states.SUCCESS:
        return SUCCEEDED, None
    if state is None:
        error = _raised()
        return _outcome(error), error
    timeout = isinstance(retval, SoftTimeLimitExceeded)
    return TIMEOUT if timeout else _STATES.get(state, UNKNOWN), retval


def _raised() -> BaseException | None:
    """Return what the call of the task has raised, while that leaves the frame of the call."""
    found = error = sys.exc_info()[1]
    frame = _frame(error)
    while error is not None:
        # If the result store fails on the way out, its error stands before that of the task.
        if _frame(error) is frame:
            found = error
        error = error.__context__
    return found


def _frame(error: BaseException | None) -> Any:
    traceback = None if error is None else error.__traceback__
    return None if traceback is None else traceback.tb_frame


def _outcome(error: BaseException | None) -> str:
    if error is None:
        return UNKNOWN
    if isinstance(error, SystemExit):
        # The pool leaves by a negative status when a signal ends its process. To Celery, no other
        # exit is the success of a task either.
        by_signal = isinstance(error.code, int) and error.code < 0
        return INTERRUPTED if by_signal else FAILED
    if isinstance(error, SoftTimeLimitExceeded):
        return TIMEOUT
    kind = type(error)
    # Not imported: few workers run in greenlets.
    return _OF_GREENLETS.get(f"{kind.__module__}.{kind.__qualname__}") or outcome(error)


def _watch(requests: Any, end: Callable[..., None]) -> None:
    """Tell what happens to the process that runs a task.

    Args:
        requests: The class of requests that a worker has made for one of its tasks.
        end: What tells it.
    """
    if _RUN in vars(requests):
        return
    on_failure, cancel, terminate = requests.on_failure, requests.cancel, requests.terminate

    def on_failure_watched(request: Any, exc_info: Any, *args: Any, **options: Any) -> Any:
        error = exc_info.exception
        if isinstance(error, ExceptionWithTraceback):
            error = error.exc
        for kind, how in _OUTSIDE:
            if isinstance(error, kind) and not options.get("return_ok"):
                end(request, how, error)
        return on_failure(request, exc_info, *args, **options)

    def cancel_watched(request: Any, *args: Any, **options: Any) -> Any:
        # A worker that stops, or loses its broker: told before the process is ended.
        end(request, INTERRUPTED)
        return cancel(request, *args, **options)

    def terminate_watched(request: Any, *args: Any, **options: Any) -> Any:
        end(request, REVOKED)
        return terminate(request, *args, **options)

    setattr(requests, _RUN, True)
    requests.on_failure = on_failure_watched
    requests.cancel = cancel_watched
    requests.terminate = terminate_watched
