"""Declared signals in an application: payloads are checked in Flask's debug mode, and not else."""

from __future__ import annotations

import pytest
from flask import Flask, appcontext_pushed, request_started

from heliograph import ArgumentError, Namespace, ReceiverWarning, Signal

# It is lost when the first test is collected, and told of to whoever sends first without pytest.
pytestmark = pytest.mark.filterwarnings(
    r"ignore:tests\.flask\.connected_early\.:heliograph.ReceiverWarning"
)


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
    """Let this not be a test; pytest says so again once the fixtures are there."""
    monkeypatch.delenv("PYTEST_VERSION", raising=False)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    monkeypatch.delenv("HELIOGRAPH_CHECK", raising=False)


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
    """The first request settles it; by then the mode has been chosen."""
    no_test(monkeypatch)
    order_paid = declared()
    order_paid.send(app)
    app.test_client().get("/")
    app.debug = True

    with app.app_context():
        assert order_paid.send(app) == []


def test_no_send_asks_while_the_answer_is_open(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that loads Flask and has no application sends as fast as any other."""
    no_test(monkeypatch)
    order_paid = declared()
    with app.app_context():
        order_paid.send(app)

    assert not order_paid._registry.needs_slow_path


def test_an_application_in_debug_mode_is_noticed_by_those_who_were_sent_before(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The framework's own signals tell of it, and are asked for nothing more then."""
    no_test(monkeypatch)
    order_paid = declared()
    order_paid.send(app)
    with app.app_context():  # A script's, before `app.run(debug=True)`.
        order_paid.send(app)
    app.debug = True
    app.test_client().get("/")

    with pytest.raises(ArgumentError, match="'total' is missing"), app.app_context():
        order_paid.send(app)
    asked = (*appcontext_pushed.receivers_for(app), *request_started.receivers_for(app))
    assert [it for it in asked if it.__module__.startswith("heliograph")] == []


def test_what_is_sent_before_the_application_is_in_use_goes_by_the_environment(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `flask --debug run` sets it."""
    no_test(monkeypatch)
    monkeypatch.setenv("FLASK_DEBUG", "1")

    with pytest.raises(ArgumentError, match="'total' is missing"):
        declared().send(app)


def test_a_receiver_that_was_lost_is_told_of_once_debug_mode_is_known(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wiring an application in its factory is usual, and so is losing a receiver there."""
    no_test(monkeypatch)
    order_paid = declared()

    def wire() -> None:
        @order_paid.connect
        def mail(sender: object, *, total: int) -> None:
            """Do nothing."""

    wire()
    order_paid.send(app, total=12)
    app.debug = True
    with app.app_context(), pytest.warns(ReceiverWarning, match="mail was never called"):
        order_paid.send(app, total=12)
