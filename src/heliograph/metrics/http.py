"""Metrics of requests, from the life-cycle signals, as OpenTelemetry's conventions name them."""

from __future__ import annotations

import os
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from heliograph.lifecycle import (
    before_render_template,
    message_flashed,
    request_finished,
    request_started,
    request_tearing_down,
    response_sent,
    template_rendered,
)
from heliograph.metrics.families import Description
from heliograph.metrics.names import COUNTER, GAUGE, HISTOGRAM, UNMATCHED
from heliograph.metrics.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from heliograph import Emission, Signal
    from heliograph.lifecycle import RequestInfo
    from heliograph.metrics.families import Collected, Series

    # Where the duration of a request goes, and whether the request has failed.
    Outcome = tuple[Series, bool]

# https://opentelemetry.io/docs/specs/semconv/http/http-metrics/, of which what is stable.
SECONDS: tuple[float, ...] = (
    0.005,
    0.01,
    0.025,
    0.05,
    0.075,
    0.1,
    0.25,
    0.5,
    0.75,
    1.0,
    2.5,
    5.0,
    7.5,
    10.0,
)
"""The bounds that the conventions ask for; Prometheus's client has the same."""

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY")
"""The methods that the conventions know; others are ``_OTHER``, as clients make them up."""

REASONS = ("disconnect", "error", "incomplete", "cancelled", "shutdown", "lost")

REQUEST = Description(
    "http.server.request.duration",
    HISTOGRAM,
    "s",
    "Duration of HTTP server requests, up to the last byte of the response.",
    (
        "http.request.method",
        "url.scheme",
        "http.response.status_code",
        "http.route",
        "error.type",
        "network.protocol.version",
    ),
    SECONDS,
)
ACTIVE = Description(
    "http.server.active_requests",
    GAUGE,
    "{request}",
    "Number of active HTTP server requests.",
    ("http.request.method", "url.scheme"),
)
_ROUTED = ("http.request.method", "http.route")
HEADERS = Description(
    "heliograph.http.headers.duration",
    HISTOGRAM,
    "s",
    "Seconds until the status and the headers of a response were announced.",
    _ROUTED,
    SECONDS,
)
BACKGROUND = Description(
    "heliograph.http.background.duration",
    HISTOGRAM,
    "s",
    "Seconds that an application worked on a request after the end of its response.",
    _ROUTED,
    SECONDS,
)
FAILED = Description(
    "heliograph.http.errors",
    COUNTER,
    "{request}",
    "Requests that ended with a status of 500 and more, or without a whole response though the "
    "client was there.",
    (),
)
ABORTED = Description(
    "heliograph.http.aborted",
    COUNTER,
    "{request}",
    "Responses that clients did not get as a whole.",
    ("reason",),
)
RENDERED = Description(
    "heliograph.template.duration",
    HISTOGRAM,
    "s",
    "Seconds that rendering a template took.",
    ("template",),
    SECONDS,
)
FLASHED = Description(
    "heliograph.messages.flashed", COUNTER, "{message}", "Flashed messages.", ("category",)
)
ALWAYS = (REQUEST, FAILED, ABORTED, RENDERED, FLASHED)
PHASES = (HEADERS, BACKGROUND)
ALL = (*ALWAYS, *PHASES, ACTIVE)

EXPECTED: dict[Description, list[tuple[str, ...]]] = {ABORTED: [(it,) for it in REASONS]}
"""Label sets that are known before the first request."""

_KEPT = 1_000
"""For how many kinds of requests the series are kept at hand."""

_UNDER_WAY = 10_000
"""How many requests and templates that never end are remembered, for each."""


