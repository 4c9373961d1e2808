"""Threads that belong to nobody, and threads that belong to whoever starts them."""

from __future__ import annotations

import sys
import threading
from contextvars import Context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

INHERITING: bool = bool(getattr(sys.flags, "thread_inherit_context", 0))
"""Whether threads begin in the context of whoever starts them.

They do on builds without a GIL since Python 3.14, and with `-X thread_inherit_context=1`.
"""


def in_a_thread(function: Callable[[], Any]) -> Any:
    """Return what a function returns in a new thread, whose context is empty everywhere."""
    return in_a_plain_thread(lambda: Context().run(function))


def in_a_plain_thread(function: Callable[[], Any]) -> Any:
    """Return what a function returns in a new thread, in the context that Python gives it."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(function()), name="worker")
    thread.start()
    thread.join()
    return results[0]
