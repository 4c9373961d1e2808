"""Frees the room that tables no longer need."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    K = TypeVar("K")
    V = TypeVar("V")

SMALL = 512
PER_ENTRY = 400
"""Bytes. A dict that has only grown takes a quarter of that for an entry, or less."""


def shrunk(table: dict[K, V]) -> dict[K, V]:
    """Return a table from which an entry was removed, or a copy of it that takes less room.

    That of an empty one is a new one.

    A dict keeps the room that it needed when it was fullest, and iterating over it passes
    through all of that room. So its size is looked at whenever its length is a power of two; one
    that is copied then has lost far more entries than it still has.
    """
    left = len(table)
    if not left:
        return {}
    if left & (left - 1) or table.__sizeof__() <= SMALL + PER_ENTRY * left:
        return table
    return dict(table)
