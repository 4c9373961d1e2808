"""Receivers that fail: by default they fail the request; observers break nothing."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from flask import abort, has_app_context, has_request_context

from tests.flask.capture import captured, timeline
from tests.flask.core_signals import (
    CORE_SIGNALS,
    got_request_exception,
    message_flashed,
    request_finished,
    request_started,
)
from tests.flask.kiosk import ShutterStuckError

if TYPE_CHECKING:
    from flask import Flask, Response
    from flask.testing import FlaskClient

    from heliograph import Signal

PAGES = ["/", "/news", "/missing", "/sold_out", "/broken", "/faulty", "/stream", "/stream_items"]


class LampError(Exception):
    """What the receivers here raise."""


def fail(sender: Flask, **extra: object) -> None:
    """Fail, as a receiver may."""
    raise LampError


def visit_all(app: Flask) -> tuple[list[str], list[tuple[int, str]]]:
    """Get every page; return the signals that were sent, and the answers."""
    answers: list[tuple[int, str]] = []
    with timeline(app) as happened:
        for page in PAGES:
            response = app.test_client().get(page, buffered=True)
            answers.append((response.status_code, response.text))
    return happened, answers


# --- observers ------------------------------------------------------------------------------


@pytest.mark.parametrize("signal", CORE_SIGNALS.values(), ids=CORE_SIGNALS)
def test_a_failing_observer_changes_nothing(
    signal: Signal, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    """With `on_error="log"`, all answers and all signals are the same as without the receiver."""
    undisturbed = visit_all(app)
    caplog.clear()

    with signal.connected_to(fail, app, on_error="log", priority=1):
        [connection] = [c for c in signal.connections if c.receiver is fail]
        disturbed = visit_all(app)

    name = next(name for name, each in CORE_SIGNALS.items() if each is signal)
    logged = [record for record in caplog.records if record.name == "heliograph"]
    assert disturbed == undisturbed
    assert connection.receiver_failures == len(logged) == undisturbed[0].count(name) > 0
    assert not has_app_context()
    assert not has_request_context()


def test_ten_failing_observers_change_nothing(app: Flask) -> None:
    """An app that is observed from all sides answers as if nobody were there."""
    undisturbed = visit_all(app)
    with ExitStack() as stack:
        for signal in CORE_SIGNALS.values():
            stack.enter_context(signal.connected_to(fail, app, on_error="log"))
        disturbed = visit_all(app)

    assert disturbed == undisturbed


def test_a_200_stays_a_200(app: Flask, client: FlaskClient) -> None:
    """An observer of request_finished fails: the page is there, and finished once."""
    statuses: list[int] = []

    def note(sender: Flask, response: Response, **extra: object) -> None:
        statuses.append(response.status_code)

    with (
        request_finished.connected_to(fail, app, on_error="log"),
        request_finished.connected_to(note, app),
    ):
        assert client.get("/").status_code == 200

    assert statuses == [200]


def test_a_log_line_names_receiver_and_signal(
    app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says who failed, on what, with the traceback, and nothing of the payload."""
    with message_flashed.connected_to(fail, app, on_error="log"):
        client.get("/news")

    [record] = [record for record in caplog.records if record.name == "heliograph"]
    text = record.getMessage()
    assert record.levelno == logging.ERROR
    assert text.startswith(f"{__name__}.fail failed when signal 'message-flashed' was delivered")
    assert "Fresh mirrors!" not in text
    assert record.exc_info is not None
    assert record.exc_info[0] is LampError


# --- receivers of the default kind ------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("request_started", "/"),
        ("message_flashed", "/news"),
        ("before_render_template", "/"),
        ("template_rendered", "/"),
    ],
)
def test_a_failing_receiver_is_an_unhandled_exception(
    name: str, path: str, app: Flask, client: FlaskClient
) -> None:
    """Its error is raised in the view's place: a 500, told by got_request_exception."""
    with (
        captured(got_request_exception, app) as told,
        CORE_SIGNALS[name].connected_to(fail, app),
    ):
        assert client.get(path).status_code == 500

    errors = [payload["exception"] for _, payload in told]
    assert [type(error) for error in errors] == [LampError]
    [note] = errors[0].__notes__
    signal = name.replace("_", "-")
    assert note.startswith(
        f"while signal '{signal}' was delivered to {__name__}.fail, connected at"
    )


def test_a_failing_receiver_of_request_finished_makes_two_answers(
    app: Flask, client: FlaskClient
) -> None:
    """The 200 is finished and thrown away, and the 500 in its place is finished as well."""
    statuses: list[int] = []

    def fail_once(sender: Flask, response: Response, **extra: object) -> None:
        if response.status_code == 200:
            raise LampError

    def note(sender: Flask, response: Response, **extra: object) -> None:
        statuses.append(response.status_code)

    with request_finished.connected_to(fail_once, app), request_finished.connected_to(note, app):
        assert client.get("/").status_code == 500

    assert statuses == [200, 500]


def test_a_failing_receiver_of_got_request_exception_replaces_the_error(
    app: Flask, client: FlaskClient
) -> None:
    """Its error goes to the server in place of a page, with the view's error as its context."""
    with got_request_exception.connected_to(fail, app), pytest.raises(LampError) as caught:
        client.get("/broken")

    assert type(caught.value.__context__) is ShutterStuckError


def test_an_errorhandler_catches_what_a_receiver_raises(app: Flask, client: FlaskClient) -> None:
    """The exception keeps its type: the app may have an answer to it."""
    app.register_error_handler(LampError, lambda error: ("The lamp is out.", 503))

    with request_started.connected_to(fail, app):
        response = client.get("/")

    assert (response.status_code, response.text) == (503, "The lamp is out.")


def test_the_other_receivers_are_called_all_the_same(app: Flask, client: FlaskClient) -> None:
    """Unlike on Blinker, those who come after the one that fails hear the signal."""
    with request_started.connected_to(fail, app), captured(request_started, app) as sends:
        client.get("/")

    assert sends == [(app, {})]


def test_of_several_errors_the_first_one_is_answered(
    app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Error handlers know errors by their types; the other ones are in the log."""
    app.register_error_handler(LampError, lambda error: ("The lamp is out.", 503))

    def fail_too(sender: Flask, **extra: object) -> None:
        raise LookupError

    with (
        request_started.connected_to(fail, app),
        request_started.connected_to(fail_too, app),
    ):
        assert client.get("/").status_code == 503

    [record] = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is LookupError


def test_two_receivers_that_abort_abort(app: Flask, client: FlaskClient) -> None:
    """The answer is the one that the first of them wants."""

    def forbid(sender: Flask, **extra: object) -> None:
        abort(403)

    def hide(sender: Flask, **extra: object) -> None:
        abort(404)

    with request_started.connected_to(forbid, app), request_started.connected_to(hide, app):
        assert client.get("/").status_code == 403
