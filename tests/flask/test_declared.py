"""Declared signals in an application: payloads are checked in Flask's debug mode, and not else."""

from __future__ import annotations

import pytest
from flask import Flask

from heliograph import ArgumentError, Namespace, Signal


def declared() -> Signal[...]:
    """Return a signal that is sent with a total."""

    @Namespace("shop").declare
    def order_paid(sender: object, *, total: int) -> None: ...

    return order_paid


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Flask:
    """Return an application, where nothing else says that it is being developed."""
    monkeypatch.delenv("FLASK_DEBUG", raising=False)
    return Flask(__name__)


def no_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this not be a test; pytest says so anew once the fixtures are there."""
    monkeypatch.delenv("PYTEST_VERSION", raising=False)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")


def test_a_wrong_payload_is_refused_while_the_application_is_in_debug_mode(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if the mode was chosen after the signal was declared, and after it was sent."""
    no_test(monkeypatch)
    order_paid = declared()
    order_paid.send(app)
    app.debug = True

    with app.app_context(), pytest.raises(ArgumentError, match="'total' is missing"):
        order_paid.send(app)


def test_a_wrong_payload_is_let_pass_while_it_is_not(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first send in an application settles it."""
    no_test(monkeypatch)
    order_paid = declared()
    with app.app_context():
        order_paid.send(app)
    app.debug = True

    with app.app_context():
        assert order_paid.send(app) == []


def test_what_is_sent_before_the_application_is_in_use_goes_by_the_environment(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `flask --debug run` sets it."""
    no_test(monkeypatch)
    monkeypatch.setenv("FLASK_DEBUG", "1")

    with pytest.raises(ArgumentError, match="'total' is missing"):
        declared().send(app)
