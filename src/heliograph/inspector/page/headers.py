"""Puts the Server-Timing header beside an application's own; never at the cost of the response."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heliograph.inspector.page.server_timing import header_value, room_beside

if TYPE_CHECKING:
    from collections.abc import Iterable

    from heliograph.inspector.page.timings import Timings


def with_timings(headers: Iterable[tuple[str, str]], timings: Timings) -> list[tuple[str, str]]:
    """Return the headers with those timings that are known until now."""
    kept = list(headers)
    return [*kept, *timing_header(kept, timings)]


def with_timings_as_bytes(
    headers: Iterable[tuple[bytes, bytes]], timings: Timings
) -> list[tuple[bytes, bytes]]:
    """Do so with headers as ASGI has them."""
    kept = list(headers)
    texts = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in kept]
    own = timing_header(texts, timings)
    return [*kept, *((b"server-timing", value.encode("ascii")) for _, value in own)]


def timing_header(existing: Iterable[tuple[str, str]], timings: Timings) -> list[tuple[str, str]]:
    """Return the header to add, if there is one."""
    try:
        room = room_beside(existing, timings.owner.limit)
    except (AttributeError, TypeError):
        return []  # The server knows what to say of headers that are no text.
    value = header_value(timings.so_far(), room)
    return [("Server-Timing", value)] if value else []
