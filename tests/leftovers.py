"""Fails a test that leaves something which later tests would notice: an instrument, a receiver."""

from __future__ import annotations

import gc
import sys
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import pytest
from sybil.integration.pytest import SybilItem

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    Around = Generator[None, object, object]

_INSTRUMENTS = "heliograph.core.observing.wishes"
# Where signals are that all programs share. Asking loads none of these modules: whether they are
# there is itself what some tests are about.
_SHARED = {
    "heliograph.core.namespace": "default_namespace",
    "heliograph.blinker": "default_namespace",
    "heliograph.lifecycle.signals": "lifecycle",
}
# Their own signals are joined with those of the life cycle, for all applications at once.
_JOINING = ("flask", "quart")


class Leftovers:
    """Compares what there is after a test with what was there before it.

    What a fixture of a module or of the session has added may stay as long as the fixture does,
    and what an example of a page has added until the last example of the page.
    """

    name = "heliograph-leftovers"

    def __init__(self) -> None:
        self._known: set[object] = set()
        self._of_fixtures: dict[object, set[object]] = defaultdict(set)
        self._goes_on = False

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Around:
        """Note what is there before the fixtures of a test."""
        if not self._goes_on:
            self._known = set(_there()).union(*self._of_fixtures.values())
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Around:
        """Let what a fixture adds stay as long as a fixture that serves several tests."""
        if fixturedef.scope == "function":
            return (yield)
        before = set(_there())
        try:
            return (yield)
        finally:
            added = set(_there()) - before
            self._of_fixtures[fixturedef] |= added
            self._known |= added

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        """Let nothing stay any more that a fixture has added."""
        self._known -= self._of_fixtures.pop(fixturedef, set())

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> Around:
        """Fail a test that has left something, after its fixtures are gone."""
        result = yield
        next_page = None if nextitem is None else nextitem.path
        self._goes_on = isinstance(item, SybilItem) and item.path == next_page
        if not self._goes_on and self._left():
            gc.collect()  # Of a circle that nobody holds, nobody hears any more.
            if left := self._left():
                pytest.fail(f"This test has left {', and '.join(left)}.", pytrace=False)
        return result

    def _left(self) -> list[str]:
        return sorted(text for it, text in _there().items() if it not in self._known)


def _there() -> dict[object, str]:
    """Return what is there now, each with what it is."""
    return {**dict(_instruments()), **dict(_connections()), **dict(_installations())}


def _instruments() -> Iterator[tuple[object, str]]:
    module: Any = sys.modules.get(_INSTRUMENTS)
    # By its key, as one that a fixture has added may come and go.
    for key, wish in () if module is None else tuple(module._added.items()):
        yield ("instrument", key), f"the instrument {wish.instrument!r}"


def _connections() -> Iterator[tuple[object, str]]:
    # By name and number, as a test may end one that others need, and make it again.
    numbers: Counter[tuple[int, str]] = Counter()
    for signal in _signals():
        for connection in signal.connections:
            key = id(signal), connection.name
            numbers[key] += 1
            yield (*key, numbers[key]), f"{connection.name} as a receiver of {signal.name!r}"


def _signals() -> list[Any]:
    found = [getattr(sys.modules.get(module), name, {}) for module, name in _SHARED.items()]
    # The two default namespaces have the same signals.
    return [*{id(it): it for namespace in found for it in namespace.values()}.values()]


def _installations() -> Iterator[tuple[object, str]]:
    for framework in _JOINING:
        joined: Any = getattr(sys.modules.get(f"heliograph.lifecycle.{framework}"), "_JOINED", None)
        for number in range(0 if joined is None else joined._apps):
            yield (
                (framework, number),
                f"an application of {framework} that install() was called for",
            )
