"""What pytest and the debug modes of frameworks say of whether programs are being developed."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from heliograph.development import in_development

if TYPE_CHECKING:
    from collections.abc import Callable


class Bound:
    """A proxy for the application, as long as there is one."""

    def __init__(self, app: object) -> None:
        self._app = app

    def __bool__(self) -> bool:
        return self._app is not None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)


def say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away all that says something: this is a test, and frameworks may be loaded.

    No fixture, as pytest names the test in the environment once its fixtures are there.
    """
    for name in ("PYTEST_VERSION", "PYTEST_CURRENT_TEST", "HELIOGRAPH_CHECK"):
        monkeypatch.delenv(name, raising=False)
    for name in ("FLASK_DEBUG", "QUART_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    for name in ("flask", "quart", "django.conf"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def test_without_a_word_nobody_develops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Production is what needs no setting."""
    say_nothing(monkeypatch)

    assert in_development() is False


def test_a_test_is_development() -> None:
    """As it runs in pytest, and so do the programs that it starts."""
    assert in_development() is True


@pytest.mark.parametrize("name", ["PYTEST_VERSION", "PYTEST_CURRENT_TEST"])
def test_every_pytest_is_recognized(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The newest ones say so for the whole run, those before 8.2 in each test."""
    say_nothing(monkeypatch)
    monkeypatch.setenv(name, "x")

    assert in_development() is True


@pytest.mark.parametrize("framework", ["flask", "quart"])
@pytest.mark.parametrize(
    ("debug", "said", "answer"),
    [
        (True, "", True),
        (False, "", None),
        (False, "1", None),
        (None, "", None),
        (None, "1", True),
        (None, "false", None),
    ],
)
def test_flasks_debug_is_that_of_the_application_in_use(
    monkeypatch: pytest.MonkeyPatch,
    framework: str,
    debug: bool | None,
    said: str,
    answer: bool | None,
) -> None:
    """While none is in use, the environment may say so, and `app.run(debug=True)` may follow."""
    say_nothing(monkeypatch)
    app = None if debug is None else SimpleNamespace(debug=debug)
    monkeypatch.setitem(sys.modules, framework, SimpleNamespace(current_app=Bound(app)))
    monkeypatch.setenv(f"{framework.upper()}_DEBUG", said)

    assert in_development() is answer


def configured(*, debug: bool) -> object:
    """Return the settings of a configured Django."""
    return SimpleNamespace(configured=True, DEBUG=debug)


def unconfigured() -> object:
    """Return the settings of a Django that is imported and not in use."""
    return SimpleNamespace(configured=False)


@pytest.mark.parametrize(
    ("settings", "answer"),
    [
        (lambda: configured(debug=True), True),
        (lambda: configured(debug=False), False),
        (unconfigured, False),
    ],
)
def test_djangos_debug_is_that_of_its_settings(
    monkeypatch: pytest.MonkeyPatch, settings: Callable[[], object], answer: bool
) -> None:
    """Where they are configured."""
    say_nothing(monkeypatch)
    monkeypatch.setitem(sys.modules, "django.conf", SimpleNamespace(settings=settings()))

    assert in_development() is answer
