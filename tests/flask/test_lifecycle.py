"""The life cycle of a request: Flask's order of signals and decorators, and then the real end."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import flask
import pytest

from heliograph.lifecycle import app_started, response_sent
from heliograph.lifecycle.flask import install
from tests.flask.capture import decorate, timeline
from tests.flask.kiosk import ShutterStuckError
from tests.flask.releases import PUSHES_AGAIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

OPENING = ["app_started", "appcontext_pushed", "request_started", "@before_request"]
RENDERING = ["@context_processor", "before_render_template", "template_rendered"]
ANSWER = ["@after_request", "request_finished"]
CLOSING = [
    "@teardown_request",
    "request_tearing_down",
    "@teardown_appcontext",
    "appcontext_tearing_down",
    "appcontext_popped",
]
# Flask 2.3 keeps the first context open; 3.1.2 tears it down and pushes it again for the body.
AGAIN = [*CLOSING, "appcontext_pushed"] if PUSHES_AGAIN else []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "/news",
            [*OPENING, "message_flashed", *RENDERING, *ANSWER, *CLOSING, "200 complete"],
        ),
        ("/sold_out", [*OPENING, *ANSWER, *CLOSING, "409 complete"]),
        ("/refused", [*OPENING, *ANSWER, *CLOSING, "403 complete"]),
        (
            "/broken",
            [*OPENING, "got_request_exception", *ANSWER, *CLOSING, "500 complete"],
        ),
        ("/lamp", [*OPENING, *ANSWER, *CLOSING, "body", "200 complete"]),
        ("/lamp_of_the_request", [*OPENING, *ANSWER, *AGAIN, "body", *CLOSING, "200 complete"]),
        ("/torn", [*OPENING, *ANSWER, *CLOSING, "200 error"]),
    ],
)
def test_a_request_is_told_in_flasks_order_to_its_end(
    app: Flask, path: str, expected: list[str]
) -> None:
    """Whether it succeeds, has its error handled, raises, or sends its body in parts."""
    with install(app), timeline(app) as happened:
        decorate(app, happened)

        def body() -> Iterator[str]:
            happened.append("body")
            yield "long"

        app.add_url_rule("/lamp", "lamp", body)
        app.add_url_rule(
            "/lamp_of_the_request",
            "lamp_of_the_request",
            lambda: flask.Response(flask.stream_with_context(body())),
        )

        def start(sender: object, **extra: Any) -> None:
            happened.append("app_started")

        def end(sender: object, *, status: int | None, reason: str, **extra: Any) -> None:
            happened.append(f"{status} {reason}")

        with (
            app_started.connected_to(start, app),
            response_sent.connected_to(end, app),
            # The exception in a body is raised to whoever reads that: here, the client.
            suppress(ShutterStuckError),
        ):
            app.test_client().get(path, buffered=True)

    assert happened == expected
