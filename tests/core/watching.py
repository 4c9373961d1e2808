"""Instruments for the length of a block: any, and one that collects emissions."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from heliograph import Emission, add_instrument, remove_instrument

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def watching() -> Iterator[list[Emission]]:
    """Give a list to which every emission is added while the block lasts."""
    seen: list[Emission] = []
    with watched_by(seen.append):
        yield seen


@contextmanager
def watched_by(instrument: Callable[[Emission], object]) -> Iterator[None]:
    """Let an instrument see every emission while the block lasts."""
    add_instrument(instrument)
    try:
        yield
    finally:
        remove_instrument(instrument)
