"""Runs pytest in this process, with each test as a step."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click
import pytest

from heliograph.cli.loading import prepare
from heliograph.cli.steps import Outcome

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from heliograph.cli.steps import Watcher


def run_tests(words: Sequence[str], watcher: Watcher) -> None:
    """Run pytest.

    Raises:
        click.ClickException: If it could not run the tests.
    """
    prepare()
    status = pytest.main([*words], plugins=[_Tests(watcher)])
    sys.stdout.flush()
    # A test that fails has told so itself.
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        name = pytest.ExitCode(status).name.lower().replace("_", " ")
        msg = f"pytest ended with status {int(status)} ({name})."
        raise click.ClickException(msg)


class _Tests:
    """A plugin of pytest that watches each test."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._outcome = Outcome()

    def pytest_configure(self, config: Any) -> None:
        """Keep the tests in this process: nothing can be seen of another one."""
        if getattr(config.option, "numprocesses", None):
            config.option.numprocesses = 0
            config.option.dist, config.option.tx = "no", []

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Watch what is sent while tests are looked for, as modules are imported then."""
        with self._watcher.step("collecting the tests", quiet=True):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Watch one test, with its fixtures."""
        self._outcome = Outcome("passed")
        with self._watcher.step(item.nodeid, quiet=True) as step:
            ended = yield
            step.outcome = self._outcome
            return ended

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what came of a test; a fixture may fail after it, and it has failed then."""
        if self._outcome.failed:
            return
        if report.failed:
            text = "failed" if report.when == "call" else f"failed in its {report.when}"
            self._outcome = Outcome(text, failed=True)
        elif report.skipped:
            self._outcome = Outcome("skipped")
