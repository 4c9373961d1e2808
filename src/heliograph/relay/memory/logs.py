"""Log: what the embedded transport stores of one channel, for all relays of a process."""

from __future__ import annotations

import heapq
import os
import time
from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from secrets import token_hex
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from heliograph.relay.transports import Backlog, DeadLetter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from heliograph.relay.channels import Channel


class Taken(NamedTuple):
    """An entry that somebody works on."""

    number: int
    tries: int
    data: bytes


@dataclass(slots=True)
class _Group:
    """Where a group stands: the next entry, those for later, and those under way."""

    next: int = 1
    later: list[tuple[float, Taken]] = field(default_factory=list)
    running: set[int] = field(default_factory=set)

    def needs(self, number: int) -> bool:
        """Tell whether the group is not done with an entry."""
        later = (taken.number for _, taken in self.later)
        return number >= self.next or number in self.running or number in later


class Log:
    """The entries of one channel, numbered from 1 on. Safe under threads.

    Attributes:
        takers: Who hears what is published.
        wakers: Who is woken when something has changed.
        last: The number of the newest entry.
        birth: What no other log has, of this process or another one.
    """

    def __init__(self, keep: float, keep_bytes: int) -> None:
        self._keep, self._keep_bytes = keep, keep_bytes
        self._lock = Lock()
        self._entries: deque[tuple[int, float, str, bytes]] = deque()
        self._ids: dict[str, int] = {}
        self._bytes = 0
        self._groups: dict[str, _Group] = {}
        self._dead: dict[str, tuple[Taken, DeadLetter]] = {}
        self.last: int = 0
        self.birth: str = token_hex(4)
        self.takers: set[Callable[[bytes], None]] = set()
        self.wakers: set[Callable[[], None]] = set()

    def tell(self, data: bytes) -> None:
        """Hand something to all who listen."""
        with self._lock:
            for taker in [*self.takers]:
                taker(data)
        self._wake()

    def has_room(self, size: int) -> bool:
        """Tell whether an entry fits in beside those that must stay."""
        with self._lock:
            while self._bytes + size > self._keep_bytes and self._is_done_with_first():
                self._forget_first()
            return self._bytes + size <= self._keep_bytes

    def append(self, envelope_id: str, data: bytes) -> tuple[int, bool]:
        """Store an entry; return its number, and whether it was there before."""
        with self._lock:
            if envelope_id in self._ids:
                return self._ids[envelope_id], True
            self.last += 1
            self._entries.append((self.last, time.monotonic(), envelope_id, data))
            self._ids[envelope_id] = self.last
            self._bytes += len(data)
            self._forget_old()
        self._wake()
        return self.last, False

    def _forget_old(self) -> None:
        oldest = time.monotonic() - self._keep
        while self._entries and (self._entries[0][1] < oldest or self._bytes > self._keep_bytes):
            self._forget_first()

    def _forget_first(self) -> None:
        _, _, envelope_id, data = self._entries.popleft()
        del self._ids[envelope_id]
        self._bytes -= len(data)

    def _is_done_with_first(self) -> bool:
        if not self._entries or not self._groups:
            return False
        number = self._entries[0][0]
        return not any(it.needs(number) for it in self._groups.values())

    def _from(self, number: int) -> list[tuple[int, float, str, bytes]]:
        """Return the entries from a number on; their numbers have no holes."""
        skipped = number - self._entries[0][0] if self._entries else 0
        return [*islice(self._entries, max(0, skipped), None)]

    def entries(self) -> list[tuple[int, bytes]]:
        """Return all entries, by number."""
        with self._lock:
            return [(number, data) for number, _, _, data in self._entries]

    def after(self, position: int) -> Iterable[tuple[int, bytes, int]]:
        """Return the entries after one, each with how many are missing before it."""
        with self._lock:
            found = self._from(position + 1)
        for number, _, _, data in found:
            yield number, data, number - position - 1
            position = number

    def position(self, number: int) -> str:
        """Return where an entry stands, as other processes may keep it."""
        return f"{number}@{self.birth}"

    def number(self, position: str) -> int | None:
        """Return the number of a position; None if it is of another log."""
        number, _, birth = position.partition("@")
        return int(number) if birth == self.birth else None

    def take(self, name: str) -> Taken | None:
        """Take the next entry that a group can work on now."""
        with self._lock:
            group = self._groups.setdefault(name, _Group())
            taken = self._next(group)
            if taken is not None:
                group.running.add(taken.number)
            return taken

    def _next(self, group: _Group) -> Taken | None:
        if group.later and group.later[0][0] <= time.monotonic():
            return heapq.heappop(group.later)[1]
        if not self._entries or group.next > self.last:
            return None
        first = self._entries[0][0]
        number, _, _, data = self._entries[max(0, group.next - first)]
        group.next = number + 1
        return Taken(number, 1, data)

    def due(self, name: str) -> float | None:
        """Return in how many seconds a group can try something again; None if there is nothing."""
        with self._lock:
            later = self._groups[name].later
            return later[0][0] - time.monotonic() if later else None

    def give_back(self, name: str, taken: Taken, due: float) -> None:
        """Let a group try an entry again, once it is due."""
        with self._lock:
            group = self._groups[name]
            group.running.discard(taken.number)
            heapq.heappush(group.later, (due, taken._replace(tries=taken.tries + 1)))
        self._wake()

    def done(self, name: str, taken: Taken) -> None:
        """Note that a group is done with an entry."""
        with self._lock:
            self._groups[name].running.discard(taken.number)

    def bury(self, name: str, taken: Taken, reason: str) -> None:
        """Put an entry aside."""
        key = f"{name}:{taken.number}"
        letter = DeadLetter(key, name, reason, time.time(), taken.data)
        with self._lock:
            self._groups[name].running.discard(taken.number)
            self._dead[key] = taken, letter

    def dead_letters(self) -> list[DeadLetter]:
        """Return what was put aside, the oldest first."""
        with self._lock:
            return [letter for _, letter in self._dead.values()]

    def exhume(self, keys: Sequence[str]) -> list[tuple[Taken, DeadLetter]]:
        """Take out what was put aside."""
        with self._lock:
            return [self._dead.pop(it) for it in keys if it in self._dead]

    def revive(self, keys: Sequence[str]) -> int:
        """Let groups try again what was put aside."""
        found = self.exhume(keys)
        for taken, letter in found:
            self.give_back(letter.group, taken._replace(tries=0), 0.0)
        return len(found)

    def backlog(self) -> list[Backlog]:
        """Return how much each group has to do."""
        with self._lock:
            dead = [letter.group for _, letter in self._dead.values()]
            return [
                Backlog(
                    name,
                    len(self._from(it.next)),
                    len(it.running) + len(it.later),
                    dead.count(name),
                )
                for name, it in self._groups.items()
            ]

    def _wake(self) -> None:
        for wake in [*self.wakers]:
            wake()


class Place:
    """What all relays with one URL share.

    Args:
        url: The URL.
    """

    def __init__(self, url: str) -> None:
        self.url: str = url
        self._logs: dict[str, Log] = {}
        self._lock = Lock()

    def log(self, channel: Channel) -> Log:
        """Return the log of a channel."""
        with self._lock:
            return self._logs.setdefault(channel.name, Log(channel.keep, channel.keep_bytes))

    def names(self) -> list[str]:
        """Return the names of all channels."""
        with self._lock:
            return sorted(self._logs)


_places: dict[tuple[int, str], Place] = {}
"""By process, as one that is forked has no part in what its parent stores."""


def place(url: str) -> Place:
    """Return what the relays of a URL share, in this process."""
    return _places.setdefault((os.getpid(), url), Place(url))
