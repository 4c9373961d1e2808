"""The trail: who did what, when, on what, with which outcome; and that nobody has changed it.

`Trail` is kept in SQLite or PostgreSQL, and `Trail.record` makes an entry of everything that a
signal sends.
"""

from __future__ import annotations

from heliograph.audit.anchoring import read_anchors
from heliograph.audit.buffer import Limits
from heliograph.audit.errors import PayloadError, TrailError
from heliograph.audit.reading import Found, Search, Stats
from heliograph.audit.recording import Who
from heliograph.audit.seals import Anchor, Key, Problem, Seal, Verdict
from heliograph.audit.tally import Health
from heliograph.audit.trail import Trail

__all__ = [
    "Anchor",
    "Found",
    "Health",
    "Key",
    "Limits",
    "PayloadError",
    "Problem",
    "Seal",
    "Search",
    "Stats",
    "Trail",
    "TrailError",
    "Verdict",
    "Who",
    "read_anchors",
]
