"""Patching: gevent replaces threads and sockets, and what runs by the old ones ends before that."""

from __future__ import annotations

import logging
import sys
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_LOG = logging.getLogger("heliograph")


@cache
def follow_patches(before: Callable[[], object], after: Callable[[], object]) -> None:
    """Call functions around `gevent.monkey.patch_all()`, where gevent is installed, from now on.

    A thread from before cannot go on: those that it starts would be greenlets of its own, which
    nobody lets run. So it is with a worker of gunicorn that was forked from a master with the
    application in it: it is patched when it has begun.

    Args:
        before: Is called before anything is replaced, but not if threads were replaced already.
        after: Is called afterwards, once the program waits.
    """
    try:
        # gevent brings it and tells through it, whether it is imported sooner or later.
        told_by = import_module("zope.event").subscribers
    except ImportError:
        return
    has_begun: list[bool] = []

    def told(event: Any) -> None:
        kind = type(event)
        if kind.__module__ != "gevent.events":
            return
        if kind.__name__ == "GeventWillPatchAllEvent":
            if not import_module("gevent.monkey").is_module_patched("threading"):
                has_begun.append(True)
                guarded(before)
        elif kind.__name__ == "GeventDidPatchAllEvent" and has_begun:
            has_begun.clear()
            once_it_waits(after)

    told_by.append(told)


def guarded(call: Callable[[], object]) -> None:
    """Call it; what it raises would keep the program from being patched, and others from it."""
    try:
        call()
    except Exception:  # noqa: BLE001 - the program goes on, without this relay if need be.
        _LOG.exception("A relay cannot follow a patch of gevent, or a fork after one.")


def once_it_waits(call: Callable[[], object]) -> None:
    """Call it in a greenlet: sooner, gevent may not know that the process was forked."""
    import_module("gevent").spawn(guarded, call)


def has_greenlets() -> bool:
    """Whether what `threading` starts are greenlets, which share one thread of the system."""
    monkey: Any = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))
