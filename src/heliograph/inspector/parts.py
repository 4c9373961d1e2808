"""A part of a program's life, such as one request, and what was sent in the meantime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heliograph.inspector.seen import SeenEmission


@dataclass(frozen=True)
class Part:
    """A part of a program's life. It holds nothing of the program.

    Attributes:
        title: What it was, as one would write it: ``"GET /orders"``.
        outcome: What came of it: ``"200 OK"``; empty if there is nothing to say.
        failed: Whether that is a failure.
        location: The ``file:line`` of an error that ended it, or None.
        started: Seconds since the epoch.
        duration: Seconds.
        emissions: What was sent, in the order in which it ended.
        lost: How many emissions and requests there was no room for.
    """

    title: str
    outcome: str
    failed: bool
    location: str | None
    started: float
    duration: float
    emissions: tuple[SeenEmission, ...]
    lost: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return its attributes, made of what JSON has."""
        return {**vars(self), "emissions": [it.as_dict() for it in self.emissions]}
