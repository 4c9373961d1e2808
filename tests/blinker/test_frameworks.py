"""What Flask and Quart ask of Blinker is there."""

from __future__ import annotations

import asyncio
from functools import wraps
from secrets import token_bytes
from typing import TYPE_CHECKING, Any

from heliograph.blinker import Signal
from tests.blinker.processes import in_a_fresh_process

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


def _receiver(sender: object, **payload: object) -> object:
    return sender


async def _later(sender: object, **payload: object) -> object:
    return sender


def _run(receiver: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(receiver)
    def call(*args: Any, **kwargs: Any) -> Any:
        return asyncio.run(receiver(*args, **kwargs))

    return call


def test_flasks_wrapper_is_given_async_receivers_only() -> None:
    """The keyword is `_async_wrapper`, and plain functions never see it."""
    signal = Signal()
    signal.connect(_receiver)
    signal.connect(_later)
    wrapped: list[object] = []

    def ensure_sync(receiver: Callable[..., Any]) -> Callable[..., Any]:
        wrapped.append(receiver)
        return _run(receiver)

    assert signal.send("a", _async_wrapper=ensure_sync) == [(_receiver, "a"), (_later, "a")]
    assert wrapped == [_later]


async def test_quarts_wrapper_is_given_plain_receivers_only() -> None:
    """The keyword is `_sync_wrapper`, and coroutine functions never see it."""
    signal = Signal()
    signal.connect(_receiver)
    signal.connect(_later)
    wrapped: list[object] = []

    def ensure_async(
        receiver: Callable[..., Any],
    ) -> Callable[..., Coroutine[Any, Any, Any]]:
        wrapped.append(receiver)

        async def call(*args: Any, **kwargs: Any) -> Any:
            return receiver(*args, **kwargs)

        return call

    assert await signal.send_async("a", _sync_wrapper=ensure_async) == [
        (_receiver, "a"),
        (_later, "a"),
    ]
    assert wrapped == [_receiver]


@in_a_fresh_process
def test_flasks_signals_are_made_by_heliograph() -> None:
    """After `install`, Flask's ten are ours, under Blinker's names."""
    from heliograph.blinker import NamedSignal, Namespace, install

    install()

    import flask.signals

    signals = {it.name for it in vars(flask.signals).values() if type(it) is NamedSignal}

    assert vars(flask.signals)["Namespace"] is Namespace
    assert signals == {
        "appcontext-popped",
        "appcontext-pushed",
        "appcontext-tearing-down",
        "before-render-template",
        "got-request-exception",
        "message-flashed",
        "request-finished",
        "request-started",
        "request-tearing-down",
        "template-rendered",
    }


@in_a_fresh_process
def test_a_request_sends_flasks_signals_in_order() -> None:
    """Sender and payload are Flask's, and so is the order."""
    from heliograph.blinker import install

    install()

    import flask

    app = flask.Flask("shop")
    app.secret_key = token_bytes()
    heard: list[object] = []
    for signal in vars(flask.signals).values():
        if hasattr(signal, "receivers_for"):

            @signal.connect_via(app)  # type: ignore[untyped-decorator]
            def hear(sender: object, /, _name: str = signal.name, **payload: object) -> None:
                heard.append((_name, sorted(payload)))

    @app.get("/")
    def index() -> str:
        flask.flash("Hello.")
        return flask.render_template_string("Hello.")

    app.test_client().get("/")

    assert heard == [
        ("appcontext-pushed", []),
        ("request-started", []),
        ("message-flashed", ["category", "message"]),
        ("before-render-template", ["context", "template"]),
        ("template-rendered", ["context", "template"]),
        ("request-finished", ["response"]),
        ("request-tearing-down", ["exc"]),
        ("appcontext-tearing-down", ["exc"]),
        ("appcontext-popped", []),
    ]


@in_a_fresh_process
def test_quarts_signals_are_made_by_heliograph() -> None:
    """After `install`, Quart's eighteen are ours, and a request sends them."""
    from heliograph.blinker import NamedSignal, install

    install()

    import asyncio

    import quart
    import quart.signals

    app = quart.Quart("shop")
    heard: list[object] = []

    @app.get("/")
    async def index() -> str:
        return "Hello."

    @quart.request_started.connect_via(app)
    async def started(sender: object) -> None:
        heard.append("started")

    @quart.request_finished.connect_via(app)
    def finished(sender: object, response: object) -> None:
        heard.append("finished")

    asyncio.run(app.test_client().get("/"))

    signals = [it for it in vars(quart.signals).values() if type(it) is NamedSignal]
    assert (len(signals), heard) == (18, ["started", "finished"])
