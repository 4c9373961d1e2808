"""Flushes when the process gets a POSIX signal, and lets whoever was asked before do the rest."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

from heliograph import ArgumentError, StateError
from heliograph.describe import short_repr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Termination:
    """What is done on some signals of the system, before what else is done on them.

    Args:
        names: Their names, such as ``"SIGTERM"``.
        flush: What is done.

    Raises:
        ArgumentError: If there is no such signal.
    """

    def __init__(self, names: Iterable[str], flush: Callable[[], object]) -> None:
        self._numbers = [_number(it) for it in names]
        self._flush = flush
        self._theirs: dict[int, Any] = {}

    def watch(self) -> None:
        """Begin to watch.

        Raises:
            StateError: If this is not the main thread, where alone handlers can be set.
        """
        if self._numbers and threading.current_thread() is not threading.main_thread():
            msg = (
                "flush_on=… needs handlers of signals, which Python sets in the main thread alone: "
                "call start() there, or flush() yourself."
            )
            raise StateError(msg)
        for it in self._numbers:
            self._theirs[it] = signal.signal(it, self._handle)

    def watch_no_more(self) -> None:
        """Put back what was there, unless somebody has put something else there since."""
        for it, theirs in self._theirs.items():
            if signal.getsignal(it) == self._handle:
                signal.signal(it, signal.SIG_DFL if theirs is None else theirs)
        self._theirs.clear()

    def _handle(self, number: int, frame: Any) -> None:
        self._flush()
        theirs = self._theirs.get(number, signal.SIG_DFL)
        if callable(theirs):
            theirs(number, frame)
        elif theirs != signal.SIG_IGN:
            # Whoever waits for this process is to see that the signal has ended it.
            signal.signal(number, signal.SIG_DFL)  # pragma: no cover - nobody is left who measures.
            os.kill(os.getpid(), number)  # pragma: no cover - likewise.


def _number(name: object) -> int:
    try:
        return signal.Signals[str(name)].value
    except KeyError:
        msg = f"{short_repr(name)} is no signal of this system. Use names such as 'SIGTERM'."
        raise ArgumentError(msg) from None
