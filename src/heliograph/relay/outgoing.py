"""Outgoing: what waits for the broker, and who hands it over."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from heliograph.relay.envelopes import Envelope, write
from heliograph.relay.errors import FullError, RefusedError, RelayError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from heliograph.relay.channels import Channel
    from heliograph.relay.limits import Limits
    from heliograph.relay.tally import Tally
    from heliograph.relay.transports import Receipt, Transport

_LOG = logging.getLogger("heliograph")

_AT_ONCE = 256
"""How many envelopes are on their way to the broker at a time."""

_DELAYS = (0.1, 5.0)
"""Seconds before the first further try, and the most before any."""

_LINGER = 0.001
"""Seconds for which what follows is waited for: to be woken costs a sender more than all else."""

_NOTICE = 1.0
"""Seconds of silence after which it is told how many envelopes there were."""


@dataclass(slots=True, eq=False)
class Item:
    """An envelope that is to be handed over, and who waits for that.

    Attributes:
        envelope: The envelope.
        answer: What the broker says, for whoever waits.
        begun: Whether it was tried, so that the broker may have it.
    """

    envelope: Envelope
    answer: Future[Receipt] | None = None
    begun: bool = False


class Outgoing:
    """The envelopes of one channel that the broker does not have yet, in the order of sending.

    Senders add to it and go on. Beyond the limits, a broadcast channel drops the oldest, and
    tells the others how many once it can; other channels refuse to take more.

    Args:
        channel: The channel.
        origin: Returns what this process is called.
        transport: The broker.
        limits: How much may wait.
        tally: Where it is counted.
        wake: Calls a function on the loop of the transport.
    """

    def __init__(
        self,
        channel: Channel,
        origin: Callable[[], str],
        transport: Transport,
        limits: Limits,
        tally: Tally,
        wake: Callable[[Callable[[], object]], None],
    ) -> None:
        self.channel: Channel = channel
        self._origin, self._transport, self._limits = origin, transport, limits
        self._tally, self._wake = tally, wake
        self._changed: asyncio.Event | None = None
        self.start_over()

    def start_over(self) -> None:
        """Begin with nothing, as a process that was forked does: the parent sends what is its."""
        self._lock = Lock()
        self._items: deque[Item] = deque()
        self._bytes = 0
        self._under_way = 0
        self._number = 0
        self._dropped = 0
        self._told = 0
        self._idle = False
        self._changed = None
        self._warned = False

    def __len__(self) -> int:
        return len(self._items) + self._under_way

    def add(self, item: Item) -> None:
        """Let an envelope wait for the broker; it gets its number here.

        Raises:
            FullError: If there is no room, and none may be made.
        """
        self._tally.count("sent", self.channel.signal)
        with self._lock:
            size = len(item.envelope.payload)
            if self.channel.mode != "broadcast":
                self._refuse_beyond_limits(size)
            else:
                self._number += 1
                item.envelope.seq = self._number
            self._items.append(item)
            self._bytes += size
            self._drop_beyond_limits()
            idle, self._idle = self._idle, False
        if idle:
            self._wake(self._go_on)

    def _refuse_beyond_limits(self, size: int) -> None:
        limits = self._limits
        if len(self) >= limits.waiting or self._bytes + size > limits.waiting_bytes:
            self._tally.drop("no room here", self.channel.signal)
            msg = (
                f"{len(self):,} envelopes of {self.channel} wait for the broker, and there is no "
                "room for more. Send it with an outbox, or raise Limits(waiting=...). Nothing was "
                "sent, and no receiver was called."
            )
            raise FullError(msg)

    def _drop_beyond_limits(self) -> None:
        limits = self._limits
        while len(self._items) > limits.waiting or self._bytes > limits.waiting_bytes:
            oldest = self._items.popleft()
            self._bytes -= len(oldest.envelope.payload)
            self._dropped += 1
            self._tally.drop("no room here", self.channel.signal)
            if not self._warned:
                self._warned = True
                _LOG.warning(
                    "The broker does not take what is sent of %s fast enough, or is away: the "
                    "oldest of %d envelopes are dropped, counted, and told of.",
                    self.channel,
                    len(self._items),
                )

    def take_back(self, envelope_id: str) -> bool:
        """Take out an envelope that nobody has begun to hand over; tell whether it was there."""
        with self._lock:
            found = [it for it in self._items if it.envelope.id == envelope_id and not it.begun]
            for item in found:
                self._items.remove(item)
                self._bytes -= len(item.envelope.payload)
        self._tally.drop("taken back", self.channel.signal, len(found))
        return bool(found)

    def drop_all(self) -> int:
        """Take out what the broker does not have; return how many envelopes nobody gets."""
        with self._lock:
            left, items = len(self), [*self._items]
            self._items.clear()
            self._bytes = self._under_way = 0
            self._dropped += left
        for it in items:
            if it.answer is not None and not it.begun:
                it.answer.set_exception(UnavailableError("the relay was stopped before."))
        if left:
            self._tally.drop("stopped", self.channel.signal, left)
        return left

    def _go_on(self) -> None:
        if self._changed is not None:
            self._changed.set()

    async def run(self) -> None:
        """Hand over whatever there is, for ever."""
        self._changed = changed = asyncio.Event()
        hand_over = self._publish if self.channel.mode == "broadcast" else self._store
        failures, lingers = 0, False
        while True:
            batch = self._take(idle=not lingers)
            if not batch and lingers:
                lingers = False
                await asyncio.sleep(_LINGER)
            elif not batch:
                await self._wait(changed)
            elif await hand_over(batch):
                failures, lingers = 0, True
                await asyncio.sleep(0)  # A transport that only takes it down has to write it, too.
            else:
                first, most = _DELAYS
                failures = min(failures + 1, 10)
                # Processes that lost the broker at once do not come back at once.
                await asyncio.sleep(min(most, first * 2.0**failures) * random.uniform(0.5, 1.0))  # noqa: S311 - nothing is kept secret by it.

    def _take(self, *, idle: bool) -> list[Item]:
        with self._lock:
            batch = [self._items.popleft() for _ in range(min(_AT_ONCE, len(self._items)))]
            self._bytes -= sum(len(it.envelope.payload) for it in batch)
            self._under_way = len(batch)
            for it in batch:
                it.begun, it.envelope.dropped = True, self._dropped
            self._idle = idle and not batch
            return batch

    def _give_back(self, batch: list[Item]) -> None:
        with self._lock:
            self._items.extendleft(reversed(batch))
            self._bytes += sum(len(it.envelope.payload) for it in batch)
            self._under_way = 0
            if self.channel.mode == "broadcast":
                self._drop_beyond_limits()

    def tell_again(self) -> None:
        """Tell once more how many there were: a line that died may have swallowed the last ones."""
        self._told = 0
        self._go_on()

    async def _wait(self, changed: asyncio.Event) -> None:
        silent = self._told < self._number
        try:
            async with asyncio.timeout(_NOTICE if silent else None):
                await changed.wait()
        except TimeoutError:
            await self._tell_how_many()
        changed.clear()

    async def _tell_how_many(self) -> None:
        """Tell the last number, so that others know if it is the last ones that are missing."""
        with self._lock:
            if self._items:
                return  # They are not missing: they come now.
            number, dropped = self._number, self._dropped
        notice = Envelope(
            v=1,
            id="",
            signal=self.channel.signal,
            origin=self._origin(),
            time=0.0,
            seq=number,
            dropped=dropped,
            notice=True,
        )
        try:
            await self._transport.publish(self.channel, write(notice))
        except RelayError:
            return  # Once more after the next silence.
        except Exception:  # noqa: BLE001 - whatever a library raises, what follows has to leave.
            _LOG.exception("It cannot be told now how much of %s there was.", self.channel)
            return
        self._told = number
        with self._lock:
            self._dropped -= dropped  # Whoever is there knows it by now.

    async def _publish(self, batch: list[Item]) -> bool:
        done = refused = 0
        try:
            for item in batch:
                await self._transport.publish(self.channel, write(item.envelope))
                done += 1
        except UnavailableError:
            return False
        except RefusedError as error:
            self._refused(batch[done], error)
            refused = 1
        except Exception:  # noqa: BLE001 - whatever a library raises, what follows has to leave.
            _LOG.exception("%s cannot be handed over now.", self.channel)
            return False
        finally:
            self._tally.count("handed over", self.channel.signal, done)
            self._give_back(batch[done + refused :])
        return True

    async def _store(self, batch: list[Item]) -> bool:
        try:
            found = await asyncio.gather(*map(self._store_one, batch), return_exceptions=True)
        except asyncio.CancelledError:
            self._give_back(batch)  # Who goes on stores them: a broker knows what it has by its id.
            raise
        left = [item for item, it in zip(batch, found, strict=True) if it is not True]
        self._tally.count("handed over", self.channel.signal, len(batch) - len(left))
        waiting = []
        for item, it in zip(batch, found, strict=True):
            if isinstance(it, RefusedError) or (isinstance(it, FullError) and item.answer):
                self._refused(item, it)
            elif it is not True:
                waiting.append(item)
        self._give_back(waiting)
        unforeseen = [it for it in found if isinstance(it, BaseException) and not _is_known(it)]
        if unforeseen:
            _LOG.error("%s cannot be stored now.", self.channel, exc_info=unforeseen[0])
        return not waiting

    async def _store_one(self, item: Item) -> bool:
        envelope = item.envelope
        receipt = await self._transport.store(self.channel, envelope.id, write(envelope))
        if item.answer is not None and not item.answer.done():
            item.answer.set_result(receipt)
        return True

    def _refused(self, item: Item, error: RelayError) -> None:
        if item.answer is not None and not item.answer.done():
            item.answer.set_exception(error)
        if self._tally.drop("refused", self.channel.signal) == 1:
            _LOG.error("The broker refuses an envelope of %s: %s", self.channel, error)


def _is_known(error: BaseException) -> bool:
    return isinstance(error, (FullError, RefusedError, UnavailableError))
