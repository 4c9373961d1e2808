"""Bodies that all frameworks answer with: whole, long, and broken in the middle."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

PARTS = 250
SIZE = 100_000
PAUSE = 0.02


def three() -> Iterator[bytes]:
    """Give three parts."""
    for _ in range(3):
        yield b"part"


def long() -> Iterator[bytes]:
    """Give more than buffers hold, for five seconds."""
    for _ in range(PARTS):
        time.sleep(PAUSE)
        yield b"x" * SIZE


def broken() -> Iterator[bytes]:
    """Raise after a part."""
    yield b"part"
    raise LookupError


async def three_async() -> AsyncIterator[bytes]:
    """Give three parts."""
    for part in three():
        yield part


async def long_async() -> AsyncIterator[bytes]:
    """Give more than buffers hold, for five seconds."""
    for _ in range(PARTS):
        await asyncio.sleep(PAUSE)
        yield b"x" * SIZE


async def broken_async() -> AsyncIterator[bytes]:
    """Raise after a part."""
    for part in broken():
        yield part
