"""Writes down what signals send and what decorators do, as it happens."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.flask.core_signals import CORE_SIGNALS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask, Response

    from heliograph import Signal


@contextmanager
def captured(signal: Signal, sender: object) -> Iterator[list[tuple[Any, dict[str, Any]]]]:
    """Write down sender and payload of each send of one signal by one sender."""
    sends: list[tuple[Any, dict[str, Any]]] = []

    def note(sender: object, **payload: object) -> None:
        sends.append((sender, payload))

    with signal.connected_to(note, sender):
        yield sends


@contextmanager
def timeline(app: Flask) -> Iterator[list[str]]:
    """Write down the names of the signals that *app* sends."""
    happened: list[str] = []

    def note(name: str, sender: Flask, /, **payload: object) -> None:
        happened.append(name)

    with ExitStack() as stack:
        for name, signal in CORE_SIGNALS.items():
            stack.enter_context(signal.connected_to(partial(note, name), app))
        yield happened


def decorate(app: Flask, happened: list[str]) -> None:
    """Let the decorators around each request of *app* write themselves down as well."""

    @app.before_request
    def before_request() -> None:
        happened.append("@before_request")

    @app.context_processor
    def context_processor() -> dict[str, object]:
        happened.append("@context_processor")
        return {}

    @app.after_request
    def after_request(response: Response) -> Response:
        happened.append("@after_request")
        return response

    @app.teardown_request
    def teardown_request(error: BaseException | None) -> None:
        happened.append("@teardown_request")

    @app.teardown_appcontext
    def teardown_appcontext(error: BaseException | None) -> None:
        happened.append("@teardown_appcontext")
