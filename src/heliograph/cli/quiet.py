"""Keeps the log lines of an application out of what a command prints."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def logging_if(wanted: bool) -> Iterator[None]:
    """Let the application log inside of the block, or not: a command shows its errors anyway."""
    before = logging.root.manager.disable
    logging.disable(before if wanted else logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
