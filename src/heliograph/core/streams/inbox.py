"""Inbox: what a stream connects, to take in emissions in any thread and wake those who wait."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager, suppress

from heliograph.core.callables import title_of
from heliograph.core.emission import PLACE, Emission
from heliograph.core.errors import LostEmissionsError
from heliograph.core.failing import raise_kept
from heliograph.core.instruments import is_telling
from heliograph.core.nesting import innermost
from heliograph.core.writer import exclusively

TYPE_CHECKING = False  # What type checkers believe, without importing typing.
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Literal

    WhenFull = Literal["raise", "drop_oldest"]


class Inbox:
    """The emissions that wait to be read, and those who wait for emissions."""

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
        self.entries: deque[Emission | Exception] = deque()
        self.waiting: deque[Callable[[], object]] = deque()
        self.closed: bool = False
        # How many were lost, and how many of these the reader has been told of.
        self.lost: int = 0
        self.told: int = 0

    def __call__(self, sender: Any, /, **payload: Any) -> None:
        """Take in what is sent."""
        emission = _emission(self.signal, sender, payload)
        try:
            if self.matches(emission):
                self._take_in(emission)
        except Exception as error:  # noqa: BLE001 - it is the reader's, not the sender's.
            self._take_in(error)

    def _take_in(self, entry: Emission | Exception) -> None:
        # One at a time, as sends of several threads may meet here. Not by a lock of its own:
        # a finalizer that sends, in a thread that holds it, would wait forever.
        exclusively(self._keep, entry)

    def _keep(self, entry: Emission | Exception) -> None:
        if self.closed:
            return
        full = len(self.entries) >= self.size
        if self.raises and (full or self.lost > self.told):
            # Until the reader knows, all are lost, so that the gap is in one place.
            self.lost += 1
            return
        if full:
            with suppress(IndexError):  # It was read meanwhile.
                self.entries.popleft()
                self.lost += 1
        self.entries.append(entry)
        self.wake()

    def wake(self) -> None:
        """Wake all who wait: each looks whether there is something, and may wait again."""
        with suppress(IndexError):
            while True:
                self.waiting.popleft()()

    @contextmanager
    def waking(self, wake: Callable[[], object]) -> Iterator[None]:
        """Let *wake* be called once, when something has come."""
        self.waiting.append(wake)
        try:
            yield
        finally:
            with suppress(ValueError):  # It was called.
                self.waiting.remove(wake)

    def something(self) -> bool:
        """Tell whether whoever waits should look: what comes before looking is not missed."""
        return bool(self.entries) or self.closed or (self.raises and self.lost > self.told)

    def take(self) -> Emission | None:
        """Return the next emission, or None if there is none.

        Raises:
            LostEmissionsError: If some are missing before the next one.
            Exception: What the function that chooses raised instead of choosing.
        """
        try:
            entry = self.entries.popleft()
        except IndexError:
            self._tell_of_lost()
            return None
        if isinstance(entry, Exception):
            try:
                raise_kept(entry)
            finally:
                del entry  # It must not refer to itself through its traceback's frames.
        return entry

    def _tell_of_lost(self) -> None:
        lost = self.lost - self.told
        if self.raises and lost:
            self.told += lost
            what = "1 emission was" if lost == 1 else f"{lost} emissions were"
            msg = (
                f"{what} lost here by a stream of {title_of(self.signal)} with size={self.size}, "
                "which was full. Read faster, give the stream a bigger size, or let it drop the "
                "oldest ones with when_full='drop_oldest'."
            )
            raise LostEmissionsError(msg, lost)

    def close(self) -> None:
        """Take in no more, and let those who wait know."""
        self.closed = True
        self.signal.disconnect(self)
        self.wake()


def _emission(signal: object, sender: object, payload: dict[str, Any]) -> Emission:
    """Return what is just being sent; the very one that instruments see, if any watch."""
    place = innermost(PLACE.get())
    current: Emission | None = None if place is None else place.work
    if current is None or current.signal is not signal or current.sender is not sender:
        return Emission(signal, sender, payload, current, muted=False)
    return current if not is_telling() else Emission(signal, sender, payload, current, muted=False)
