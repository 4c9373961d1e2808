"""Sends requests to an application and keeps every emission that they cause."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING

from heliograph import add_instrument, remove_instrument
from heliograph.cli.places import said

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flask import Flask
    from flask.testing import FlaskClient

    from heliograph import Emission
    from heliograph.cli.request import Request


@dataclass
class Sent:
    """An emission, and what was sent by each of its receivers."""

    emission: Emission
    inside: dict[int, list[Sent]] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What came back from the application: a response, or what it raised instead."""

    status: str
    failed: bool
    location: str | None = None
    error: BaseException | None = None


@dataclass(frozen=True)
class Traced:
    """A request with all that was sent while it was answered."""

    request: Request
    answer: Answer
    duration: float
    sent: list[Sent]


class Recorder:
    """An instrument that keeps emissions as a tree."""

    def __init__(self) -> None:
        self.roots: list[Sent] = []
        # By the id of the emission, which is kept alive by being kept here.
        self._sent: dict[int, Sent] = {}

    def __call__(self, emission: Emission) -> None:
        """Take in an emission: those inside of it have come before."""
        sent = self._keep(emission)
        parent = emission.parent
        if parent is None:
            self.roots.append(sent)
            return
        self._keep(parent).inside.setdefault(emission.turn, []).append(sent)

    def _keep(self, emission: Emission) -> Sent:
        return self._sent.setdefault(id(emission), Sent(emission))


def trace_requests(app: Flask, requests: Sequence[Request], *, logs: bool) -> Iterator[Traced]:
    """Send the requests one after the other, as one client that keeps its cookies."""
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
        yield Traced(request, answer, duration, recorder.roots)


@contextmanager
def _logging(wanted: bool) -> Iterator[None]:
    # What the application logs of its errors would tear the tree apart that shows them.
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
    except (Exception, SystemExit) as error:  # noqa: BLE001 - an app under test passes them on.
        return Answer(f"raised {said(error)}", failed=True, error=error)
