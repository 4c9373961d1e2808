"""What metrics and their labels are called: in OpenTelemetry's spelling, and in Prometheus's."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Any

from heliograph import ArgumentError
from heliograph.describe import short_repr

if TYPE_CHECKING:
    from collections.abc import Iterable

COUNTER = "counter"
HISTOGRAM = "histogram"
GAUGE = "gauge"

UNKNOWN = "<unknown>"
"""The label of what could not be found out."""

UNMATCHED = "<unmatched>"
"""The route of requests that no route matched."""

# Both sets of rules at once: OpenTelemetry's instrument names, and ASCII that Prometheus can spell.
_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*")
_RESERVED = {"le", "quantile"}
_LONGEST = 120
"""Longer labels are cut: a label is a word, and a text is none."""

# Prometheus spells units out (https://prometheus.io/docs/practices/naming/#base-units).
_UNITS = {"s": "seconds", "ms": "milliseconds", "By": "bytes", "1": "", "%": "percent"}
_ENDINGS = {COUNTER: ("", "_total"), HISTOGRAM: ("", "_bucket", "_count", "_sum"), GAUGE: ("",)}


def checked_name(name: object) -> str:
    """Return the name of a metric.

    Raises:
        ArgumentError: If it is no such name.
    """
    if not isinstance(name, str) or _NAME.fullmatch(name) is None or len(name) > _LONGEST:
        msg = (
            f"{short_repr(name)} is no name for a metric: use small letters, digits, and "
            'underscores or dots between them, as in "order_paid" or "order.paid".'
        )
        raise ArgumentError(msg)
    return name


def checked_label(name: object) -> str:
    """Return the name of a label.

    Raises:
        ArgumentError: If it is no such name.
    """
    fits = isinstance(name, str) and _LABEL.fullmatch(name) is not None
    if not fits or name in _RESERVED:
        msg = (
            f"{short_repr(name)} is no name for a label: use letters, digits and underscores, and "
            "neither le nor quantile, which Prometheus uses itself."
        )
        raise ArgumentError(msg)
    return str(name)


def name_from(signal_name: str) -> str:
    """Return the name of a metric that is called after a signal."""
    return re.sub(r"[^a-z0-9_.]+", "_", signal_name.lower()).strip("_.")


def in_ascii(name: str) -> str:
    """Return a name as Prometheus spells it: with underscores alone."""
    return re.sub(r"[^A-Za-z0-9_]", "_", name)


def prometheus_name(name: str, kind: str, unit: str) -> str:
    """Return the name of a metric in Prometheus, without the endings of its samples.

    Example:
        >>> prometheus_name("http.server.request.duration", "histogram", "s")
        'http_server_request_duration_seconds'
        >>> prometheus_name("http.server.active_requests", "gauge", "{request}")
        'http_server_active_requests'
    """
    # What stands in braces is a remark, as in {request} (OpenTelemetry's metric units).
    spelled = _UNITS.get(unit, in_ascii(re.sub(r"\{.*?\}", "", unit)).strip("_").lower())
    found = in_ascii(name)
    if kind == COUNTER:
        found = found.removesuffix("_total")
    return found if not spelled or found.endswith(f"_{spelled}") else f"{found}_{spelled}"


def sample_names(name: str, kind: str, unit: str) -> Iterable[str]:
    """Return the names of all that Prometheus keeps for a metric."""
    called = prometheus_name(name, kind, unit)
    return [f"{called}{ending}" for ending in _ENDINGS[kind]]


def label_text(value: Any) -> str:
    """Return a label's value as text that every system takes: without lone surrogates, and short.

    Example:
        >>> label_text(True), label_text(None), label_text(12)
        ('true', '', '12')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        value = value.value
    text = str(value).encode("utf-8", "replace").decode().replace("\0", "?")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
