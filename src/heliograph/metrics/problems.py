"""Problems: what went wrong while metrics were taken, reported once, as requests go on."""

from __future__ import annotations

import logging
from threading import RLock

_LOG = logging.getLogger("heliograph")

_AT_MOST = 100
"""More different problems than that say nothing new, and a log of them would hide the first."""


class Problems:
    """What was reported, each problem once.

    Attributes:
        count: How often something was reported, the repetitions included.
    """

    def __init__(self) -> None:
        self._reported: dict[str, None] = {}
        self.count: int = 0
        # A signal handler may report while its thread does.
        self._lock = RLock()

    def report(self, problem: str, error: BaseException | None = None) -> None:
        """Log a problem, unless it was reported before.

        Args:
            problem: A sentence that says what, where, and what to do.
            error: The error that is behind it, to be logged with its traceback.
        """
        with self._lock:
            self.count += 1
            if problem in self._reported or len(self._reported) >= _AT_MOST:
                return
            self._reported[problem] = None
        _LOG.warning("%s", problem, exc_info=error)

    def all(self) -> tuple[str, ...]:
        """Return what was reported, in order."""
        with self._lock:
            return tuple(self._reported)
