"""The end of a process, as far as it lets anybody know."""

from __future__ import annotations

import atexit
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_finalizers: dict[Callable[[], object], Any] = {}


def at_end(call: Callable[[], object]) -> None:
    """Call a function when this process ends, unless it is killed.

    Processes that `multiprocessing` has started, as uvicorn's workers are, end without what
    `atexit` has: they are asked as well.
    """
    forget(call)  # In a child, its parent has said so.
    atexit.register(call)
    if "multiprocessing.util" in sys.modules:
        finalizer = sys.modules["multiprocessing.util"].Finalize(None, call, exitpriority=1)
        _finalizers[call] = finalizer


def forget(call: Callable[[], object]) -> None:
    """Call it no more, and keep it no more."""
    atexit.unregister(call)
    finalizer = _finalizers.pop(call, None)
    if finalizer is not None:
        finalizer.cancel()
