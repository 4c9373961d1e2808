"""Under Flask and Quart: what an engine can do about their defects."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

from tests.blinker.processes import in_a_fresh_process


def _logged() -> list[str]:
    """Collect the errors of observers that are logged from now on."""
    messages: list[str] = []

    class Collecting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(f"{record.name}: {record.exc_info and record.exc_info[1]!r}")

    logger = logging.getLogger("heliograph")
    logger.addHandler(Collecting())
    logger.propagate = False
    return messages


def _fail(sender: object, **extra: object) -> None:
    """Fail as an observer should not."""
    raise LookupError


def _flask() -> tuple[Any, Any]:
    """Return Flask on Heliograph, and an app that answers, and fails."""
    from heliograph.blinker import install

    install()

    import flask

    app = flask.Flask("shop")
    app.logger.disabled = True

    @app.get("/")
    def index() -> str:
        return "Hello."

    @app.get("/broken")
    def broken() -> str:
        return str(1 / 0)

    return flask, app


@in_a_fresh_process
def test_a_failing_observer_leaves_the_response_alone() -> None:
    """`request_finished` is sent once, and 200 stays 200."""
    flask, app = _flask()
    logged = _logged()
    statuses: list[int] = []
    flask.request_finished.connect(_fail, on_error="log")

    def finished(sender: object, response: Any) -> None:
        statuses.append(response.status_code)

    flask.request_finished.connect(finished)
    response = app.test_client().get("/")

    assert (response.status_code, response.text, statuses) == (200, "Hello.", [200])
    assert logged == ["heliograph: LookupError()"]


@in_a_fresh_process
def test_a_failing_observer_does_not_replace_the_error() -> None:
    """A failing receiver of `got_request_exception` leaves the 500 to Flask."""
    flask, app = _flask()
    logged = _logged()
    errors: list[type] = []
    flask.got_request_exception.connect(_fail, on_error="log")

    def got(sender: object, exception: Exception) -> None:
        errors.append(type(exception))

    flask.got_request_exception.connect(got)
    response = app.test_client().get("/broken")

    assert (response.status_code, errors) == (500, [ZeroDivisionError])
    assert logged == ["heliograph: LookupError()"]


@in_a_fresh_process
def test_a_failing_observer_leaves_no_context_behind() -> None:
    """Neither when a context is pushed nor when it is torn down."""
    flask, app = _flask()
    logged = _logged()
    for signal in (
        flask.appcontext_pushed,
        flask.request_tearing_down,
        flask.appcontext_tearing_down,
        flask.appcontext_popped,
    ):
        signal.connect(_fail, on_error="log")
    status = app.test_client().get("/").status_code

    assert (status, flask.has_app_context(), flask.has_request_context()) == (200, False, False)
    assert logged == ["heliograph: LookupError()"] * 4


@in_a_fresh_process
def test_an_async_observer_inside_an_async_view_leaves_the_response_alone() -> None:
    """Flask cannot run it there; it is logged, and the view goes on."""
    flask, app = _flask()
    logged = _logged()
    app.secret_key = __name__

    async def later(sender: object, **extra: object) -> None: ...

    flask.message_flashed.connect(later, on_error="log")

    async def flash() -> str:
        flask.flash("Hello.")
        return "Flashed."

    app.add_url_rule("/flash", view_func=flash)
    response = app.test_client().get("/flash")

    assert (response.status_code, response.text) == (200, "Flashed.")
    assert [message.partition("You cannot")[0] for message in logged] == [
        "heliograph: RuntimeError('"
    ]


@in_a_fresh_process
def test_an_async_receiver_runs_under_flask_whatever_its_shape() -> None:
    """An object with an async `__call__` is awaited like a coroutine function."""
    flask, app = _flask()
    heard: list[str] = []

    class Later:
        async def __call__(self, sender: object) -> None:
            heard.append("object")

    async def later(sender: object) -> None:
        heard.append("function")

    it = Later()
    flask.request_started.connect(it)
    flask.request_started.connect(later)

    assert app.test_client().get("/").status_code == 200
    assert heard == ["object", "function"]


def _quart() -> tuple[Any, Any]:
    """Return Quart on Heliograph, and an app that answers, also over a websocket."""
    from heliograph.blinker import install

    install()

    import quart
    import quart.signals

    app = quart.Quart("shop")

    @app.get("/")
    async def index() -> str:
        return "Hello."

    @app.websocket("/echo")
    async def echo() -> None:
        await quart.websocket.send(await quart.websocket.receive())

    return quart, app


@in_a_fresh_process
def test_an_inline_receiver_stays_in_the_thread_of_the_loop() -> None:
    """Quart runs other plain receivers in a thread, which costs sixty times as much."""
    quart, app = _quart()
    threads: list[tuple[str, bool]] = []

    def note(name: str) -> Any:
        def receiver(sender: object) -> None:
            here = threading.current_thread() is threading.main_thread()
            threads.append((name, here))

        return receiver

    inline, plain = note("inline"), note("plain")
    quart.request_started.connect(inline, inline=True)
    quart.request_started.connect(plain)
    asyncio.run(app.test_client().get("/"))

    assert threads == [("inline", True), ("plain", False)]


@in_a_fresh_process
def test_a_plain_receiver_of_websocket_messages_kills_no_websocket() -> None:
    """Quart sends these two without a wrapper, and plain receivers are called in place."""
    quart, app = _quart()
    heard: list[object] = []
    logged = _logged()

    def received(message: object) -> None:
        heard.append(("received", message))

    async def sent(message: object) -> None:
        heard.append(("sent", message))

    quart.signals.websocket_received.connect(received)
    quart.signals.websocket_sent.connect(sent)
    quart.signals.websocket_sent.connect(_fail, on_error="log")

    async def talk() -> object:
        async with app.test_client().websocket("/echo") as websocket:
            await websocket.send("ping")
            return await websocket.receive()

    assert asyncio.run(talk()) == "ping"
    assert heard == [("received", "ping"), ("sent", "ping")]
    assert logged == ["heliograph: LookupError()"]
