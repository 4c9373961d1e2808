"""The pytest plugin: `heliograph.testing` as fixtures, marks and options.

pytest loads it in every run where Heliograph is installed, also where no test uses it.
Unless a run, a mark or a fixture asks, it watches nothing and changes nothing.
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
    "only_signals": "fail if the test sends any other signals; names may be patterns",
    "no_signals": "fail if the test sends one of these signals, or any at all",
}
_BELONGING = "heliograph-belonging"


# --- options ---------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and the settings."""
    group = parser.getgroup("heliograph", "signals (heliograph)")
    group.addoption(
        "--signals",
        action="store_true",
        help="show the signals that a failing test has sent, as a tree",
    )
    group.addoption(
        "--signals-install",
        action="store_true",
        help="replace Blinker with Heliograph before conftest files and tests are imported",
    )
    parser.addini(
        "signals_install",
        "replace Blinker with Heliograph, as --signals-install does",
        type="bool",
        default=False,
    )
    # In pytest's own TOML tables, only a union accepts both `true` and a string.
    kind: Any = bool | str if pytest.version_tuple >= (9, 2) else "string"
    parser.addini(
        "signals_rules",
        f"rules for every test: true for all, or some of {' '.join(RULES)}",
        type=kind,
        default="",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Replace Blinker, if the run asks for it, before the first file of the project is read."""
    wanted = early_config.known_args_namespace.signals_install
    if wanted or early_config.getini("signals_install"):
        from heliograph.blinker import install

        install()


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks, and the plugins for the rules that the run asks for.

    Raises:
        pytest.UsageError: If a rule does not exist.
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
    """Enforce the marks of a test. It looks for them now, as a fixture may have added one."""
    if _has_a_mark(item):
        from heliograph.pytest_plugin import Marking

        _mark_work(item)
        _once(item.config, Marking)


def _has_a_mark(node: Any) -> bool:
    # Every test pays for this, and `iter_markers` makes three generators to find nothing.
    while node is not None:
        for mark in node.own_markers:
            if mark.name in _MARKS:
                return True
        node = node.parent
    return False


def _mark_work(item: pytest.Item) -> None:
    """Mark what a test starts as its work."""
    from heliograph.pytest_plugin import Belonging

    _once(item.config, Belonging).add(item)


@contextmanager
def _part_of(request: pytest.FixtureRequest) -> Iterator[None]:
    """Mark what is started inside the block as work of a test."""
    from heliograph.testing.belonging import started_by

    _mark_work(request.node)
    with started_by(request.node):
        yield


def _once(config: pytest.Config, kind: type[Belonging | Marking]) -> Any:
    """Return a plugin of the run, which is registered when the first test needs it."""
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
    """Capture some signals until the end of the test; see `heliograph.testing.capture`."""
    from heliograph.testing import capture

    with _part_of(request), ExitStack() as stack:
        yield lambda *signals, **options: stack.enter_context(capture(*signals, **options))


@pytest.fixture
def mute_signals() -> Iterator[Callable[..., None]]:
    """Mute some signals until the end of the test; see `heliograph.testing.mute`."""
    from heliograph.testing import mute

    with ExitStack() as stack:
        yield lambda *signals, **options: stack.enter_context(mute(*signals, **options))
