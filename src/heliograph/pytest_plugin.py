"""The plugins that run around tests where a run or a test asks for them, each for one purpose."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import add_instrument, remove_instrument
from heliograph.testing import capture
from heliograph.testing.belonging import TEST, marked, started_by
from heliograph.testing.isolation import Isolation, modules_running
from heliograph.testing.report import report as report_of
from heliograph.testing.rules import (
    FailureWatch,
    ForgottenWatch,
    held_to,
    none_of_these,
    only_these,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from contextlib import AbstractContextManager

    from heliograph.testing.rules import Rule
    from heliograph.testing.sent import Sent

    Around = Generator[None, object, object]
    Watch = FailureWatch | ForgottenWatch

# pytest calls every hook here for every test, and a wrapper costs as much as five plain hooks.

_KNOWN = pytest.StashKey[bool]()
"""Of a test: whether to mark what it starts as its work."""

_MARKS: dict[str, Rule] = {"only_signals": only_these, "no_signals": none_of_these}
_MISUSED = "The mark {0.name} takes signals and patterns of names, but no keywords: {0.kwargs}."

_WATCHES: dict[str, type[Watch]] = {
    "logged_errors": FailureWatch,
    "forgotten_expect": ForgottenWatch,
}


def plugins(rules: Sequence[str], *, records: bool) -> Iterator[Any]:
    """Yield the plugins of a run that has rules, or that records what is sent."""
    yield EveryTest(rules)
    if records:
        yield Recording()


def _fail_for(problems: list[str]) -> None:
    if problems:
        # No line of the test has raised this: a traceback would show only the plugin.
        pytest.fail("\n".join(problems), pytrace=False)


class Belonging:
    """Marks what tests start as their work; for the tests that capture."""

    name = "heliograph-belonging"

    def add(self, item: pytest.Item) -> None:
        """Do so for a test, too."""
        item.stash[_KNOWN] = True

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Around:
        """Keep a fixture that serves several tests from being the work of the first one."""
        with _starter_of(fixturedef):
            return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        """Let an async test mark its own context."""
        if _KNOWN in item.stash:
            _mark_itself(item)


def _starter_of(fixturedef: pytest.FixtureDef[Any]) -> AbstractContextManager[None]:
    return nullcontext() if fixturedef.scope == "function" else started_by(None)


def _mark_itself(item: pytest.Item) -> None:
    if isinstance(item, pytest.Function):
        function = item.obj
        if (marks_itself := marked(function, item)) is not function:
            item.obj = marks_itself


class Marking:
    """Enforces the marks of tests."""

    name = "heliograph-marking"

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Around:
        """Enforce the marks of a test function."""
        marks = [mark for mark in item.iter_markers() if mark.name in _MARKS]
        _fail_for([_MISUSED.format(mark) for mark in marks if mark.kwargs])
        with started_by(item), held_to([(_MARKS[it.name], it.args) for it in marks]) as problems:
            result = yield
        _fail_for(problems)
        return result


class EveryTest:
    """Enforces rules for every test, and marks what each test starts as its work.

    One plugin serves all rules, as every test pays for each hook of each plugin.

    Args:
        rules: The names of the rules.
    """

    name: str = Belonging.name  # It replaces that plugin.

    def __init__(self, rules: Sequence[str]) -> None:
        self._isolation = Isolation()
        self._isolates = "isolation" in rules
        self._watches = [_WATCHES[it]() for it in rules if it in _WATCHES]
        self._modules = 0
        self._test: pytest.Item | None = None

    def add(self, item: pytest.Item) -> None:
        """Do nothing: this plugin marks the work of every test."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Around:
        """Watch from before the first test to after the last, also if the run is interrupted."""
        # Tests and fixtures run from here, and not from a module that is being imported.
        self._modules = modules_running()
        with ExitStack() as stack:
            stack.enter_context(started_by(None))
            stack.callback(self._go_on_with, None)
            if self._isolates:
                add_instrument(self._isolation)
                stack.callback(remove_instrument, self._isolation)
            for watch in self._watches:
                stack.enter_context(watch)
            return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Begin a test."""
        self._go_on_with(item)
        for watch in self._watches:
            watch.begin(item)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self) -> None:
        """End the test and its connections, after everything else."""
        self._go_on_with(None)

    def _go_on_with(self, test: pytest.Item | None) -> None:
        TEST.set(test)
        if self._test is not None:
            self._isolation.leave()
            self._isolation.undo(self._test)
        if test is not None:
            self._isolation.enter(test, self._modules)
        self._test = test

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Around:
        """Let a fixture keep its connections for as long as it lives."""
        self._isolation.enter(fixturedef, self._modules)
        try:
            with _starter_of(fixturedef):
                return (yield)
        finally:
            self._isolation.leave()

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        """End the connections of a fixture."""
        self._isolation.undo(fixturedef)

    # Problems are reported only if neither the function nor a fixture has raised an error: the
    # error is probably their cause, and is enough.

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Around:
        """Fail the test for what its fixtures did; end its connections from an earlier run."""
        self._isolation.undo(item)
        result = yield
        self._report()
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Around:
        """Fail the test for what its function did."""
        _mark_itself(item)
        result = yield
        self._report()
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Around:
        """Fail the test for what its fixtures did while they were torn down."""
        for watch in self._watches:
            watch.found.clear()
        result = yield
        self._report()
        return result

    def _report(self) -> None:
        for watch in self._watches:
            if watch.found:
                _fail_for([problem for each in self._watches for problem in each.problems()])


class Recording:
    """Shows what a failing test has sent."""

    name = "heliograph-recording"

    def __init__(self) -> None:
        self._record = ExitStack()
        self._sent: Sequence[Sent] = ()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Around:
        """End the record after everything else."""
        with self._record:
            return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Begin a record; a new one if a plugin runs the test again."""
        self._record.close()
        self._sent = self._record.enter_context(capture())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add the record to the report of a failure."""
        report = yield
        sent = report_of(self._sent) if report.failed else ""
        if sent:
            report.sections.append(("Signals sent", sent))
        return report
