"""Jobs: each run has one end, and what it says is true."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import ArgumentError
from heliograph.lifecycle import current_job, job, job_started
from heliograph.lifecycle.job_info import JobInfo
from heliograph.lifecycle.jobs import LOST, RETRYING, Run
from tests.lifecycle.calling import heard, names

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

ENDS: list[tuple[BaseException | None, str, str]] = [
    (None, "job-finished", "succeeded"),
    (LookupError(), "job-failed", "failed"),
    (SystemExit(), "job-finished", "succeeded"),
    (SystemExit(0), "job-finished", "succeeded"),
    (SystemExit(3), "job-failed", "failed"),
    (KeyboardInterrupt(), "job-finished", "interrupted"),
]


@pytest.mark.parametrize(("error", "end", "outcome"), ENDS)
@pytest.mark.parametrize("is_async", [False, True])
def test_a_run_has_one_end(
    error: BaseException | None, end: str, outcome: str, is_async: bool
) -> None:
    """Whatever ends it; what it raises is raised."""

    @job
    def plain() -> int:
        if error is not None:
            raise error
        return 7

    @job
    async def awaited() -> int:
        return plain.__wrapped__()  # type: ignore[attr-defined, no-any-return]  # As `wraps` sets it.

    function: Any = awaited if is_async else plain
    raised = None
    with heard() as kept:
        try:
            coroutine_or_value = function()
            if is_async:
                drive(coroutine_or_value)
        except BaseException as caught:  # noqa: BLE001 - exits of the program, too.
            raised = caught

    assert raised is error
    assert names(kept) == ["job-started", end, "job-tearing-down"]
    assert dict(kept)[end]["outcome"] == outcome
    assert dict(kept)["job-tearing-down"]["exc"] is error
    assert {it["sender"] for _, it in kept} == {function}
    [it] = {it["job"] for _, it in kept}
    assert (it.system, it.id, it.attempt) == ("function", it.run_id, 1)
    assert dict(kept)[end]["duration"] >= 0
    assert current_job() is None


def drive(coroutine: Any) -> None:
    """Run a coroutine that waits for nothing; a loop would not raise what exits the program."""
    with pytest.raises(StopIteration):
        coroutine.send(None)


async def test_a_task_that_is_cancelled_was_interrupted() -> None:
    """That is no failure."""

    @job(name="wait", sender="shop")
    async def wait() -> None:
        await asyncio.sleep(30)

    with heard() as kept:
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    told = dict(kept)["job-finished"]
    assert (told["outcome"], told["sender"], told["job"].name) == ("interrupted", "shop", "wait")


def test_a_job_inside_of_another_knows_it() -> None:
    """Each of them is the current one while it runs."""
    seen = []

    @job
    def inner() -> None:
        seen.append(current_job())

    @job
    def outer() -> None:
        inner()
        seen.append(current_job())

    outer()
    first, second = seen
    assert first is not None
    assert (first.parent, second and second.parent) == (second, None)
    assert repr(first).startswith("<JobInfo function ")
    assert first.run_id in repr(first)


def test_the_first_end_is_the_right_one() -> None:
    """Systems tell of ends several times, and wrongly later."""
    run = Run(
        JobInfo("celery", "tasks.add", id="7", attempt=2, redelivered=True, eager=True), "app"
    )
    with heard() as kept:
        run.end(RETRYING)
        run.end(LOST)

    assert [(name, it["outcome"]) for name, it in kept] == [("job-finished", "retrying")]
    job = run.job
    assert (job.id, job.attempt, job.redelivered, job.eager) == ("7", 2, True, True)


def test_what_is_no_function_is_no_job() -> None:
    """A class would be made, and not run."""
    things: list[Any] = [JobInfo, 7]
    for it in things:
        with pytest.raises(ArgumentError, match=r"cannot be a job: decorate a function\.$"):
            job(it)


def test_a_generator_function_is_no_job() -> None:
    """Its call ends before the work begins, and would be told as a success."""

    def rows() -> Iterator[int]:
        yield 1

    async def rows_async() -> AsyncIterator[int]:
        yield 1

    for it in (rows, rows_async):
        with pytest.raises(ArgumentError, match=r"cannot be a job: it is a generator function"):
            job(it)


@pytest.mark.parametrize("kind", [staticmethod, classmethod])
def test_a_static_method_is_made_of_a_job(kind: Any) -> None:
    """And not the other way round: the job would be a method, and pass itself."""
    said = f"^A {kind.__name__} cannot be a job: write @{kind.__name__} above @job"
    with pytest.raises(ArgumentError, match=said):
        job(kind(len))


def test_a_receiver_that_fails_breaks_no_job(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged."""

    @job
    def work() -> int:
        return 7

    def fail(sender: Any, **extra: Any) -> None:
        raise OSError

    with job_started.connected_to(fail):
        assert work() == 7
    assert len(caplog.records) == 1


def test_a_receiver_of_the_start_that_exits_the_program_ends_the_run() -> None:
    """The function does not run; the start has its end all the same."""

    @job
    def work() -> None:
        raise AssertionError

    def leave(sender: Any, **extra: Any) -> None:
        sys.exit(3)

    with heard() as kept, job_started.connected_to(leave), pytest.raises(SystemExit):
        work()
    assert names(kept) == ["job-started", "job-failed", "job-tearing-down"]
    assert current_job() is None
