"""The pytest plugin: what `heliograph.testing` offers, as fixtures, marks and options.

pytest loads it in every run where Heliograph is installed: it imports
`heliograph.testing` only when a test is about to run.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from heliograph.testing import Capture, Flashes, Templates
    from heliograph.testing.harness import Harness

_HARNESS = pytest.StashKey["Harness"]()
_ISOLATION = ("fixture", "off")
_MARKS = (
    "only_signals(*signals): fail if the test sends any others; names may be patterns",
    "no_signals(*signals): fail if the test sends one of these, or any at all",
)
_MISUSED = "The mark {0.name} takes signals and patterns of names, and no keywords: {0.kwargs}."


# --- options ---------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and the settings."""
    group = parser.getgroup("heliograph", "signals (heliograph)")
    group.addoption(
        "--signals",
        action="store_true",
        help="show what a failing test has sent, as a tree",
    )
    group.addoption(
        "--signals-install",
        action="store_true",
        help="put Heliograph in place of Blinker before conftest files and tests are imported",
    )
    parser.addini(
        "signals_install",
        "put Heliograph in place of Blinker, as --signals-install does",
        type="bool",
        default=False,
    )
    parser.addini(
        "signals_isolation",
        "whether connections end with the fixture or test that made them: 'fixture', or 'off'",
        default="fixture",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Stand in for Blinker, if that is wanted, before the first file of the project is read."""
    wanted = early_config.known_args_namespace.signals_install
    if wanted or early_config.getini("signals_install"):
        from heliograph.blinker import install

        install()


def pytest_configure(config: pytest.Config) -> None:
    """Announce the marks, and look at the settings.

    Raises:
        pytest.UsageError: If there is no such scope of isolation.
    """
    for mark in _MARKS:
        config.addinivalue_line("markers", mark)
    scope = config.getini("signals_isolation")
    if scope not in _ISOLATION:
        names = " or ".join(map(repr, _ISOLATION))
        msg = f"signals_isolation = {scope!r}: there is no such scope. Use {names}."
        raise pytest.UsageError(msg)


# --- around every test -----------------------------------------------------------------


def _harness(config: pytest.Config) -> Harness:
    harness = config.stash.get(_HARNESS, None)
    if harness is None:
        from heliograph.testing.harness import Harness

        harness = config.stash[_HARNESS] = Harness(
            isolates=config.getini("signals_isolation") == "fixture",
            records=bool(bool(config.getoption("--signals"))),
        )
        harness.start()
    return harness


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind: a process may run pytest more than once."""
    harness = config.stash.get(_HARNESS, None)
    if harness is not None:
        harness.stop()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """Begin a test, before all else."""
    harness = _harness(item.config)
    harness.begin(item)
    with harness.scope(item):
        result = yield
    _fail_for(harness.problems())
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Hold the test function to the rules, and to its marks."""
    from heliograph.testing.harness import marked, started_by
    from heliograph.testing.rules import held_to, none_of_these, only_these

    if isinstance(item, pytest.Function):
        item.obj = marked(item.obj, item)
    rules = {"only_signals": only_these, "no_signals": none_of_these}
    marks = [mark for mark in item.iter_markers() if mark.name in rules]
    asked = [(rules[mark.name], mark.args) for mark in marks]
    _fail_for([_MISUSED.format(mark) for mark in marks if mark.kwargs])
    harness = _harness(item.config)
    with harness.scope(item), started_by(item), held_to(asked) as problems:
        result = yield
    _fail_for(harness.problems() + problems)
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """End a test, after all else."""
    harness = _harness(item.config)
    try:
        with harness.scope(item):
            result = yield
        _fail_for(harness.problems())
        return result
    finally:
        harness.end(item)


def _fail_for(problems: list[str]) -> None:
    if problems:
        # No line of the test has done it: a traceback would show the plugin alone.
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Let a fixture keep what it connects for as long as it is there."""
    from heliograph.testing.harness import started_by

    # What lasts for several tests is no part of the first of them.
    test = request.node if fixturedef.scope == "function" else None
    with _harness(request.config).scope(fixturedef), started_by(test):
        return (yield)


def pytest_fixture_post_finalizer(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> None:
    """End what a fixture has connected."""
    _harness(request.config).isolation.undo(fixturedef)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what a failing test has sent."""
    report = yield
    sent = _harness(item.config).report() if report.failed else ""
    if sent:
        report.sections.append(("Signals sent", sent))
    return report


# --- fixtures --------------------------------------------------------------------------


@pytest.fixture
def signals() -> Iterator[Capture]:
    """Everything that is sent on Heliograph during the test, in order."""
    from heliograph.testing import capture

    with capture() as sent:
        yield sent


@pytest.fixture
def templates() -> Iterator[Templates]:
    """The templates that Flask or Quart renders during the test."""
    from heliograph.testing import Templates

    with Templates() as templates:
        yield templates


@pytest.fixture
def flashes() -> Iterator[Flashes]:
    """The messages that Flask or Quart flashes during the test."""
    from heliograph.testing import Flashes

    with Flashes() as flashes:
        yield flashes


@pytest.fixture
def capture_signals() -> Iterator[Callable[..., Capture]]:
    """Capture some signals from now to the end of the test: see `heliograph.testing.capture`."""
    from heliograph.testing import capture

    with ExitStack() as stack:
        yield lambda *signals, **options: stack.enter_context(capture(*signals, **options))


@pytest.fixture
def mute_signals() -> Iterator[Callable[..., None]]:
    """Mute some signals from now to the end of the test: see `heliograph.testing.mute`."""
    from heliograph.testing import mute

    with ExitStack() as stack:
        yield lambda *signals, **options: stack.enter_context(mute(*signals, **options))
