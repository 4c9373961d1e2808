"""What goes on around tests in a run that asks for it: each class is a plugin for one purpose."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from heliograph import add_instrument, remove_instrument
from heliograph.testing import capture
from heliograph.testing.belonging import TEST, marked, started_by
from heliograph.testing.isolation import Isolation
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

    from heliograph.testing.rules import Rule

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
    yield BelongingAll()
    if records:
        yield Recording()
    if "isolation" in rules:
        yield Isolating()
    if watches := [_WATCHES[it]() for it in rules if it in _WATCHES]:
        yield Watching(watches)


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
        if fixturedef.scope == "function":
            return (yield)
        with started_by(None):
            return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        """Let an async test say itself which test it is."""
        if _KNOWN in item.stash and isinstance(item, pytest.Function):
            item.obj = marked(item.obj, item)


class BelongingAll(Belonging):
    """Lets what any test starts be known as a part of it."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Around:
        """Let nothing be known so after the last test, also where that was interrupted."""
        with started_by(None):
            return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Let a test begin."""
        self.add(item)
        TEST.set(item)

    def pytest_runtest_logfinish(self) -> None:
        """Let it end."""
        TEST.set(None)


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


class Isolating:
    """Ends connections with the fixture or the test that made them."""

    name = "heliograph-isolating"

    def __init__(self) -> None:
        self._isolation = Isolation()
        self._test: pytest.Item | None = None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Around:
        """Note connections from before the first test to after the last."""
        add_instrument(self._isolation)
        try:
            return (yield)
        finally:
            remove_instrument(self._isolation)
            self._go_on_with(None)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Let what is connected belong to the test."""
        self._go_on_with(item)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """End what it has connected when it is run again, as some plugins do."""
        self._isolation.undo(item)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self) -> None:
        """End what the test has connected, after all else."""
        self._go_on_with(None)

    def _go_on_with(self, test: pytest.Item | None) -> None:
        if self._test is not None:
            self._isolation.leave()
            self._isolation.undo(self._test)
        if test is not None:
            self._isolation.enter(test)
        self._test = test

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Around:
        """Let a fixture keep what it connects for as long as it is there."""
        self._isolation.enter(fixturedef)
        try:
            return (yield)
        finally:
            self._isolation.leave()

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        """End what a fixture has connected."""
        self._isolation.undo(fixturedef)


class Watching:
    """Fails a test in which something was against a rule.

    Args:
        watches: What watches for it.
    """

    name = "heliograph-watching"

    def __init__(self, watches: Sequence[Watch]) -> None:
        self._watches = watches

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Around:
        """Watch from before the first test to after the last."""
        with ExitStack() as stack:
            for watch in self._watches:
                stack.enter_context(watch)
            return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Let a test begin."""
        for watch in self._watches:
            watch.begin(item)

    # None of these is called where the function, or a fixture, has raised: what was raised is
    # the reason for whatever comes of it, and enough.

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_setup(self) -> None:
        """Fail the test for what its fixtures did."""
        self._tell()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_call(self) -> None:
        """Fail the test for what its function did."""
        self._tell()

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
        self._sent = capture()

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
