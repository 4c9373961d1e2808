"""What is left of a copy of Blinker: signals that Heliograph cannot take over, nor see."""

from __future__ import annotations


class Signal:
    """A signal of the copy."""

    def __init__(self, name: str) -> None:
        self.name = name
