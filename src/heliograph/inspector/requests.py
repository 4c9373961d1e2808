"""Sees requests begin and end, by the life-cycle signals."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from heliograph import add_instrument, remove_instrument
from heliograph.describe import describe_error
from heliograph.inspector.process import process_name
from heliograph.inspector.seen import SeenRequest
from heliograph.inspector.static import is_a
from heliograph.lifecycle import (
    RequestInfo,
    got_request_exception,
    got_websocket_exception,
    request_started,
    response_sent,
    websocket_finished,
    websocket_started,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from heliograph import Emission

_FAILURES = ("got-request-exception", "got-websocket-exception")
_WATCHED = (
    request_started,
    response_sent,
    got_request_exception,
    websocket_started,
    websocket_finished,
    got_websocket_exception,
)


class _Known:
    """What is known of a request that goes on."""

    __slots__ = ("error", "position")

    def __init__(self, position: int) -> None:
        self.position = position
        self.error: str | None = None


class RequestWatcher:
    """The instrument that hands on each request when it begins, and again when it has ended.

    Args:
        found: Is called with each.
        clean: Returns the message of an error without secrets.
    """

    def __init__(self, found: Callable[[SeenRequest], object], clean: Callable[[str], str]) -> None:
        self._found = found
        self._clean = clean
        self.begin_again()

    def begin_again(self) -> None:
        """Forget all requests, as in a process that was just forked."""
        self._positions = count()
        self._going_on: WeakKeyDictionary[RequestInfo, _Known] = WeakKeyDictionary()

    def start(self) -> None:
        """Begin to see requests."""
        add_instrument(self, _WATCHED)

    def stop(self) -> None:
        """See no more of them."""
        remove_instrument(self)

    def __call__(self, emission: Emission) -> None:
        """Look at a life-cycle signal. The engine calls this."""
        payload = emission.payload
        request = payload.get("request")
        if not is_a(request, RequestInfo):  # Somebody else sends it, as a test may.
            return
        known = self._going_on.get(request)
        if known is None:
            known = self._going_on[request] = _Known(next(self._positions))
        # Flask's own signals are joined with these, and have other dashes.
        name = str(emission.signal.name).replace("_", "-")
        if name in _FAILURES:
            known.error = self._clean(describe_error(payload["exception"]))
        else:
            self._found(_seen(request, known, payload))


def _seen(request: RequestInfo, known: _Known, payload: Mapping[str, Any]) -> SeenRequest:
    code = payload.get("status", payload.get("code"))
    return SeenRequest(
        process=process_name(),
        id=request.id,
        position=known.position,
        kind=request.kind,
        method=request.method,
        path=request.path,
        route=request.route,
        status=code,
        started=request.started,
        duration=payload.get("duration"),
        aborted=payload.get("aborted"),
        reason=payload.get("reason", payload.get("who")),
        error=known.error,
    )