class HttpMetrics:
    """The instruments that add to the metrics of requests.

    Args:
        metrics: The metrics, by their descriptions: `ALWAYS`, and of `PHASES` and `ACTIVE` what is
            wanted.
        methods: The methods that are told apart.
        app: The application whose requests count; by default those of all.
    """

    def __init__(
        self, metrics: dict[Description, Collected], methods: Iterable[str], app: object = None
    ) -> None:
        self._app = app
        self._requests = metrics[REQUEST]
        self._headers = metrics.get(HEADERS)
        self._background = metrics.get(BACKGROUND)
        self._failed = metrics[FAILED]
        self._aborted = metrics[ABORTED]
        self._rendered = metrics[RENDERED]
        self._flashed = metrics[FLASHED]
        self._active = metrics.get(ACTIVE)
        self._methods = {it: it for it in methods}
        self._wire = Wire()
        self.forget()

    def forget(self) -> None:
        """Forget what is under way. For a process that was forked."""
        # By the id of the request: how long it took, until its other end is known.
        self._halves: dict[int, float | None] = {}
        self._rendering: dict[int, float] = {}
        # What requests have in common is put together once.
        self._outcomes: dict[Any, Outcome] = {}
        self._routed: dict[Any, Series] = {}

    def instruments(self) -> list[tuple[Callable[[Emission], None], list[Signal[...]]]]:
        """Return the instruments, each with the signals that it watches."""
        found: list[tuple[Callable[[Emission], None], list[Signal[...]]]] = [
            (self._on_sent, [response_sent]),
            (self._on_template, [before_render_template]),
            (self._on_rendered, [template_rendered]),
            (self._on_flashed, [message_flashed]),
        ]
        if self._headers is not None:
            found.append((self._on_headers, [request_finished]))
            found.append((self._on_tearing_down, [request_tearing_down]))
        if self._active is not None:
            found.append((self._on_started, [request_started]))
        if self._app is None:
            return found
        return [(partial(self._of_app, call), signals) for call, signals in found]

    def _of_app(self, call: Callable[[Emission], None], emission: Emission) -> None:
        if emission.sender is self._app:
            call(emission)

    def _on_started(self, emission: Emission) -> None:
        self._add_active(emission.payload["request"], 1.0)

    def _add_active(self, request: RequestInfo, one: float) -> None:
        if self._active is not None:
            method, _ = self._labels(request.method, None)
            self._active.add((method, self._wire.read(request.native)[0]), one)

    def _on_headers(self, emission: Emission) -> None:
        request = emission.payload["request"]
        if request is None or self._headers is None:
            return
        key = request.method, request.route
        series = self._routed.get(key)
        if series is None:
            series = self._headers.series_of(self._labels(*key))
            self._keep(self._routed, key, series)
        self._headers.add_to(series, request.duration)

    def _on_sent(self, emission: Emission) -> None:
        payload = emission.payload
        request, status, reason = payload["request"], payload["status"], payload["reason"]
        if payload["exc"] is not None:
            outcome = self._outcome(request, status, reason, payload["exc"])
        else:
            wire = self._wire.read(request.native)
            key = request.method, request.route, status, reason, wire
            outcome = self._outcomes.get(key) or self._first_outcome(key, request)
        series, failed = outcome
        self._requests.add_to(series, payload["duration"])
        if failed:
            self._failed.add((), 1.0)
        if payload["aborted"]:
            self._aborted.add((reason,), 1.0)
        self._add_active(request, -1.0)
        if self._background is not None:
            self._end_one_half(self._background, request, payload["duration"])

    def _first_outcome(self, key: Any, request: RequestInfo) -> Outcome:
        outcome = self._outcome(request, key[2], key[3], None)
        self._keep(self._outcomes, key, outcome)
        return outcome

    def _outcome(
        self, request: RequestInfo, status: int | None, reason: str, exc: BaseException | None
    ) -> Outcome:
        """Return the series that a request belongs to, and whether it has failed."""
        method, route = self._labels(request.method, request.route)
        scheme, version = self._wire.read(request.native)
        error = _error_type(status, exc, reason)
        code = "" if status is None else str(status)
        series = self._requests.series_of((method, scheme, code, route, error, version))
        return series, bool(error)

    def _keep(self, kept: dict[Any, Any], key: tuple[Any, ...], value: object) -> None:
        # Clients make up methods.
        if key[0] in self._methods and len(kept) < _KEPT:
            kept[key] = value

    def _on_tearing_down(self, emission: Emission) -> None:
        request = emission.payload["request"]
        if request is not None and request.kind == "http" and self._background is not None:
            self._end_one_half(self._background, request, None)

    def _end_one_half(
        self, background: Collected, request: RequestInfo, sent_after: float | None
    ) -> None:
        """Note the end of a response (with its seconds) or of a request: what comes last adds."""
        key, halves = id(request), self._halves
        if key not in halves:
            if len(halves) >= _UNDER_WAY:
                halves.clear()
            halves[key] = sent_after
            return
        first = halves.pop(key)
        # In Flask and Quart, the response is sent after the teardown: nothing is in the background.
        if first is not None and sent_after is None:
            labels = self._labels(request.method, request.route)
            background.add(labels, max(0.0, request.duration - first))

    def _on_template(self, emission: Emission) -> None:
        if len(self._rendering) >= _UNDER_WAY:
            self._rendering.clear()  # Rendering that fails is never told of.
        self._rendering[id(emission.payload["context"])] = perf_counter()

    def _on_rendered(self, emission: Emission) -> None:
        begun = self._rendering.pop(id(emission.payload["context"]), None)
        if begun is not None:
            name = getattr(emission.payload["template"], "name", None) or "<inline>"
            self._rendered.add((str(name),), perf_counter() - begun)

    def _on_flashed(self, emission: Emission) -> None:
        self._flashed.add((str(emission.payload["category"]),), 1.0)

    def _labels(self, method: str, route: str | None) -> tuple[str, str]:
        return self._methods.get(method, "_OTHER"), route or UNMATCHED


def known_methods() -> tuple[str, ...]:
    """Return the methods that are told apart, from the variable that the conventions name."""
    given = os.environ.get("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "")
    named = tuple(it.strip() for it in given.split(",") if it.strip())
    return named or METHODS


def _error_type(status: int | None, exc: Any, reason: str) -> str:
    if exc is not None:
        kind = type(exc)
        return f"{kind.__module__}.{kind.__qualname__}"
    if status is not None and status >= 500:  # noqa: PLR2004 - the server's errors begin there.
        return str(status)
    # Nobody has failed if the client has left.
    return "" if reason in ("complete", "disconnect") else reason
