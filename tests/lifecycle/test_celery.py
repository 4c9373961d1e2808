"""Celery's tasks in this process: run in place, by a worker in a thread, and in odd states."""

from __future__ import annotations

import logging
import sys
import time
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import celery
import pytest
from celery import signals, states
from celery.contrib.testing.worker import start_worker
from celery.exceptions import Ignore, Retry, SoftTimeLimitExceeded

from heliograph import ArgumentError, StateError
from heliograph.lifecycle import JobInfo, current_job, job
from heliograph.lifecycle.celery import install
from heliograph.lifecycle.ended import Ended
from heliograph.lifecycle.wsgi import Middleware
from tests.lifecycle.calling import ask_wsgi, heard

if TYPE_CHECKING:
    from collections.abc import Iterator

WELL = ["started", "finished succeeded", "tearing-down"]
FAILED = ["started", "failed failed", "tearing-down"]


def told(kept: list[tuple[str, dict[str, Any]]], job_id: str | None = None) -> list[str]:
    """Return what was told of jobs, or of one job, in short."""
    of_jobs = [(name, it) for name, it in kept if name.startswith("job-")]
    lines = [(name, it.get("outcome")) for name, it in of_jobs if job_id in (None, it["job"].id)]
    return [" ".join(filter(None, (name.removeprefix("job-"), how))) for name, how in lines]


def made(**options: Any) -> celery.Celery:
    """Return an application without a broker, and a task that does what it is told."""
    app = celery.Celery("shop", broker="memory://", set_as_current=False)
    app.conf.update({"task_always_eager": True, **options})

    def work(self: Any, error: Any = None) -> Any:
        if error == "retry":
            raise self.retry(countdown=0)
        if error == "replace":
            return self.replace(self.s())
        if error is not None:
            raise error
        return current_job()

    app.task(work, shared=False, bind=True, name="work", max_retries=1)
    # Exceptions and jobs cannot be serialized; tasks that run in place have no need of that.
    app.conf.update(task_serializer="pickle", accept_content=["pickle", "json"])
    return app


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, WELL),
        (LookupError(), FAILED),
        (Ignore(), ["started", "finished ignored", "tearing-down"]),
        (SoftTimeLimitExceeded(), ["started", "failed timeout", "tearing-down"]),
        ("retry", ["started", "finished retrying", "tearing-down", *FAILED]),
        ("replace", ["started", *WELL, *WELL[1:]]),
        (SystemExit(3), FAILED),
        (SystemExit(-241), ["started", "finished interrupted", "tearing-down"]),
        (KeyboardInterrupt(), ["started", "finished interrupted", "tearing-down"]),
    ],
)
def test_a_task_that_runs_in_place_is_a_job(error: Any, expected: list[str]) -> None:
    """Each of its runs has one end."""
    app = made()
    # Exits of the program leave the task as they are.
    with install(app), heard() as kept, suppress(SystemExit, KeyboardInterrupt):
        app.tasks["work"].apply((error,), task_id="7")

    assert told(kept) == expected
    jobs: list[JobInfo] = [it["job"] for name, it in kept if name == "job-started"]
    assert {(it.system, it.name, it.id, it.eager) for it in jobs} == {("celery", "work", "7", True)}
    assert {it["sender"] for _, it in kept} == {app}
    assert [it.attempt for it in jobs] == ([1, 2] if error == "retry" else [1] * len(jobs))
    assert len({it.run_id for it in jobs}) == len(jobs)
    assert current_job() is None


@pytest.mark.parametrize("error", [LookupError(), "retry", SoftTimeLimitExceeded()])
def test_an_error_that_is_raised_in_place_has_one_end(error: Any) -> None:
    """As tests have it: the error leaves the task, and Celery knows no state of it."""
    app = made(task_eager_propagates=True)
    kinds = (LookupError, Retry, SoftTimeLimitExceeded)
    with install(app), heard() as kept, pytest.raises(kinds) as raised:
        app.tasks["work"].delay(error)

    kind = "timeout" if isinstance(error, SoftTimeLimitExceeded) else "failed"
    assert told(kept) == ["started", f"failed {kind}", "tearing-down"]
    assert dict(kept)["job-failed"]["exception"] is raised.value
    assert dict(kept)["job-tearing-down"]["exc"] is raised.value


