"""What senders are called in labels: by a function of the program, up to a cap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heliograph.metrics.snapshot import OTHER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from heliograph.metrics.problems import Problems

    Naming = Callable[[Any], str]


class SenderNames:
    """What the senders of some signals are called in labels, up to a cap."""

    def __init__(self, naming: Naming, at_most: int, problems: Problems) -> None:
        self._naming = naming
        self._at_most = at_most
        self._problems = problems

    def name(self, signal: str, sender: Any, known: Collection[str]) -> str:
        """Return what a sender is called."""
        try:
            name = str(self._naming(sender))
        except Exception as error:  # noqa: BLE001 - it must not end the counting.
            problem = f"The naming of the senders of {signal!r} failed: they are called {OTHER}."
            self._problems.report(problem, error)
            return OTHER
        if name in known or len(known) < self._at_most:
            return name
        self._problems.report(
            f"The senders of {signal!r} have more than {self._at_most} names: all others are "
            f"called {OTHER}. Name kinds of senders, or pass a higher at_most=."
        )
        return OTHER
