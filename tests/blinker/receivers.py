"""The receivers and the senders of the tests of defects, and what sending gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import heliograph


def r(sender: object, **payload: object) -> str:
    """Return a name."""
    return "r"


def q(sender: object, **payload: object) -> str:
    """Return another name."""
    return "q"


class Thing:
    """Can be referred to weakly."""

    def receive(self, sender: object, **payload: object) -> str:
        """Return what it is."""
        return "thing"


def heard(signal: heliograph.Signal, sender: object) -> list[object]:
    """Send, and return what the receivers returned."""
    return [value for _, value in signal.send(sender)]
