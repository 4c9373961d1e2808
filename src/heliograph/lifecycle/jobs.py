"""Work outside of requests, as signals: any function, and how it ended."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from heliograph import ArgumentError
from heliograph.describe import name_of
from heliograph.lifecycle.job_info import _CURRENT, JobInfo
from heliograph.lifecycle.signals import job_failed, job_finished, job_started, job_tearing_down
from heliograph.lifecycle.telling import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextvars import Token

P = ParamSpec("P")
R = TypeVar("R")

SUCCEEDED = "succeeded"
FAILED = "failed"
RETRYING = "retrying"
IGNORED = "ignored"
REJECTED = "rejected"
REVOKED = "revoked"
TIMEOUT = "timeout"
INTERRUPTED = "interrupted"
LOST = "lost"
UNKNOWN = "unknown"

_FAILURES = (FAILED, TIMEOUT, LOST)


class Run:
    """One run of a job, which ends once.

    Args:
        job: What is told of it.
        sender: The sender of its signals.
        claim: Returns whether nobody else has told of its end, and so this one may: for runs of
            whose end another process may tell.
    """

    def __init__(
        self, job: JobInfo, sender: object, claim: Callable[[], bool] | None = None
    ) -> None:
        self.job = job
        self._sender: Any = sender
        self._claim = claim
        self._token: Token[JobInfo | None]
        self._ended = False

    def begin(self) -> None:
        """Make it the current job, and say that it has begun."""
        # Set at each start: the end of the last one may never have come.
        self._token = _CURRENT.set(self.job)
        tell(job_started, self._sender, job=self.job)

    def end(self, outcome: str, exc: BaseException | None = None) -> None:
        """Say how it has ended, unless that was said: the first one is right."""
        if self._ended:
            return
        self._ended = True
        if self._claim is not None and not self._claim():
            return
        payload = {"job": self.job, "outcome": outcome, "duration": self.job.duration}
        if outcome in _FAILURES:
            tell(job_failed, self._sender, exception=exc, **payload)
        else:
            tell(job_finished, self._sender, **payload)

    def tear_down(self, exc: BaseException | None) -> None:
        """Say that it is over: always, and last."""
        tell(job_tearing_down, self._sender, job=self.job, exc=exc)
        # A generator that is closed by another task is in another context.
        with suppress(ValueError):
            _CURRENT.reset(self._token)


@contextmanager
def running(run: Run, outcome_of: Callable[[BaseException], str] | None = None) -> Iterator[None]:
    """Tell of a job that runs in the block: the wrapper around the work itself is the truth.

    Args:
        run: The run.
        outcome_of: Returns the outcome that an exception stands for; `outcome` by default.
    """
    raised: BaseException | None = None
    try:
        # A receiver that exits the program does so in the middle of the run.
        run.begin()
        yield
    except BaseException as error:
        raised = error
        run.end((outcome_of or outcome)(error), error)
        raise
    else:
        run.end(SUCCEEDED)
    finally:
        run.tear_down(raised)
        raised = None  # An error must not refer to itself through its traceback's frames.


def outcome(error: BaseException) -> str:
    """Return the outcome of work that an exception has ended: exits tell theirs."""
    if isinstance(error, SystemExit):
        return SUCCEEDED if error.code in (None, 0) else FAILED
    # Ctrl-C and the cancellation of tasks are no errors.
    return FAILED if isinstance(error, Exception) else INTERRUPTED


@overload
def job(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def job(
    *, name: str | None = ..., sender: object = ...
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def job(function: Any = None, /, *, name: str | None = None, sender: object = None) -> Any:
    """Send `job_started` and all that follows it around each call of a function. A decorator.

    Args:
        function: The function, async or not.
        name: What the job is called; by default as the function is, with its module.
        sender: The sender of the signals; by default the function that is returned.

    Raises:
        ArgumentError: If it is not a function, or a generator function.

    Example:
        >>> from heliograph.lifecycle import job, job_finished
        >>> @job
        ... def clean_up(shop):
        ...     return 7
        >>> @job_finished.connect
        ... def tell(sender, *, job, outcome):
        ...     print(job.name.rpartition(".")[2], outcome)
        >>> clean_up("berlin")
        clean_up succeeded
        7
        >>> job_finished.disconnect(tell)
    """
    if function is None:
        return lambda it: job(it, name=name, sender=sender)  # type: ignore[call-overload]  # Checked there.
    _check(function)
    title = name or name_of(function)

    def made(call: object) -> Run:
        return Run(JobInfo("function", title), call if sender is None else sender)

    if iscoroutinefunction(function):

        @wraps(function)
        async def call_async(*args: Any, **kwargs: Any) -> Any:
            with running(made(call_async)):
                return await function(*args, **kwargs)

        return call_async

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with running(made(call)):
            return function(*args, **kwargs)

    return call


def _check(function: Any) -> None:
    msg = ""
    if isinstance(function, (staticmethod, classmethod)):
        kind = type(function).__name__
        msg = f"A {kind} cannot be a job: write @{kind} above @job."
    elif not callable(function) or isinstance(function, type):
        msg = f"{function!r} cannot be a job: decorate a function."
    elif isgeneratorfunction(function) or isasyncgenfunction(function):
        msg = (
            f"{name_of(function)} cannot be a job: it is a generator function, and a call ends "
            "before its work begins. Decorate the function that iterates over it."
        )
    if msg:
        raise ArgumentError(msg)
