"""Asks a server how a transaction has ended, until it has."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# PostgreSQL keeps the status of old transactions for as long as their ids are in use.
STATUS = "SELECT coalesce(pg_xact_status({}::text::xid8), 'unknown')"
OWN_ID = "SELECT pg_current_xact_id_if_assigned()::text"

_PAUSE = 0.1


def settled(
    ask: Callable[[], str],
    for_seconds: float,
    *,
    pause: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Tell whether a transaction was committed.

    Args:
        ask: Returns "committed", "aborted", "in progress", "unreachable" or "unknown".
        for_seconds: How long to ask again while it is in progress, or the server is away.
        pause: Waits between two questions.
        clock: Tells the time, in seconds.
    """
    until = clock() + for_seconds
    status = ask()
    while status in ("in progress", "unreachable") and clock() < until:
        pause(_PAUSE)
        status = ask()
    return status == "committed"
