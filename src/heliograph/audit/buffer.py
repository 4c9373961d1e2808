"""Writes entries in batches, in a thread of its own; senders only put them into a queue."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from heliograph.audit.entry import Entry
from heliograph.lifecycle.request import new_id

if TYPE_CHECKING:
    from heliograph.audit.spool import Spool
    from heliograph.audit.store import Store
    from heliograph.audit.tally import Tally

_LOG = logging.getLogger("heliograph")
GAP = "trail.gap"


@dataclass(frozen=True)
class Limits:
    """How much a buffer keeps, and for how long.

    Attributes:
        queue: The most entries that wait.
        batch: The most that are written at once.
        seconds: How long the first one of a batch waits for others.
        block: How long a sender waits for room, in seconds, before its entry is lost and counted.
    """

    queue: int = 10_000
    batch: int = 200
    seconds: float = 0.1
    block: float = 0.01


class Buffer:
    """The queue of one trail, in one process.

    Args:
        store: Where entries are written.
        spool: Where they are kept while that is away; None: they are counted as a gap.
        limits: How much is kept.
        service: What the entries of gaps say of their program.
        tally: Where it counts what is stored and spooled.
    """

    def __init__(
        self, store: Store, spool: Spool | None, limits: Limits, service: str | None, tally: Tally
    ) -> None:
        self._store = store
        self._spool = spool
        self._limits = limits
        self._service = service
        self._tally = tally
        self._begin()

    def _begin(self) -> None:
        self._entries: deque[Entry] = deque()
        # Reentrant, as the handler of a POSIX signal may flush in the midst of a put().
        self._changed = threading.Condition(threading.RLock())
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._busy = False
        self._flushing = 0
        self._lost = 0
        self.sent: int = 0
        self.lost: int = 0

    def put(self, entry: Entry) -> None:
        """Take an entry; where there is no room for a while, it is lost, and counted."""
        with self._changed:
            self.sent += 1
            if self._thread is None:
                self._start()
            if len(self._entries) >= self._limits.queue:
                self._changed.wait_for(self._has_room, self._limits.block)
            if self._has_room():
                self._entries.append(entry)
                if len(self._entries) == 1 or len(self._entries) == self._limits.batch:
                    self._changed.notify_all()
            else:
                self._lose(1)

    def _has_room(self) -> bool:
        return len(self._entries) < self._limits.queue

    def _lose(self, several: int) -> None:
        self._lost += several
        self.lost += several

    def _start(self) -> None:
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="heliograph-trail", daemon=True)
        self._thread.start()

    def waiting(self) -> int:
        """Return how many entries wait."""
        return len(self._entries)

    def flush(self, timeout: float) -> bool:
        """Wait until everything that was put is written or spooled; tell whether it is."""
        with self._changed:
            self._flushing += 1
            self._changed.notify_all()
            try:
                return self._changed.wait_for(self._is_idle, timeout)
            finally:
                self._flushing -= 1

    def _is_idle(self) -> bool:
        return not self._entries and not self._busy

    def stop(self, timeout: float) -> bool:
        """Write what waits and end the thread; tell whether all of it was written."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(timeout)
        with self._changed:
            self._thread = None
            return self._is_idle()

    def forked(self) -> None:
        """Begin with nothing, in a process that was forked: the parent writes what it has."""
        self._begin()

    def _run(self) -> None:
        while True:
            batch = self._next()
            if batch is None:
                break
            self._write(batch)
            with self._changed:
                self._busy = False
                self._changed.notify_all()
        self._enter_last_gap()

    def _enter_last_gap(self) -> None:
        """Enter what was lost since the last batch, as no other will come."""
        with self._changed:
            several, self._lost = self._lost, 0
        if several:
            self._write([self._gap(several)])

    def _next(self) -> list[Entry] | None:
        limits = self._limits
        with self._changed:
            self._changed.wait_for(lambda: self._entries or self._stopping)
            if not self._entries:
                return None
            self._changed.wait_for(self._is_time, limits.seconds)
            waiting = self._entries
            if len(waiting) <= limits.batch:  # Senders wait for as long as this takes.
                batch, self._entries = [*waiting], deque()
            else:
                batch = [waiting.popleft() for _ in range(limits.batch)]
            if self._lost:
                batch.append(self._gap(self._lost))
                self._lost = 0
            self._busy = True
            self._changed.notify_all()
        return batch

    def _is_time(self) -> bool:
        full = len(self._entries) >= self._limits.batch
        return full or self._stopping or self._flushing > 0

    def _gap(self, several: int) -> Entry:
        return Entry(
            id=new_id(),
            occurred_at=time.time_ns() // 1000,
            signal=GAP,
            action=GAP,
            outcome="failure",
            service=self._service,
            data={"payload": {"lost": several}},
        )

    def _write(self, batch: list[Entry]) -> None:
        try:
            self.replay()
            self._store.write(batch)
        except Exception as error:  # noqa: BLE001 - the thread goes on, whatever stands against it.
            self._keep(batch, error)
        else:
            self._count("stored", batch)

    def _count(self, what: str, batch: list[Entry]) -> None:
        self._tally.count(what, sum(it.action != GAP for it in batch))

    def _keep(self, batch: list[Entry], error: Exception) -> None:
        away = isinstance(error, SQLAlchemyError)
        try:
            if self._spool is None:
                raise error  # noqa: TRY301 - handled below, as a spool that cannot be written.
            self._spool.keep(batch)
        except Exception as failure:  # noqa: BLE001 - lost and counted, and told when it can be.
            with self._changed:
                self._lose(sum(it.action != GAP for it in batch))
                self._lost += sum(it.data["payload"]["lost"] for it in batch if it.action == GAP)
            _LOG.error("%d entries of the trail are lost.", len(batch), exc_info=failure)
            time.sleep(self._limits.seconds if away else 0)
        else:
            self._count("spooled", batch)
            _LOG.warning("The trail cannot be written; its entries go to %s.", self._spool.path)

    def try_to_replay(self) -> None:
        """Do as `replay` does; what cannot be written waits on."""
        try:
            self.replay()
        except Exception as error:  # noqa: BLE001 - whoever sends, or starts, waits for nothing.
            _LOG.error("What waits in the spool of the trail cannot be written.", exc_info=error)

    def replay(self) -> None:
        """Write what waits in the spool, be it of a process that has ended."""
        if self._spool is None or not self._spool.waits():
            return
        with self._spool.locked():
            found, broken = self._spool.read()
            if broken:
                found.append(self._gap(broken))
            self._store.write_missing(found)
            self._spool.clear()
        self._tally.count("spooled", -min(len(found), self._tally.counts()["spooled"]))
        self._count("stored", found)