@pytest.mark.parametrize(("error", "expected"), [(None, WELL), (LookupError("shop"), FAILED)])
def test_a_result_store_that_fails_changes_no_end(
    monkeypatch: pytest.MonkeyPatch, error: Any, expected: list[str]
) -> None:
    """The task's own error is told, not that of the store."""
    app = made(task_store_eager_result=True)
    task = app.tasks["work"]

    def fail(*_: Any, **__: Any) -> None:
        try:
            int("store")
        except ValueError as cause:
            raise ConnectionError from cause

    monkeypatch.setattr(task.backend, "mark_as_failure", fail)
    monkeypatch.setattr(task.backend, "mark_as_done", fail)
    with install(app), heard() as kept, pytest.raises(ConnectionError):
        task.apply((error,))

    assert told(kept) == expected
    assert dict(kept)["job-tearing-down"]["exc"] is error


def test_a_receiver_that_exits_the_program_leaves_no_task_without_an_end() -> None:
    """Celery does not run the task then."""
    app = made()

    def leave(**_: Any) -> None:
        sys.exit(3)

    with install(app), heard() as kept:
        signals.task_prerun.connect(leave, weak=False)
        try:
            with pytest.raises(SystemExit):
                app.tasks["work"].apply()
        finally:
            signals.task_prerun.disconnect(leave)
    assert told(kept) == FAILED


def test_a_task_that_is_called_is_no_job() -> None:
    """It is a function then."""
    app = made()
    with install(app), heard() as kept:
        assert app.tasks["work"]() is None
    assert kept == []


def test_a_task_of_another_application_is_none_of_this_one() -> None:
    """Celery's signals are those of all applications."""
    app, other = made(), made()
    with install(app), heard() as kept:
        other.tasks["work"].delay()
    assert kept == []
    with install(app), install(other), heard() as kept:
        app.tasks["work"].delay()
    assert told(kept) == WELL
    assert {it["sender"] for _, it in kept} == {app}


def test_undoing_it_for_one_application_leaves_the_others(worker: celery.Celery) -> None:
    """What is published goes on to carry the id of its request, too."""
    install(made()).uninstall()
    result: list[Any] = []

    def serve(environ: Any, start_response: Any) -> list[bytes]:
        result.append(worker.tasks["asked"].delay())
        start_response("200 OK", [])
        return []

    with heard() as kept:
        ask_wsgi(Middleware(serve), "/", x_request_id="r-2")
        assert result[0].get(timeout=60) == "r-2"
        wait_for(kept, result[0].id, 3)
    assert told(kept, result[0].id) == WELL


def test_a_task_that_runs_in_place_knows_its_request() -> None:
    """Also inside of a job that the request has begun."""
    app = made()
    jobs: list[JobInfo] = []

    @job
    def run_more() -> None:
        jobs.append(app.tasks["work"].apply().result)

    def serve(environ: Any, start_response: Any) -> list[bytes]:
        jobs.append(app.tasks["work"].apply().result)
        run_more()
        start_response("200 OK", [])
        return []

    with install(app):
        ask_wsgi(Middleware(serve), "/", x_request_id="r-1")
        jobs.append(app.tasks["work"].apply().result)

    assert [it.requested_by for it in jobs] == ["r-1", "r-1", None]
    assert [it.request and it.request.id for it in jobs] == ["r-1", "r-1", None]
    assert [it.parent and it.parent.system for it in jobs] == [None, "function", None]


@pytest.fixture(scope="module")
def worker() -> Iterator[celery.Celery]:
    """Run a worker in a thread of this process, as Celery's documentation has it for tests."""
    app = made(task_always_eager=False, result_backend="cache+memory://")

    def publish() -> str:
        found: str = app.tasks["asked"].delay().id
        return found

    def asked() -> str | None:
        found = current_job()
        return found.requested_by if found else None

    app.task(publish, shared=False, name="publish")
    app.task(asked, shared=False, name="asked")
    root = logging.getLogger()
    level, before = root.level, [*root.handlers]
    with install(app), start_worker(app, perform_ping_check=False):
        yield app
    # It has set up the logging of the whole process.
    root.setLevel(level)
    for handler in set(root.handlers) - set(before):
        if type(handler) is logging.StreamHandler:  # The others are those of pytest.
            root.removeHandler(handler)


