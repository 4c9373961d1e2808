"""Threads in tests: run at once, taking turns often, and what differs between Pythons."""

from __future__ import annotations

import gc
import sys
import sysconfig
import threading
from contextlib import contextmanager
from contextvars import Context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INHERITING: bool = bool(getattr(sys.flags, "thread_inherit_context", 0))
"""Whether threads begin in the context of whoever starts them.

They do on builds without a GIL since Python 3.14, and with `-X thread_inherit_context=1`.
"""

FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
"""Whether this is a build without a GIL."""

CLASSES_STAY = FREE_THREADED and sys.version_info < (3, 14)
"""Whether classes, and functions of modules, live for ever once a thread has been started."""


def let_die() -> None:
    """Let what was just dropped die before this returns.

    Without a GIL, an object dies in the thread that made it, when that has time, or in a
    collection. Everywhere else it is dead already, and nothing must hide that it is.
    """
    if FREE_THREADED:
        gc.collect()


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


@contextmanager
def fast_switching() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def in_threads(*functions: Any) -> list[BaseException]:
    """Run functions in a thread each, at once; returns what they raised."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(len(functions))

    def run(function: Any) -> None:
        barrier.wait()
        try:
            function()
        except Exception as error:  # noqa: BLE001 - the test looks at it.
            errors.append(error)

    threads = [threading.Thread(target=run, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors
