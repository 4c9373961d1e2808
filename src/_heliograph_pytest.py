"""The pytest plugin: what `heliograph.testing` offers, as fixtures, marks and options.

pytest loads it in every run where Heliograph is installed, most of which know nothing of
it: unless a run, a mark or a fixture asks, it watches nothing and changes nothing.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from heliograph.pytest_plugin import Belonging, Marking
    from heliograph.testing import Capture, Flashes, Templates

RULES = ("isolation", "logged_errors", "forgotten_expect")
"""The rules that `signals_rules` may name."""

_ALL = ("true", "yes", "on", "1")
_NONE = ("", "false", "no", "off", "0")
_MARKS = {
    "only_signals": "fail if the test sends any others; names may be patterns",
    "no_signals": "fail if the test sends one of these, or any at all",
}
_BELONGING = "heliograph-belonging"


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
    # Only a union takes `true` and a string of pytest's own tables in TOML files.
    kind: Any = bool | str if pytest.version_tuple >= (9, 2) else "string"
    parser.addini(
        "signals_rules",
        f"rules that every test is held to: true for all, or some of {' '.join(RULES)}",
        type=kind,
        default="",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Stand in for Blinker, if that is wanted, before the first file of the project is read."""
    wanted = early_config.known_args_namespace.signals_install
    if wanted or early_config.getini("signals_install"):
        from heliograph.blinker import install

        install()


def pytest_configure(config: pytest.Config) -> None:
    """Announce the marks, and hold the run to the rules that are asked for.

    Raises:
        pytest.UsageError: If there is no such rule.
    """
    for name, what in _MARKS.items():
        config.addinivalue_line("markers", f"{name}(*signals): {what}")
    rules = _asked_for(config.getini("signals_rules"))
    records = bool(config.getoption("--signals"))
    if rules or records:
        from heliograph.pytest_plugin import plugins

        for plugin in plugins(rules, records=records):
            config.pluginmanager.register(plugin, plugin.name)


def _asked_for(setting: Any) -> tuple[str, ...]:
    text = (" ".join(setting) if isinstance(setting, list) else str(setting)).strip()
    if text.lower() in _ALL:
        return RULES
    names = () if text.lower() in _NONE else tuple(text.replace(",", " ").split())
    for name in names:
        if name not in RULES:
            msg = (
                f"signals_rules = {text}: there is no rule {name!r}. "
                f"Use true for all rules, or some of: {' '.join(RULES)}."
            )
            raise pytest.UsageError(msg)
    return names


# --- tests that ask for something ------------------------------------------------------


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Hold a test to its marks: found out now, as a fixture may have given it one."""
    if _has_a_mark(item):
        from heliograph.pytest_plugin import Marking

        _let_belong(item)
        _once(item.config, Marking)


def _has_a_mark(node: Any) -> bool:
    # Every test pays for this: `iter_markers` makes three generators to find nothing.
    while node is not None:
        for mark in node.own_markers:
            if mark.name in _MARKS:
                return True
        node = node.parent
    return False


def _let_belong(item: pytest.Item) -> None:
    """Let what a test starts be known as a part of it."""
    from heliograph.pytest_plugin import Belonging

    _once(item.config, Belonging).add(item)


@contextmanager
def _part_of(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let all belong to a test that it starts meanwhile."""
    from heliograph.testing.belonging import started_by

    _let_belong(request.node)
    with started_by(request.node):
        yield


def _once(config: pytest.Config, kind: type[Belonging | Marking]) -> Any:
    """Return a plugin of the run, which is there from the first time that a test needs it."""
    if not config.pluginmanager.has_plugin(kind.name):
        config.pluginmanager.register(kind(), kind.name)
    return config.pluginmanager.get_plugin(kind.name)


# --- fixtures --------------------------------------------------------------------------


@pytest.fixture
def signals(request: pytest.FixtureRequest) -> Iterator[Capture]:
    """Everything that is sent on Heliograph during the test, in order."""
    from heliograph.testing import capture

    with _part_of(request), capture() as sent:
        yield sent


@pytest.fixture
def templates(request: pytest.FixtureRequest) -> Iterator[Templates]:
    """The templates that Flask or Quart renders during the test."""
    from heliograph.testing import Templates

    with _part_of(request), Templates() as templates:
        yield templates


@pytest.fixture
def flashes(request: pytest.FixtureRequest) -> Iterator[Flashes]:
    """The messages that Flask or Quart flashes during the test."""
    from heliograph.testing import Flashes

    with _part_of(request), Flashes() as flashes:
        yield flashes


@pytest.fixture
def capture_signals(request: pytest.FixtureRequest) -> Iterator[Callable[..., Capture]]:
    """Capture some signals from now to the end of the test: see `heliograph.testing.capture`."""
    from heliograph.testing import capture

    with _part_of(request), ExitStack() as stack:
        yield lambda *signals, **options: stack.enter_context(capture(*signals, **options))


@pytest.fixture
def mute_signals() -> Iterator[Callable[..., None]]:
    """Mute some signals from now to the end of the test: see `heliograph.testing.mute`."""
    from heliograph.testing import mute

    with ExitStack() as stack:
        yield lambda *signals, **options: stack.enter_context(mute(*signals, **options))
