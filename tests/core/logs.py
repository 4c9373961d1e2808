"""Logging that fails."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Broken(logging.Handler):
    """Fails to log."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def emit(self, record: logging.LogRecord) -> None:
        """Fail."""
        raise self.error


@contextmanager
def logging_fails(error: Exception) -> Iterator[None]:
    """Let logging fail in the block."""
    broken, logger = Broken(error), logging.getLogger("heliograph")
    logger.addHandler(broken)
    try:
        yield
    finally:
        logger.removeHandler(broken)
