"""Writes the counts of a process to its log: at its end, and when a signal asks for it."""

from __future__ import annotations

import logging
import signal
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from heliograph import StateError, add_instrument, remove_instrument
from heliograph.inspector.report import as_text
from heliograph.lifecycle import app_started, app_stopping

if TYPE_CHECKING:
    from collections.abc import Callable

    from heliograph import Emission
    from heliograph.metrics import Snapshot

_LOG = logging.getLogger("heliograph.report")


class Reporter:
    """Writes what was counted to the logger ``heliograph.report``.

    Args:
        counts: Returns what was counted.
        at_exit: Whether to write when it is stopped.
        signal: The signal of the operating system that makes it write, or None.
    """

    def __init__(
        self, counts: Callable[[], Snapshot], *, at_exit: bool, signal: int | None
    ) -> None:
        self._counts = counts
        self._at_exit = at_exit
        self._signal = signal
        self._over = False
        self._before: Any = None
        self._handler: Any = None
        self._asked: SimpleQueue[bool] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to wait for the signal.

        Raises:
            StateError: If there is a signal, and this is not the main thread.
        """
        if self._signal is not None:
            self._take_signal(self._signal)
            self.resume()
        if self._at_exit:
            # Not as a receiver, which would be among what is counted.
            add_instrument(self, [app_started, app_stopping])

    def stop(self, timeout: float) -> None:
        """Write the last report, and wait for nothing any more."""
        self.pause(timeout)
        number = self._signal
        # If another handler came later, it calls this one, which has nothing to do any more.
        if number is not None and signal.getsignal(number) is self._handler:
            signal.signal(number, self._before)
        remove_instrument(self)
        if self._at_exit and not self._over:
            self.report()

    def __call__(self, emission: Emission) -> None:
        """Note that an application has begun or ended. The engine calls this.

        Some servers tell of no other end: uvicorn kills its own workers when their applications
        have stopped.
        """
        self._over = emission.signal is app_stopping
        if self._over:
            self.report()

    def report(self) -> None:
        """Write what was counted so far."""
        text = as_text(self._counts())
        # Somebody has asked for it: it must not be lost where nobody has set up the log.
        heard = _LOG.isEnabledFor(logging.INFO) and _LOG.hasHandlers()
        _LOG.log(logging.INFO if heard else logging.WARNING, "%s", text)

    # --- the signal --------------------------------------------------------------------

    def _take_signal(self, number: int) -> None:
        if threading.current_thread() is not threading.main_thread():
            msg = (
                f"report_on={number} takes a signal, which Python allows in the main thread alone: "
                "start the inspector there."
            )
            raise StateError(msg)
        before = signal.getsignal(number)

        def write(number: int, frame: Any) -> None:
            # Nothing else is safe here: the process may be in the middle of writing its log.
            self._asked.put(True)
            if callable(before):
                before(number, frame)

        self._before, self._handler = before, write
        signal.signal(number, write)

    def pause(self, timeout: float = 1.0) -> None:
        """End the thread."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._asked.put(False)
            thread.join(timeout)

    def resume(self) -> None:
        """Wait for the signal, in a thread that ends with the process."""
        if self._signal is not None and self._thread is None:
            self._thread = threading.Thread(
                target=self._wait, name="heliograph-report", daemon=True
            )
            self._thread.start()

    def _wait(self) -> None:
        asked = self._asked
        while asked.get():
            try:
                self.report()
            except Exception:  # noqa: BLE001 - the next signal may fare better.
                _LOG.exception("The counts cannot be written.")

    def begin_in_child(self) -> None:
        """Wait in a thread of this process, which a fork has not copied."""
        self._asked, self._thread = SimpleQueue(), None
        self.resume()
