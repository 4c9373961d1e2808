"""Inbox: the receiver that a stream connects; it keeps emissions and wakes the readers."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager, suppress

from heliograph.core.callables import OWN_RECEIVERS
from heliograph.core.describe import title_of
from heliograph.core.errors import LostEmissionsError
from heliograph.core.failures import raise_kept
from heliograph.core.lock import Lock
from heliograph.core.observing.watching import current_emission
from heliograph.core.showing import shown
from heliograph.core.streams.wanted import chosen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Literal

    from heliograph.core.connections.connection import Connection
    from heliograph.core.observing.emission import Emission

    WhenFull = Literal["raise", "drop_oldest"]

_A_MOMENT = 0.05
"""Seconds that a reader waits for another thread to release the lock."""


class Inbox:
    """The emissions that wait for readers, and the readers that wait for emissions."""

    # Listed among the receivers of its signal, it shows as the class that users know.
    __module__ = "heliograph"
    __qualname__ = "Stream"

    __slots__ = (
        "__weakref__",
        "arrived",
        "closed",
        "connection",
        "entries",
        "lock",
        "lost",
        "matches",
        "raises",
        "signal",
        "size",
        "told",
        "waiting",
    )

    def __init__(
        self,
        signal: Any,
        matches: Callable[[Emission], object] | None,
        size: int,
        when_full: WhenFull,
    ) -> None:
        self.signal: Any = signal
        # What chooses emissions; without it, all are wanted.
        self.matches: Callable[[Emission], object] | None = matches
        # Its own, once it is connected.
        self.connection: Connection | None = None
        self.size: int = size
        self.raises: bool = when_full == "raise"
        # Emissions that were sent, and those kept for readers. The thread that has the lock moves
        # them from one to the other.
        self.arrived: list[Emission | Exception] = []
        self.entries: deque[Emission | Exception] = deque()
        self.lock: Lock = Lock()
        self.waiting: list[Callable[[], object]] = []
        self.closed: bool = False
        # How many emissions were lost, and how many of these the reader knows of.
        self.lost: int = 0
        self.told: int = 0

    def __call__(self, sender: Any, /, **payload: Any) -> None:
        """Receive an emission."""
        seen = current_emission(self.signal, sender, payload)
        entry = seen if self.matches is None else chosen(self.matches, seen)
        if entry is not None and not self.closed:
            self.arrived.append(entry)
            self.settle()

    @shown
    def __repr__(self) -> str:
        self.settle()
        title = f"{title_of(self.signal)}{', closed' if self.closed else ''}"
        return f"<Stream of {title}: {len(self.entries)} to read, {self.lost} lost>"

    def settle(self) -> None:
        """Keep what has arrived; if another thread is doing so, it goes on with this too."""
        # It never waits for the lock: the sender may hold any other lock, and a finalizer that
        # runs in the thread with this lock may wait for that one.
        lock, free = self.lock, True
        while self.arrived and free and not lock.is_mine:
            try:
                try:
                    free = lock.acquire(False)
                    if free:
                        self._keep_arrived()
                finally:
                    if lock.is_mine:
                        lock.release()
            finally:
                if self.waiting and self.something():
                    self.wake()

    def _keep_arrived(self) -> None:
        # A signal handler may raise after any call. So nothing is called between adding an
        # emission to one side and taking it from the other.
        arrived, entries = self.arrived, self.entries
        dropped: list[object] = []
        while arrived:
            full = len(entries) >= self.size
            if self.raises and (full or self.lost > self.told):
                # All are lost until the reader knows, so that there is only one gap.
                self.lost += 1
                del arrived[0]
                continue
            if full:
                dropped += (entries[0],)
                self.lost += 1
                del entries[0]
            entries += (arrived[0],)
            del arrived[0]

    def wake(self) -> None:
        """Wake all readers: each looks whether there is something, and may wait again."""
        waiting = self.waiting
        try:
            while waiting:
                wake = waiting[0]
                wake()
                waiting.remove(wake)
        except (IndexError, ValueError):  # Another thread wakes them, too.
            return

    @contextmanager
    def waking(self, wake: Callable[[], object]) -> Iterator[None]:
        """Have *wake* called once when something arrives."""
        self.waiting.append(wake)
        try:
            yield
        finally:
            self.forget(wake)

    def forget(self, wake: Callable[[], object]) -> None:
        """Let something not be called any more, if it was not."""
        waiting = self.waiting
        if wake in waiting:
            with suppress(ValueError):  # It was called just now.
                waiting.remove(wake)

    def something(self) -> bool:
        """Tell whether a reader should look now; it asks before it waits, so it misses nothing."""
        return bool(self.entries) or self.closed or (self.raises and self.lost > self.told)

    def take(self) -> Emission | None:  # noqa: C901 - one look without the lock, and one with it.
        """Return the next emission, or None if there is none.

        Raises:
            LostEmissionsError: If some were lost before the next one.
            Exception: An error that the function `matching` raised.
        """
        lock, entries, entry, lost = self.lock, self.entries, None, 0
        if not (entries or self.arrived or self.lost > self.told):
            return None
        if not lock.is_mine:  # Otherwise in a signal handler.
            try:
                if lock.acquire(True, _A_MOMENT):
                    if self.arrived:
                        self._keep_arrived()
                    if entries:
                        entry = entries[0]
                        del entries[0]
                    elif self.raises:
                        lost = self.lost - self.told
                        self.told += lost
            finally:
                if lock.is_mine:
                    lock.release()
                if self.arrived:  # A thread that sent meanwhile has left it to this one.
                    self.settle()
        if lost:
            raise self._lost_here(lost)
        if isinstance(entry, Exception):
            error, entry = entry, None
            try:
                raise_kept(error)
            finally:
                del error  # It must not refer to itself through its traceback's frames.
        return entry

    def _lost_here(self, lost: int) -> LostEmissionsError:
        what = "1 emission was" if lost == 1 else f"{lost} emissions were"
        msg = (
            f"{what} lost here by a stream of {title_of(self.signal)} with size={self.size}, "
            "which was full. Read faster, give the stream a bigger size, or let it drop the "
            "oldest ones with when_full='drop_oldest'."
        )
        return LostEmissionsError(msg, lost)

    def close(self) -> None:
        """Receive nothing more, and wake the readers."""
        try:
            disconnect(self)
        except BaseException:
            # Once more, if a signal handler came in between.
            disconnect(self)
            raise
        finally:
            self.closed = True
            if self.waiting:
                self.wake()


def disconnect(receiver: Any) -> None:
    """Disconnect what keeps emissions for readers."""
    # By its connection, as finding that takes longer than ending it. It may be another one by
    # now: signals that are joined connect their receivers again. And it is let go, as the
    # reference that it has to this would call back when this dies.
    connection, receiver.connection = receiver.connection, None
    if connection is None or not receiver.signal._disconnect_one(connection):
        receiver.signal.disconnect(receiver)


OWN_RECEIVERS[Inbox] = "heliograph.Stream object"
