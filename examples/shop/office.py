"""The back office: where the receivers leave their mail, counts, audit lines and alarms."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from flask import Flask

KEPT = 100
AUDIT_LIMIT = 25000  # cents


def _recent() -> deque[str]:
    # A demo may run for days; only the latest lines are worth their memory.
    return deque(maxlen=KEPT)


@dataclass
class Office:
    """What one shop knows about itself, in memory."""

    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    outbox: deque[str] = field(default_factory=_recent)
    audit: deque[str] = field(default_factory=_recent)
    alarms: deque[str] = field(default_factory=_recent)


class AuditRefusedError(Exception):
    """An order that the audit book does not take."""


def office_of(app: Flask) -> Office:
    """Return the back office of *app*."""
    return cast("Office", app.extensions["office"])
