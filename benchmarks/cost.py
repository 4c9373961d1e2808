"""One figure of a table, and what it is to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Cost:
    """One figure, what it is to be, and whether a greater one is better."""

    what: str
    figure: float
    shown: Callable[[float], str]
    goal: float | None = None
    more_is_better: bool = True

    @property
    def is_met(self) -> bool | None:
        """Whether it is as it is to be; None if nobody says so."""
        if self.goal is None:
            return None
        return self.figure >= self.goal if self.more_is_better else self.figure <= self.goal


def micros(value: float) -> str:
    """Return microseconds as a text."""
    return f"{value:,.1f} µs"
