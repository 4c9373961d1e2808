"""Entry: one line of the trail."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

HEADER = (
    "id", "occurred_at", "recorded_at", "signal", "action", "outcome", "reason", "actor_type",
    "actor_id", "on_behalf_of", "target_type", "target_id", "tenant", "request_id", "method",
    "route", "job", "trace_id", "span_id", "service", "host", "pid", "source", "notes",
)  # fmt: skip
"""The columns that cannot be erased, in the order in which their digest is made."""


@dataclass(slots=True)
class Entry:
    """One line of the trail.

    Attributes:
        id: A UUID of version 7: entries that were made later sort later.
        occurred_at: When it was sent, in microseconds since the epoch.
        recorded_at: When it was written, likewise; 0 until then.
        signal: The name of the signal.
        action: What was done, such as ``"order.pay"``.
        outcome: ``"success"``, ``"failure"``, ``"denied"`` or ``"unknown"``.
        reason: Why, if somebody said so.
        actor_type: What kind of actor it was.
        actor_id: Who did it.
        on_behalf_of: For whom, if for somebody else.
        target_type: What kind of thing it was done to.
        target_id: Which one.
        tenant: Whose data it was.
        request_id: The request within which it was done.
        method: The method of that request.
        route: Its route, never the raw path.
        job: The name of the job within which it was done.
        trace_id: The trace of OpenTelemetry, if there is one.
        span_id: The span in it.
        service: What the trail says of its own program.
        host: The machine.
        pid: The process.
        source: The ``file:line`` that sent the signal.
        notes: What was changed in the payload: redacted, cut, replaced.
        data: The chosen part of the payload, as plain values; with what may be erased.
    """

    id: str
    occurred_at: int
    signal: str
    action: str
    outcome: str = "success"
    recorded_at: int = 0
    reason: str | None = None
    actor_type: str | None = None
    actor_id: str | None = None
    on_behalf_of: str | None = None
    target_type: str | None = None
    target_id: str | None = None
    tenant: str | None = None
    request_id: str | None = None
    method: str | None = None
    route: str | None = None
    job: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    service: str | None = None
    host: str | None = None
    pid: int = 0
    source: str | None = None
    notes: str = ""
    data: dict[str, Any] = field(default_factory=dict)

    def header(self) -> tuple[Any, ...]:
        """Return the columns that the digest is over."""
        return _header(self)


_header = attrgetter(*HEADER)
