"""What goes on around tests in a run that asks for it: each class is a plugin for one purpose."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import add_instrument, remove_instrument
from heliograph.testing import capture
from heliograph.testing.belonging import TEST, marked, started_by
from heliograph.testing.isolation import Isolation, modules_running
from heliograph.testing.rules import (
    FailureWatch,
    ForgottenWatch,
    held_to,
    none_of_these,
    only_these,
)
from heliograph.testing.tree import tree

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from contextlib import AbstractContextManager

    from heliograph.testing.rules import Rule
    from heliograph.testing.sent import Sent

    Around = Generator[None, object, object]
    Watch = FailureWatch | ForgottenWatch

# Every hook here is called for every test, and a wrapper costs as much as five plain ones.

_KNOWN = pytest.StashKey[bool]()
"""Of a test: that what it starts is to be known as a part of it."""

_MARKS: dict[str, Rule] = {"only_signals": only_these, "no_signals": none_of_these}
_MISUSED = "The mark {0.name} takes signals and patterns of names, and no keywords: {0.kwargs}."

_WATCHES: dict[str, type[Watch]] = {
    "logged_errors": FailureWatch,
    "forgotten_expect": ForgottenWatch,
}


def plugins(rules: Sequence[str], *, records: bool) -> Iterator[Any]:
    """Give what a run needs that is held to some rules, or that records what is sent."""
    yield EveryTest(rules)
    if records:
        yield Recording()


def _fail_for(problems: list[str]) -> None:
    if problems:
        # No line of the test has done it: a traceback would show the plugin alone.
        pytest.fail("\n".join(problems), pytrace=False)


class Belonging:
    """Lets what some tests start be known as a part of them: of those that capture."""

    name = "heliograph-belonging"

    def add(self, item: pytest.Item) -> None:
        """Do so for a test too."""
        item.stash[_KNOWN] = True

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Around:
        """Let what lasts for several tests be no part of the first of them."""
        with _starter_of(fixturedef):
            return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        """Let an async test say itself which test it is."""
        if _KNOWN in item.stash:
            _let_say_itself(item)


def _starter_of(fixturedef: pytest.FixtureDef[Any]) -> AbstractContextManager[None]:
    return nullcontext() if fixturedef.scope == "function" else started_by(None)


def _let_say_itself(item: pytest.Item) -> None:
    if isinstance(item, pytest.Function):
        function = item.obj
        if (says_so := marked(function, item)) is not function:
            item.obj = says_so


class Marking:
    """Holds tests to their marks."""

    name = "heliograph-marking"

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Around:
        """Hold the test function to its marks."""
        marks = [mark for mark in item.iter_markers() if mark.name in _MARKS]
        _fail_for([_MISUSED.format(mark) for mark in marks if mark.kwargs])
        with started_by(item), held_to([(_MARKS[it.name], it.args) for it in marks]) as problems:
            result = yield
        _fail_for(problems)
        return result


class EveryTest:
    """Holds every test to some rules, and lets what any of them starts be known as a part of it.

    One plugin for all rules: each hook that a plugin has is paid for by every test.

    Args:
        rules: The names of the rules.
    """

    name: str = Belonging.name  # It is in the place of that.

    def __init__(self, rules: Sequence[str]) -> None:
        self._isolation = Isolation()
        self._isolates = "isolation" in rules
        self._watches = [_WATCHES[it]() for it in rules if it in _WATCHES]
        self._modules = 0
        self._test: pytest.Item | None = None

    def add(self, item: pytest.Item) -> None:
        """Let a test be known, as any is already."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Around:
        """Watch from before the first test to after the last, also where that is interrupted."""
        # Tests and fixtures are run from here, and not by a module that is being imported.
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
        """Let a test begin."""
        self._go_on_with(item)
        for watch in self._watches:
            watch.begin(item)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self) -> None:
        """Let it end, and what it has connected, after all else."""
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
        """Let a fixture keep what it connects for as long as it is there."""
        self._isolation.enter(fixturedef, self._modules)
        try:
            with _starter_of(fixturedef):
                return (yield)
        finally:
            self._isolation.leave()

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        """End what a fixture has connected."""
        self._isolation.undo(fixturedef)

    # Problems are told of where neither the function nor a fixture has raised: what was raised
    # is the reason for whatever comes of it, and enough.

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Around:
        """Fail the test for what its fixtures did; end what it connected when it ran before."""
        self._isolation.undo(item)
        result = yield
        self._tell()
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Around:
        """Fail the test for what its function did."""
        _let_say_itself(item)
        result = yield
        self._tell()
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Around:
        """Fail the test for what its fixtures did in the end."""
        for watch in self._watches:
            watch.found.clear()
        result = yield
        self._tell()
        return result

    def _tell(self) -> None:
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
        """End the record after all else."""
        with self._record:
            return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Begin a record: another one, when a test is run again, as some plugins do."""
        self._record.close()
        self._sent = self._record.enter_context(capture())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add the record to the report of a failure."""
        report = yield
        sent = tree(self._sent) if report.failed else ""
        if sent:
            report.sections.append(("Signals sent", sent))
        return report
