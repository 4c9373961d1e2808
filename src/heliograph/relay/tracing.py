"""The trace that a send belongs to: W3C's Trace Context, from OpenTelemetry where it is in use."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from heliograph.relay.current import current

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heliograph.relay.envelopes import Envelope


def trace_of_now() -> tuple[str | None, str | None]:
    """Return ``traceparent`` and ``tracestate`` of the current context.

    They are those of OpenTelemetry's current span, if the program has imported it; otherwise
    those of the envelope that the context works on.
    """
    propagate = _propagate()
    if propagate is not None:
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        if "traceparent" in carrier:
            return carrier["traceparent"], carrier.get("tracestate")
    delivered = current()
    return (None, None) if delivered is None else (delivered.traceparent, None)


@contextmanager
def traced(envelope: Envelope) -> Iterator[None]:
    """Continue the trace of an envelope, if the program has imported OpenTelemetry."""
    propagate = _propagate()
    if propagate is None or envelope.traceparent is None:
        yield
        return
    from opentelemetry import context

    carrier = {"traceparent": envelope.traceparent, "tracestate": envelope.tracestate or ""}
    token = context.attach(propagate.extract(carrier))
    try:
        yield
    finally:
        context.detach(token)


def _propagate() -> Any:
    """Return what reads and writes traces; None if the program does not trace."""
    if "opentelemetry.trace" not in sys.modules:
        return None
    from opentelemetry import propagate

    return propagate
