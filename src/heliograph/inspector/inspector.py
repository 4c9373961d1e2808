"""Inspector: the object of a program that lets others look at its signals while it runs."""

from __future__ import annotations

import logging
import sys
from time import monotonic, time
from typing import TYPE_CHECKING, Any, Self

from heliograph.inspector.answering import answers_of, hello
from heliograph.inspector.attaching.door import Door
from heliograph.inspector.attaching.folder import Folder
from heliograph.inspector.attaching.messages import AttachError
from heliograph.inspector.attaching.permission import permitted_name
from heliograph.inspector.attaching.workers import FROM_NOW, Picture, Workers
from heliograph.inspector.endings import at_end, forget
from heliograph.inspector.forks import follow_forks
from heliograph.inspector.health import InspectorHealth
from heliograph.inspector.page.serving import over_asgi, over_wsgi
from heliograph.inspector.process import process_name
from heliograph.inspector.recorder import Recorder
from heliograph.inspector.reporting import Reporter
from heliograph.lifecycle import app_started, app_stopping
from heliograph.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from heliograph.inspector.attaching.messages import Message
    from heliograph.inspector.filters import Only
    from heliograph.inspector.page.asgi import PageOverASGI
    from heliograph.inspector.page.timings import Stopwatch
    from heliograph.inspector.page.wsgi import PageOverWSGI
    from heliograph.inspector.seen import Seen
    from heliograph.metrics import Snapshot
    from heliograph.redaction import Redaction

_LOG = logging.getLogger("heliograph")

LEASE = 10.0
"""Seconds for which it records after somebody has looked."""


