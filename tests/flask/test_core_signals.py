"""Core signals: who sends each of the ten, with what payload, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import flask
import pytest
from flask import Flask, Response

from tests.flask.capture import captured, decorate, timeline
from tests.flask.core_signals import (
    CORE_SIGNALS,
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    before_render_template,
    got_request_exception,
    message_flashed,
    request_finished,
    request_started,
    request_tearing_down,
    template_rendered,
)
from tests.flask.kiosk import ShutterStuckError, open_kiosk
from tests.flask.releases import PUSHES_AGAIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient

    from heliograph import Signal

OPENING = ["appcontext_pushed", "request_started", "@before_request"]
ANSWER = ["@after_request", "request_finished"]
CLOSING = [
    "@teardown_request",
    "request_tearing_down",
    "@teardown_appcontext",
    "appcontext_tearing_down",
    "appcontext_popped",
]


# --- sender and payload ----------------------------------------------------------------


@pytest.mark.parametrize(
    "signal",
    [appcontext_pushed, request_started, appcontext_popped],
    ids=["appcontext_pushed", "request_started", "appcontext_popped"],
)
def test_a_beginning_and_an_end_carry_no_payload(
    signal: Signal, app: Flask, client: FlaskClient
) -> None:
    """These three are sent once, by the application itself, with nothing more."""
    with captured(signal, app) as sends:
        client.get("/")

    assert sends == [(app, {})]


def test_request_finished_carries_the_response(app: Flask, client: FlaskClient) -> None:
    """Its payload is the response object that is about to be returned."""
    responses: list[Response] = []

    @app.after_request
    def keep(response: Response) -> Response:
        responses.append(response)
        return response

    with captured(request_finished, app) as sends:
        client.get("/")

    assert sends == [(app, {"response": responses[0]})]


@pytest.mark.parametrize(
    "signal",
    [before_render_template, template_rendered],
    ids=["before_render_template", "template_rendered"],
)
def test_templates_come_with_their_context(signal: Signal, app: Flask, client: FlaskClient) -> None:
    """The payload is the template, and the variables that it is rendered with."""
    with captured(signal, app) as sends:
        client.get("/")

    [(sender, payload)] = sends
    context = payload.pop("context")
    assert sender is app
    assert payload == {"template": app.jinja_env.get_template("index.html")}
    assert context["items"] == list(range(10))
    assert {"g", "request"} <= context.keys()


def test_a_template_that_is_streamed_comes_with_its_context(
    app: Flask, client: FlaskClient
) -> None:
    """Streaming a template sends what rendering it sends."""
    with captured(before_render_template, app) as before, captured(template_rendered, app) as after:
        response = client.get("/stream_items", buffered=True)

    assert response.text.count("<li>") == 10
    assert before == after
    assert [payload["template"].name for _, payload in after] == ["index.html"]


def test_message_flashed_carries_message_and_category(app: Flask, client: FlaskClient) -> None:
    """Its payload is what `flash` was called with."""
    with captured(message_flashed, app) as sends:
        client.get("/news")

    assert sends == [(app, {"message": "Fresh mirrors!", "category": "offer"})]


def test_got_request_exception_carries_the_exception(app: Flask, client: FlaskClient) -> None:
    """Its payload is the very exception that the view raised."""
    with captured(got_request_exception, app) as sends:
        assert client.get("/broken").status_code == 500

    [(sender, payload)] = sends
    assert sender is app
    assert {name: type(value) for name, value in payload.items()} == {
        "exception": ShutterStuckError
    }


@pytest.mark.parametrize(
    "signal",
    [request_tearing_down, appcontext_tearing_down],
    ids=["request_tearing_down", "appcontext_tearing_down"],
)
@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/", type(None)),
        ("/missing", type(None)),
        ("/sold_out", type(None)),
        ("/broken", ShutterStuckError),
    ],
)
def test_tearing_down_carries_what_nobody_handled(
    signal: Signal, path: str, error: type, app: Flask, client: FlaskClient
) -> None:
    """`exc` is the exception that ended the request; None if it was handled, or there was none."""
    with captured(signal, app) as sends:
        client.get(path)

    [(sender, payload)] = sends
    assert sender is app
    assert {name: type(value) for name, value in payload.items()} == {"exc": error}


@pytest.mark.parametrize("signal", CORE_SIGNALS.values(), ids=CORE_SIGNALS)
def test_the_sender_is_the_application(signal: Signal, app: Flask, client: FlaskClient) -> None:
    """For all core signals, the sender is the app that issued the signal: itself, not a proxy."""
    senders: list[object] = []

    def note(sender: object, **extra: object) -> None:
        senders.append(sender)

    with signal.connected_to(note):
        client.get("/news")
        client.get("/broken")

    assert {id(sender) for sender in senders} == {id(app)}


# --- the order of signals and decorators ------------------------------------------------


def visit(app: Flask, path: str) -> list[str]:
    """Get a page and return what happened, in order."""
    with timeline(app) as happened:
        decorate(app, happened)
        app.test_client().get(path)
    return happened


def test_signals_and_decorators_run_in_flasks_order(app: Flask) -> None:
    """Each signal surrounds its decorator: started is before, finished and teardowns are after."""
    assert visit(app, "/news") == [
        "appcontext_pushed",
        "request_started",
        "@before_request",
        "message_flashed",
        "@context_processor",
        "before_render_template",
        "template_rendered",
        "@after_request",
        "request_finished",
        "@teardown_request",
        "request_tearing_down",
        "@teardown_appcontext",
        "appcontext_tearing_down",
        "appcontext_popped",
    ]


@pytest.mark.parametrize("path", ["/nowhere", "/missing", "/refused", "/sold_out"])
def test_a_handled_exception_looks_like_any_answer(path: str, app: Flask) -> None:
    """Neither HTTP exceptions nor those with a handler send got_request_exception."""
    assert visit(app, path) == [*OPENING, *ANSWER, *CLOSING]


def test_before_request_may_answer(app: Flask) -> None:
    """An answer of before_request comes after request_started, and is finished as any other."""
    app.before_request(lambda: "Closed.")

    assert visit(app, "/news") == [*OPENING[:2], *ANSWER, *CLOSING]


def test_an_unhandled_exception_is_told_before_the_answer(app: Flask) -> None:
    """got_request_exception comes first, then the page for it, then request_finished."""
    with timeline(app) as happened:
        decorate(app, happened)

        @app.errorhandler(500)
        def sorry(error: Exception) -> tuple[str, int]:
            happened.append("@errorhandler")
            return "Sorry.", 500

        response = app.test_client().get("/broken")

    assert (response.status_code, response.text) == (500, "Sorry.")
    assert happened == [*OPENING, "got_request_exception", "@errorhandler", *ANSWER, *CLOSING]


@pytest.mark.parametrize("option", ["PROPAGATE_EXCEPTIONS", "TESTING", "DEBUG"])
def test_a_propagated_exception_leaves_the_request_unfinished(option: str, app: Flask) -> None:
    """Where exceptions go on to the server there is no answer: request_finished is not sent."""
    app.config[option] = True
    with timeline(app) as happened:
        decorate(app, happened)
        with pytest.raises(ShutterStuckError):
            app.test_client().get("/broken")

    assert happened == [*OPENING, "got_request_exception", *CLOSING]


def test_a_faulty_template_is_announced_and_not_rendered(app: Flask) -> None:
    """before_render_template has no template_rendered after it if the template raises."""
    rendering = ["@context_processor", "before_render_template"]

    assert visit(app, "/faulty") == [
        *OPENING,
        *rendering,
        "got_request_exception",
        *ANSWER,
        *CLOSING,
    ]


# --- streaming --------------------------------------------------------------------------


def test_a_streamed_body_is_sent_when_all_is_over(app: Flask) -> None:
    """A generator without a context runs after the last signal."""
    with timeline(app) as happened:

        @app.get("/lamp")
        def lamp() -> Iterator[str]:
            happened.append("body")
            yield "long"

        assert app.test_client().get("/lamp").text == "long"

    assert happened == [
        "appcontext_pushed",
        "request_started",
        "request_finished",
        "request_tearing_down",
        "appcontext_tearing_down",
        "appcontext_popped",
        "body",
    ]


def test_a_torn_stream_is_not_told(app: Flask) -> None:
    """An exception in the middle of a body comes after request_finished, and sends nothing."""
    with timeline(app) as happened:
        decorate(app, happened)
        with pytest.raises(ShutterStuckError):
            app.test_client().get("/torn", buffered=True)

    assert happened == [*OPENING, *ANSWER, *CLOSING]


TEARDOWN = ["request_tearing_down", "appcontext_tearing_down", "appcontext_popped"]
# Flask 2.3 keeps the first context open; 3.1.2 tears it down and pushes it again for the body.
BEFORE_THE_BODY = [*TEARDOWN, "appcontext_pushed"] if PUSHES_AGAIN else []


def test_a_stream_with_context_is_torn_down_after_its_body(app: Flask) -> None:
    """The body has a context, and the teardown signals are sent when it ends."""
    with timeline(app) as happened:

        @app.get("/lamp")
        def lamp() -> Response:
            def body() -> Iterator[str]:
                happened.append(f"body of {flask.request.path}")
                yield "long"

            return Response(flask.stream_with_context(body()))

        assert app.test_client().get("/lamp").text == "long"

    assert happened == [
        "appcontext_pushed",
        "request_started",
        "request_finished",
        *BEFORE_THE_BODY,
        "body of /lamp",
        *TEARDOWN,
    ]


def test_a_streamed_template_is_rendered_after_the_request_is_finished(app: Flask) -> None:
    """template_rendered of a streamed template comes with the end of the body."""
    with timeline(app) as happened:
        app.test_client().get("/stream_items", buffered=True)

    assert happened == [
        "appcontext_pushed",
        "request_started",
        "before_render_template",
        "request_finished",
        *BEFORE_THE_BODY,
        "template_rendered",
        *TEARDOWN,
    ]


# --- contexts without a request ---------------------------------------------------------


def test_an_app_context_of_its_own_sends_its_three_signals(app: Flask) -> None:
    """`app.app_context()` is pushed, torn down and popped; no request is told of."""
    with timeline(app) as happened:
        decorate(app, happened)
        with app.app_context():
            happened.append("block")

    assert happened == ["appcontext_pushed", "block", *CLOSING[2:]]


def test_a_command_sends_the_signals_of_its_app_context(app: Flask) -> None:
    """A command of the app runs in an app context."""
    with timeline(app) as happened:

        @app.cli.command("polish")
        def polish() -> None:
            happened.append("command")
            click.echo("Polished.")

        outcome = app.test_cli_runner().invoke(args=["polish"])

    assert outcome.output == "Polished.\n"
    assert happened == ["appcontext_pushed", "command", *TEARDOWN[1:]]


def test_a_request_context_of_a_test_is_torn_down_and_never_started(app: Flask) -> None:
    """`app.test_request_context()` handles no request: nothing starts or finishes."""
    with timeline(app) as happened, app.test_request_context("/news"):
        happened.append("block")

    assert happened == ["appcontext_pushed", "block", *TEARDOWN]


def test_a_test_client_in_a_block_keeps_the_last_context(app: Flask) -> None:
    """`with client:` keeps the request's context, and tears it down once more at the end.

    Flask 2.3 pushes an app context of its own for the request context that it keeps.
    """
    with timeline(app) as happened, app.test_client() as client:
        client.get("/sold_out")
        happened.append("block")

    contexts = 1 if PUSHES_AGAIN else 2
    assert happened == [
        *["appcontext_pushed", "request_started", "request_finished", *TEARDOWN],
        *["appcontext_pushed"] * contexts,
        "block",
        *TEARDOWN[1:] * (contexts - 1),
        *TEARDOWN,
    ]


# --- beside the decorators ---------------------------------------------------------------


def test_what_a_receiver_returns_changes_nothing(app: Flask, client: FlaskClient) -> None:
    """A before_request function can answer in place of the view; a receiver cannot."""

    def answer(sender: Flask, **extra: object) -> str:
        return "Closed."

    with request_started.connected_to(answer, app), request_finished.connected_to(answer, app):
        assert client.get("/news").text == "Fresh mirrors!"

    closed = open_kiosk()
    closed.before_request(lambda: answer(closed))
    assert closed.test_client().get("/news").text == "Closed."


def test_a_receiver_comes_and_goes_while_decorators_stay(app: Flask, client: FlaskClient) -> None:
    """A running app takes no more decorators, and receivers for a while."""
    client.get("/")
    with pytest.raises(AssertionError, match="setup method 'before_request' can no longer"):
        app.before_request(lambda: None)
    with captured(request_started, app) as sends:
        client.get("/")
    client.get("/")

    assert sends == [(app, {})]


def test_each_app_sends_its_own(app: Flask) -> None:
    """Two apps share Flask's signals and not their senders."""
    other = open_kiosk("other")
    with timeline(app) as mine, timeline(other) as theirs:
        other.test_client().get("/stream")

    assert mine == []
    assert theirs == ["appcontext_pushed", "request_started", "request_finished", *TEARDOWN]
