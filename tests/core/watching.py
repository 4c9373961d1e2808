"""An instrument that collects emissions for the length of a block."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from heliograph import Emission, add_instrument, remove_instrument

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def watching() -> Iterator[list[Emission]]:
    """Give a list to which every emission is added while the block lasts."""
    seen: list[Emission] = []
    add_instrument(seen.append)
    try:
        yield seen
    finally:
        remove_instrument(seen.append)
