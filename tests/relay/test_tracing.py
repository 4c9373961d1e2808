"""Tracing: the trace of a send goes on where it arrives."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from heliograph.relay import current
from heliograph.relay.envelopes import Envelope
from heliograph.relay.tracing import trace_of_now, traced
from tests.relay.processes import new_url, process, until

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext, Tracer


@pytest.fixture
def tracer() -> Tracer:
    """Give what makes spans, for this test alone."""
    return TracerProvider().get_tracer(__name__)


def span() -> SpanContext:
    """Return the span of the current context."""
    return trace.get_current_span().get_span_context()


def test_a_receiver_is_in_the_trace_of_the_send(tracer: Tracer) -> None:
    """Of every process or of a group, plain or async; and its own span ends with it."""
    for mode in ("broadcast", "durable"):
        url = new_url()
        made, other = process(url, mode), process(url, mode, groups=["*"])
        found: list[Any] = []

        def hear(sender: object, *, n: int, found: list[Any] = found) -> None:
            found.append((span(), current()))

        async def hear_async(sender: object, *, n: int, found: list[Any] = found) -> None:
            found.append((span(), current()))

        for number, receiver in enumerate((hear, hear_async)):
            how = {"scope": "each"} if mode == "broadcast" else {"group": str(number)}
            other.relay.connect(other.signal, receiver, **how)

        with made.relay, other.relay, tracer.start_as_current_span("order"):
            sent = span()
            made.signal.send("shop", n=1)
            until(lambda: len(found) == 2)  # noqa: B023 - at once.

        traceparent = f"00-{sent.trace_id:032x}-{sent.span_id:016x}-"  # And what is recorded.
        assert [(it.trace_id, it.span_id, it.is_remote) for it, _ in found] == [
            (sent.trace_id, sent.span_id, True)
        ] * 2
        assert [it.traceparent[:-2] for _, it in found] == [traceparent] * 2


def test_without_a_span_there_is_no_trace() -> None:
    """What is sent outside of one carries none."""
    assert trace_of_now() == (None, None)


@pytest.mark.parametrize("traceparent", [None, "hostile", "00-0-0-00", "x" * 10_000])
def test_what_is_no_trace_is_none(traceparent: str | None) -> None:
    """Whoever may have written it."""
    envelope = Envelope(id="1", signal="a", origin="b", time=1.0, traceparent=traceparent)
    with traced(envelope):
        assert not span().is_valid
        assert trace_of_now() == (None, None)


def test_a_state_of_the_trace_goes_along(tracer: Tracer) -> None:
    """As W3C's Trace Context has it."""
    envelope = Envelope(
        id="1",
        signal="a",
        origin="b",
        time=1.0,
        traceparent=f"00-{7:032x}-{9:016x}-01",
        tracestate="vendor=1",
    )
    with traced(envelope), tracer.start_as_current_span("work"):
        traceparent, tracestate = trace_of_now()

    assert traceparent is not None
    assert traceparent.startswith(f"00-{7:032x}-")
    assert tracestate == "vendor=1"


WITHOUT = """
import sys
from heliograph import Namespace
from heliograph.relay import current
from heliograph.relay.current import CURRENT, Delivered
from heliograph.relay.envelopes import Envelope
from heliograph.relay.tracing import trace_of_now, traced

assert trace_of_now() == (None, None)
CURRENT.set(Delivered("1", "a", "b", None, None, 1, 1.0, traceparent="00-1-2-01"))
with traced(Envelope(id="1", signal="a", origin="b", time=1.0, traceparent="00-1-2-01")):
    print(*trace_of_now())
assert not [it for it in sys.modules if it.startswith("opentelemetry")]
"""


def test_without_opentelemetry_the_trace_is_passed_on() -> None:
    """A process that does not trace is no gap in the trace; and nothing is imported for it."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.split() == ["00-1-2-01", "None"]
