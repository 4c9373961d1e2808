"""Sends requests to an application, and keeps every emission that they cause."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING

from heliograph import add_instrument, remove_instrument
from heliograph.describe import describe_error, emission_tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flask import Flask
    from flask.testing import FlaskClient

    from heliograph import Emission
    from heliograph.cli.request import Request
    from heliograph.describe import EmissionNode


@dataclass(frozen=True)
class Answer:
    """What the application returned for a request: a response, or the error that it raised."""

    status: str
    failed: bool
    location: str | None = None
    error: BaseException | None = None


@dataclass(frozen=True)
class Traced:
    """A request, with everything that was sent while the application answered it."""

    request: Request
    answer: Answer
    duration: float
    sent: list[EmissionNode]


class Recorder:
    """An instrument that keeps emissions in the order in which they began."""

    def __init__(self) -> None:
        self.emissions: list[Emission] = []

    def on_start(self, emission: Emission) -> None:
        """Keep an emission. The engine calls this."""
        self.emissions.append(emission)

    def __call__(self, emission: Emission) -> None:
        """Do nothing: the emission itself tells what came of it. The engine calls this."""


def trace_requests(app: Flask, requests: Sequence[Request], *, logs: bool) -> Iterator[Traced]:
    """Send the requests one after the other, from one client that keeps its cookies."""
    client = app.test_client()
    for request in requests:
        recorder = Recorder()
        add_instrument(recorder)
        started = perf_counter()
        try:
            with _logging(logs):
                answer = _ask(client, request)
        finally:
            duration = perf_counter() - started
            remove_instrument(recorder)
        yield Traced(request, answer, duration, emission_tree(recorder.emissions))


@contextmanager
def _logging(wanted: bool) -> Iterator[None]:
    # The application's log lines would tear the tree apart, which shows the errors anyway.
    before = logging.root.manager.disable
    logging.disable(before if wanted else logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _ask(client: FlaskClient, request: Request) -> Answer:
    try:
        with client.open(**request.arguments()) as response:
            response.get_data()
            failed = response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
            return Answer(response.status, failed, response.location)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - an app that is being tested raises them.
        return Answer(f"raised {describe_error(error)}", failed=True, error=error)
