"""Sends requests to an application, and keeps every emission that they cause."""

from __future__ import annotations

import logging
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from heliograph import add_instrument, remove_instrument
from heliograph.cli.client import serving
from heliograph.describe import emission_tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from heliograph import Emission
    from heliograph.cli.application import Found
    from heliograph.cli.client import Answer
    from heliograph.cli.request import Request
    from heliograph.describe import EmissionNode


@dataclass(frozen=True)
class Traced:
    """A part of the life of an application, with everything that was sent meanwhile.

    Attributes:
        request: The request, or None for the start and the stop of the application.
        answer: What came of it; for the start and the stop, which of them it is.
        duration: How long it took, in seconds.
        sent: What was sent.
    """

    request: Request | None
    answer: Answer | str
    duration: float
    sent: list[EmissionNode]


def trace_requests(found: Found, requests: Sequence[Request], *, logs: bool) -> Iterator[Traced]:
    """Send the requests one after the other, from one client that keeps its cookies.

    The start and the stop of the application come as well, if anything is sent then.
    """
    with ExitStack() as application:
        with _recording(logs=logs) as seen:
            client = application.enter_context(serving(found, logs=logs))
        yield from seen.moment("start")
        for request in requests:
            with _recording(logs=logs) as seen:
                answer = client.open(request)
            yield Traced(request, answer, seen.duration, seen.tree())
        with _recording(logs=logs) as seen:
            application.close()
        yield from seen.moment("stop")


class Recording:
    """An instrument that keeps emissions in the order in which they began."""

    def __init__(self) -> None:
        self._emissions: list[Emission] = []
        self._started = perf_counter()
        self.duration: float = 0.0

    def on_start(self, emission: Emission) -> None:
        """Keep an emission. The engine calls this."""
        self._emissions.append(emission)

    def __call__(self, emission: Emission) -> None:
        """Do nothing: the emission itself tells what came of it. The engine calls this."""

    def end(self) -> None:
        """Take the time."""
        self.duration = perf_counter() - self._started

    def tree(self) -> list[EmissionNode]:
        """Return what was sent, each below what has sent it."""
        return emission_tree(self._emissions)

    def moment(self, which: str) -> Iterator[Traced]:
        """Give a start or a stop, unless nothing was sent."""
        if self._emissions:
            yield Traced(None, which, self.duration, self.tree())


@contextmanager
def _recording(*, logs: bool) -> Iterator[Recording]:
    recording = Recording()
    add_instrument(recording)
    try:
        with _logging(logs):
            yield recording
    finally:
        recording.end()
        remove_instrument(recording)


@contextmanager
def _logging(wanted: bool) -> Iterator[None]:
    # The application's log lines would tear the tree apart, which shows the errors anyway.
    before = logging.root.manager.disable
    logging.disable(before if wanted else logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
