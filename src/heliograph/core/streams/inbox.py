"""Inbox: the receiver that a stream connects; it keeps emissions and wakes the readers."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager, suppress

from heliograph.core.describe import title_of
from heliograph.core.errors import LostEmissionsError
from heliograph.core.failures import raise_kept
from heliograph.core.lock import Lock
from heliograph.core.observing.emission import PLACE, Emission
from heliograph.core.observing.instruments import is_telling
from heliograph.core.observing.nesting import innermost
from heliograph.core.observing.watching import begin_watching
from heliograph.core.observing.wishes import Watchers
from heliograph.core.showing import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Literal

    WhenFull = Literal["raise", "drop_oldest"]

_NO_INSTRUMENTS = Watchers()

_A_MOMENT = 0.05
"""Seconds that a reader waits for another thread to release the lock."""


class Inbox:
    """The emissions that wait for readers, and the readers that wait for emissions."""

    # Listed among the receivers of its signal, it shows as the class that users know.
    __module__ = "heliograph"
    __qualname__ = "Stream"

    def __init__(
        self,
        signal: Any,
        matches: Callable[[Emission], object],
        size: int,
        when_full: WhenFull,
    ) -> None:
        self.signal: Any = signal
        self.matches: Callable[[Emission], object] = matches
        self.size: int = size
        self.raises: bool = when_full == "raise"
        # Emissions that were sent, and those kept for readers. The thread that has the lock moves
        # them from one to the other.
        self.arrived: deque[Emission | Exception] = deque()
        self.entries: deque[Emission | Exception] = deque()
        self.lock: Lock = Lock()
        self.waiting: deque[Callable[[], object]] = deque()
        self.closed: bool = False
        # How messages name the emissions that it accepts, unless it accepts all.
        self.limits: str = ""
        # How many emissions were lost, and how many of these the reader knows of.
        self.lost: int = 0
        self.told: int = 0

    def __call__(self, sender: Any, /, **payload: Any) -> None:
        """Receive an emission."""
        emission = _emission(self.signal, sender, payload)
        try:
            wanted = self.matches(emission)
        except Exception as error:  # noqa: BLE001 - it goes to the reader, not to the sender.
            self._take_in(error)
        else:
            if wanted:
                self._take_in(emission)

    @shown
    def __repr__(self) -> str:
        self.settle()
        title = f"{title_of(self.signal)}{', closed' if self.closed else ''}"
        return f"<Stream of {title}: {len(self.entries)} to read, {self.lost} lost>"

    def _take_in(self, entry: Emission | Exception) -> None:
        if not self.closed:
            self.arrived.append(entry)
            self.settle()

    def settle(self) -> None:
        """Keep what has arrived; if another thread is doing so, it goes on with this too."""
        # It never waits for the lock: the sender may hold any other lock, and a finalizer that
        # runs in the thread with this lock may wait for that one.
        lock, free = self.lock, True
        while self.arrived and free and not lock.is_mine:
            try:
                try:
                    free = lock.acquire(blocking=False)
                    if free:
                        self._keep_arrived()
                finally:
                    if lock.is_mine:
                        lock.release()
            finally:
                if self.something():
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
        with suppress(IndexError, ValueError):  # Another thread wakes them, too.
            while True:
                wake = self.waiting[0]
                wake()
                self.waiting.remove(wake)

    @contextmanager
    def waking(self, wake: Callable[[], object]) -> Iterator[None]:
        """Have *wake* called once when something arrives."""
        self.waiting.append(wake)
        try:
            yield
        finally:
            with suppress(ValueError):  # It was called.
                self.waiting.remove(wake)

    def something(self) -> bool:
        """Tell whether a reader should look now; it asks before it waits, so it misses nothing."""
        return bool(self.entries) or self.closed or (self.raises and self.lost > self.told)

    def take(self) -> Emission | None:
        """Return the next emission, or None if there is none.

        Raises:
            LostEmissionsError: If some were lost before the next one.
            Exception: An error that the function `matching` raised.
        """
        try:
            entry = self._next()
        finally:
            self.settle()  # A thread that sent while this had the lock has left it to this one.
        if isinstance(entry, int):
            raise self._lost_here(entry)
        if isinstance(entry, Exception):
            error, entry = entry, None
            try:
                raise_kept(error)
            finally:
                del error  # It must not refer to itself through its traceback's frames.
        return entry

    def _next(self) -> Emission | Exception | int | None:
        """Return the next entry, or how many were lost here, or None."""
        lock, entries = self.lock, self.entries
        if lock.is_mine:  # In a signal handler.
            return None
        try:
            if not lock.acquire(timeout=_A_MOMENT):
                return None
            self._keep_arrived()
            if entries:
                entry = entries[0]
                del entries[0]
                return entry
            lost = self.lost - self.told if self.raises else 0
            self.told += lost
            return lost or None
        finally:
            if lock.is_mine:
                lock.release()

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
            self.signal.disconnect(self)
        except BaseException:
            # Once more, if a signal handler came in between.
            self.signal.disconnect(self)
            raise
        finally:
            self.closed = True
            self.wake()


def _emission(signal: object, sender: object, payload: dict[str, Any]) -> Emission:
    """Return the emission that is being sent; if an instrument watches, the one that it sees."""
    place = innermost(PLACE.get())
    current: Emission | None = None if place is None else place.work
    same = current is not None and current.signal is signal and current.sender is sender
    # What an instrument sends is not watched, and the emission that it sees has ended.
    if current is not None and same and not is_telling():
        return current
    unseen: Emission = begin_watching(_NO_INSTRUMENTS, signal, sender, payload).work
    return unseen