class Inspector:
    """Lets a watcher, and the page, look at the signals of this process, and of its siblings.

    Nothing is recorded while nobody looks, and nobody is let in unless that is allowed: by
    *attach*, or by the environment variable ``HELIOGRAPH_ATTACH``. A process that is forked gets
    a recorder, counts and a socket of its own.

    Args:
        attach: Whether the same user may attach from this machine, by ``heliograph watch``; a text
            gives the application a name there. By default ``HELIOGRAPH_ATTACH`` says so.
        counts: Whether to count calls, errors and times from the start on; otherwise only while
            somebody looks at them.
        values: Whether to record short texts of the payloads' values.
        redaction: Which values are hidden.
        max_bytes: The most that the recorder keeps.
        max_emissions: The most emissions and requests that it keeps.
        report_at_exit: Whether to write the counts to the log when the application, or the
            process, ends. It counts from the start on then.
        report_on: A signal of the operating system, such as ``signal.SIGUSR1``, that makes the
            process write its counts to the log. What the program does at that signal stays.
            `start` has to be called in the main thread then.
        folder: The private folder of the sockets; by default ``HELIOGRAPH_ATTACH_FOLDER``, or
            the usual place.
        tcp: Listen on loopback with a token, and not on a Unix socket; Windows has no other way.
        token: What a browser has to know to see the page outside of development.

    Raises:
        ArgumentError: If the name cannot be that of a file, or a limit is not above 0.

    Example:
        >>> from heliograph import Signal
        >>> order_paid = Signal("order-paid")
        >>> with Inspector(counts=True) as inspector:
        ...     _ = order_paid.send("shop")
        ...     inspector.counts().signal("order-paid").count
        1
    """

    def __init__(
        self,
        *,
        attach: bool | str | None = None,
        counts: bool = False,
        values: bool = False,
        redaction: Redaction | None = None,
        max_bytes: int = 4_000_000,
        max_emissions: int = 10_000,
        report_at_exit: bool = False,
        report_on: int | None = None,
        folder: Path | str | None = None,
        tcp: bool = sys.platform == "win32",
        token: str | None = None,
    ) -> None:
        self.name: str | None = permitted_name(attach)
        self.token: str | None = token
        self.recorder: Recorder = Recorder(
            max_bytes=max_bytes, max_emissions=max_emissions, values=values, redaction=redaction
        )
        self._folder = Folder(folder)
        self._tcp = tcp
        self._metrics = Metrics()
        self._always_counts = counts or report_at_exit or report_on is not None
        self._counts_until = 0.0
        self._reporter = Reporter(self.counts, at_exit=report_at_exit, signal=report_on)
        self._door: Door | None = None
        self._problem: str | None = None
        self._running = False
        self._started = time()
        self._lease = LEASE
        self._stopwatches: list[Stopwatch] = []

    # --- its life ----------------------------------------------------------------------

    def start(self) -> Self:
        """Begin to let others look. Starting it again changes nothing.

        It stops by itself when the process ends. If the socket cannot be opened, that is logged,
        `health` tells it, and the application goes on.

        Raises:
            StateError: If the log is to be written on a signal, and this is not the main thread.
        """
        if self._running:
            return self
        self._reporter.start()
        self._running, self._started = True, time()
        if self._always_counts:
            self._count()
        self._open()
        follow_forks(self)
        at_end(self.stop)
        return self

    def stop(self, timeout: float = 5.0) -> None:
        """Send all watchers away, stop to record and to count, and write the last report.

        Args:
            timeout: Seconds to wait for an answer that is just being given.
        """
        if not self._running:
            return
        self._running = False
        forget(self.stop)
        self._reporter.stop(timeout)
        self.recorder.stop()
        self._metrics.stop()
        for it in self._stopwatches:
            it.stop()
        door, self._door = self._door, None
        if door is not None:
            door.close(timeout)

    def follow(self, app: object) -> Self:
        """Start and stop with an application that has the life-cycle signals.

        Args:
            app: The application, as it is the sender of ``app_started`` and ``app_stopping``.
        """
        app_started.connect(self._on_started, sender=app)
        app_stopping.connect(self._on_stopping, sender=app)
        return self

    def _on_started(self, _: object, **_extra: object) -> None:
        self.start()

    def _on_stopping(self, _: object, **_extra: object) -> None:
        self.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *left_by: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(self, *left_by: object) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether it was started, and not stopped since."""
        return self._running

    def health(self) -> InspectorHealth:
        """Tell how it is."""
        path = None if self._door is None else self._door.path
        return InspectorHealth(
            running=self._running,
            recording=self.recorder.running,
            counting=self._metrics.health().running,
            kept=self.recorder.bytes,
            attach=None if path is None else str(path),
            problem=self._problem,
        )

    # --- the page ----------------------------------------------------------------------

    def wsgi(
        self, app: Any = None, *, path: str = "/_signals", server_timing: bool | int = False
    ) -> PageOverWSGI:
        """Return a WSGI application with the page of signals in front of *app*.

        It is there in development, on this machine, and for whoever has the token; otherwise the
        application answers alone. The first request starts the inspector; in development, it
        records from then on.

        Args:
            app: The application. Without it, this is the page alone, to be mounted anywhere.
            path: The page's path in front of the application.
            server_timing: Whether those who may see the page also get a Server-Timing header
                with each response: what its receivers took. A number is the most bytes that all
                such headers may have, 2,000 by default.

        Raises:
            ArgumentError: If *app* cannot be called, or *path* is no path.
        """
        return over_wsgi(self, app, path, server_timing=server_timing)

    def asgi(
        self, app: Any = None, *, path: str = "/_signals", server_timing: bool | int = False
    ) -> PageOverASGI:
        """Return an ASGI application with the page of signals in front of *app*, as `wsgi` does."""
        return over_asgi(self, app, path, server_timing=server_timing)

    def record(self, seconds: float) -> None:
        """Record from now on, and for this long after somebody has looked."""
        self._lease = max(self._lease, seconds)
        self._record()

    def _record(self) -> None:
        self._while_running(lambda: self.recorder.start(self._lease), self.recorder.stop)

    def _while_running(self, begin: Callable[[], object], end: Callable[[], object]) -> None:
        if self._running:
            begin()
            if (
                not self._running
            ):  # Another thread has stopped it, and what is begun now would stay.
                end()

    def add_stopwatch(self, stopwatch: Stopwatch) -> None:
        """Stop this one too, when the inspector is stopped."""
        self._stopwatches.append(stopwatch)

    # --- who looks ---------------------------------------------------------------------

    def seen_after(self, position: int = 0, most: int | None = None) -> tuple[list[Seen], int, int]:
        """Return what this process has seen since a position, and record for some seconds more.

        Args:
            position: Where to begin; 0 for all that is kept, -1 for what comes from now on.
            most: Return no more than this, and the rest next time.

        Returns:
            What was seen, the position to ask from next time, and how many were lost.
        """
        seen, position, lost = self.recorder.after(self._looked_from(position), most)
        return seen, position, lost

    def rows_after(
        self, position: int, most: int | None, only: Only, *, requests: bool
    ) -> tuple[list[tuple[Any, ...]], int, int]:
        """Return the same as `Recorder.rows_after` does, and record for some seconds more."""
        begin = self._looked_from(position)
        return self.recorder.rows_after(begin, most, only, requests=requests)

    def _looked_from(self, position: int) -> int:
        self._record()
        return self.recorder.position if position == FROM_NOW else position

    def workers(self) -> Workers:
        """Return all processes of this application that can be attached to, this one included.

        This process answers in a thread of its own, so it may ask itself.
        """
        return Workers(self.name or "", self._folder)

    @property
    def sees_all_workers(self) -> bool:
        """Whether `picture` has all processes of the application, or this one alone."""
        return self._door is not None

    def picture(self, cursor: dict[str, int] | None = None, *, most: int = 2000) -> Picture:
        """Return what all processes have seen since a cursor, as `Workers.after` does.

        Where nobody may attach, that is this process alone.
        """
        if self._door is not None:
            return self.workers().after(cursor, most=most)
        process = process_name()
        begin = FROM_NOW if cursor is None else cursor.get(process, 0)
        seen, position, lost = self.seen_after(begin, most)
        return Picture(
            seen, {process: position}, {process: lost} if lost else {}, [self._hello()], {}
        )

    def counts(self) -> Snapshot:
        """Return what was counted in this process, and count for some seconds more."""
        self._counts_until = monotonic() + LEASE
        self._while_running(self._count, self._metrics.stop)
        return self._metrics.snapshot()

    def report(self) -> None:
        """Write what was counted in this process to the logger ``heliograph.report``."""
        self._reporter.report()

    def _count(self) -> None:
        if not self._metrics.health().running:
            self._metrics.reset()
            self._metrics.start()

    # --- the door ----------------------------------------------------------------------

    def _open(self) -> None:
        if self.name is None:
            return
        door = Door(
            self.name,
            self._folder,
            answers_of(self),
            self._hello,
            idle=self._look_at_time,
            tcp=self._tcp,
        )
        try:
            door.open()
        except (AttachError, OSError, RuntimeError) as error:  # Too many threads are one.
            self._problem = str(error)
            _LOG.warning("Nobody can attach to this process: %s", error)
        else:
            self._door, self._problem = door, None

    def _hello(self) -> Message:
        return hello(self.name, self._started)

    def _look_at_time(self) -> None:
        if not self._always_counts and monotonic() > self._counts_until:
            self._metrics.stop()

    # --- forks -------------------------------------------------------------------------

    def before_fork(self) -> None:
        """End the threads, as a fork copies one thread alone. `forks` calls this."""
        self._reporter.pause()
        if self._door is not None:
            self._door.pause()

    def after_fork_in_parent(self) -> None:
        """Begin to answer again. `forks` calls this."""
        if self._running:
            self._reporter.resume()
        if self._door is not None:
            self._door.resume()

    def after_fork_in_child(self) -> None:
        """Leave the parent's socket, and open one for this process. `forks` calls this."""
        door, self._door = self._door, None
        if door is not None:
            door.leave()
        if self._running:
            at_end(self.stop)
            self.recorder.stop()
            self._started = time()
            self._reporter.begin_in_child()
            self._open()
