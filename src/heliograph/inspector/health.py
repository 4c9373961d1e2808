"""InspectorHealth: how an inspector is, as a value that can be served."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class InspectorHealth:
    """How an inspector is.

    Attributes:
        running: Whether it was started.
        recording: Whether it records emissions now, as somebody looks.
        counting: Whether it counts emissions now.
        kept: How many bytes what is kept needs, about.
        attach: Where watchers find this process, or None.
        problem: Why they do not, or None if that was not wanted.
    """

    running: bool
    recording: bool
    counting: bool
    kept: int
    attach: str | None
    problem: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return it as a dict of strings and numbers."""
        return asdict(self)