def test_a_task_that_is_published_in_a_request_carries_its_id(worker: celery.Celery) -> None:
    """So do those that it publishes."""
    results: list[Any] = []

    def serve(environ: Any, start_response: Any) -> list[bytes]:
        results.append(worker.tasks["asked"].delay())
        results.append(worker.tasks["publish"].delay())
        start_response("200 OK", [])
        return []

    ask_wsgi(Middleware(serve), "/", x_request_id="r-1")
    results.append(worker.tasks["asked"].delay())
    second = worker.AsyncResult(results[1].get(timeout=60))

    found = [it.get(timeout=60) for it in (results[0], second, results[2])]
    assert found == ["r-1", "r-1", None]


def test_the_worker_of_a_test_tells_each_end_once(worker: celery.Celery) -> None:
    """It works in a thread, and tries again as any worker; another application has none."""
    with install(made()), heard() as kept:
        result = worker.tasks["work"].delay("retry")
        wait_for(kept, result.id, 6)

    assert told(kept, result.id) == ["started", "finished retrying", "tearing-down", *FAILED]
    assert {it["sender"] for _, it in kept} == {worker}


def wait_for(kept: list[tuple[str, dict[str, Any]]], job_id: str, count: int) -> None:
    """Wait until so much was told of a job."""
    deadline = time.monotonic() + 60
    while len(told(kept, job_id)) < count:
        assert time.monotonic() < deadline, told(kept)
        time.sleep(0.02)


def test_what_celery_says_without_a_word_of_the_end_is_unknown() -> None:
    """No state and no error, or a state that is none of Celery's."""
    app = made()
    task = app.tasks["work"]
    for state in (None, "SHIPPED"):
        with install(app), heard() as kept:
            task.push_request(id="7", is_eager=True)
            signals.task_prerun.send(task, task_id="7", task=task, args=(), kwargs={})
            signals.task_postrun.send(task, task_id="7", task=task, state=state, retval=None)
            task.pop_request()
        assert told(kept) == ["started", "finished unknown", "tearing-down"]


def test_a_task_that_begins_twice_has_lost_its_first_run() -> None:
    """Celery gives out again what a process was killed with before it was seen to begin."""
    app = made()
    task = app.tasks["work"]

    def begin(state: str | None) -> None:
        task.push_request(id="7", is_eager=False, heliograph_run=("first", 1))
        signals.task_prerun.send(task, task_id="7", task=task, args=(), kwargs={})
        if state is not None:
            signals.task_postrun.send(task, task_id="7", task=task, state=state, retval=None)
        task.pop_request()

    with install(app), heard() as kept:
        # Another process has another context.
        copy_context().run(begin, None)
        begin(states.SUCCESS)

    assert told(kept) == ["started", "failed lost", *WELL]
    runs = [it["job"].run_id for _, it in kept]
    assert runs[:2] == ["first", "first"]
    assert len({*runs}) == 2


def test_it_is_installed_once_and_can_be_undone() -> None:
    """For each application."""
    app = made()
    installation = install(app)
    with pytest.raises(StateError, match=r"^The life-cycle signals are installed for this celery"):
        install(app)
    installation.uninstall()
    installation.uninstall()
    with heard() as kept:
        app.tasks["work"].delay()
    assert kept == []
    install(app).uninstall()
    thing: Any = sys
    with pytest.raises(ArgumentError, match=r"^A module object is not a celery\.Celery: pass the"):
        install(thing)


def test_an_end_is_claimed_once() -> None:
    """By whichever process comes first; a later run never hides the end of an earlier one."""
    ended = Ended()
    first = ended.number()
    for _ in range(65_535):
        ended.number()
    later = ended.number()

    assert [ended.claim(first), ended.claim(first)] == [True, False]
    assert [ended.claim(later), ended.claim(first), ended.claim(later)] == [True, True, True]
