"""Emptying: what is in an outbox is handed to the broker, again and again until it has it."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

from heliograph.describe import describe_error
from heliograph.relay.errors import FullError, UnavailableError
from heliograph.relay.tables.unsent import Ended, Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from heliograph.relay.channels import Channel
    from heliograph.relay.tables.unsent import Rows, Unsent

_LOG = logging.getLogger("heliograph")
_FIRST_REST, _LONGEST_REST = 0.25, 5.0
_FIRST_DELAY, _LONGEST_DELAY = 1.0, 60.0

Store: TypeAlias = "Callable[[Channel, str, bytes], Awaitable[object]]"


@dataclass(frozen=True, slots=True)
class Pace:
    """How an outbox is forwarded.

    Attributes:
        every: Seconds after which it is looked at, though nothing has woken anybody.
        batch: How many envelopes are handed over at a time.
        lease: Seconds after which those of a process that died are free again.
        tries: How often the broker may refuse one before it is put aside.
    """

    every: float
    batch: int
    lease: float
    tries: int


class Emptying:
    """One run of `Outbox.forward`.

    Attributes:
        stored: How many envelopes the broker has taken.
    """

    def __init__(self, rows: Rows, pace: Pace, store: Store, app: str | None) -> None:
        self.stored: int = 0
        self._no_database: str | None = None
        self._no_broker: str | None = None
        self._rows = rows
        self._pace = pace
        self._store = store
        self._app = app
        self._me = uuid4().hex
        self._awake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        # One thread: what it was told to do first is done first, even if nobody waits any more.
        self._thread = ThreadPoolExecutor(1, "heliograph-outbox")
        self._rests: dict[Channel, _Rest] = {}
        self._failures = 0
        self._ended = Ended()

    @property
    def trouble(self) -> str | None:
        """What has failed last, if it has not gone well since."""
        return self._no_database or self._no_broker

    def wake(self) -> None:
        """Look at the outbox now. From any thread."""
        with suppress(RuntimeError):  # The loop was closed meanwhile.
            self._loop.call_soon_threadsafe(self._awake.set)

    async def run(self, stopping: asyncio.Event) -> None:
        """Go on until *stopping* is set."""
        try:
            while not stopping.is_set():
                self._awake.clear()
                if not await self._step(stopping):
                    await _any_of(self._until_next(), stopping, self._awake)
        finally:
            await self._leave()

    async def _step(self, stopping: asyncio.Event) -> bool:
        """Hand over a batch; return whether there was one."""
        resting = [it for it, rest in self._rests.items() if rest.until > time.monotonic()]
        pace = self._pace
        taken: list[Unsent] | None = await self._in_database(
            self._rows.take, self._me, pace.lease, pace.batch, self._app, resting
        )
        if taken is None:
            await _any_of(_rest(self._failures), stopping)
            return True
        async with asyncio.TaskGroup() as group:
            for it in taken:
                group.create_task(self._hand_over(it))
        while taken and not await self._settled() and not stopping.is_set():
            await _any_of(_rest(self._failures), stopping)
        return bool(taken)

    async def _hand_over(self, it: Unsent) -> None:
        try:
            # Well before others may take it.
            async with asyncio.timeout(self._pace.lease * 2 / 3):
                await self._store(it.channel, it.id, it.data)
        except (UnavailableError, FullError, TimeoutError) as error:
            self._let_rest(it, error)
        except Exception as error:  # noqa: BLE001 - one bad envelope must not stop the others.
            self._refused(it, error)
        else:
            self._ended.stored.append(it.number)
            self._rests.pop(it.channel, None)
            self.stored += 1

    def _let_rest(self, it: Unsent, error: Exception) -> None:
        """Take nothing of a channel for a while: what is in front of it there would fail too."""
        self._ended.others.append(it.number)
        self._no_broker = describe_error(error)
        now = time.monotonic()
        found = self._rests.get(it.channel, _Rest(0, 0.0))
        if found.until <= now:  # Otherwise another one of this batch has noted it.
            failures = found.failures + 1
            self._rests[it.channel] = _Rest(failures, now + _rest(failures))

    def _refused(self, it: Unsent, error: Exception) -> None:
        tries, why = it.tries + 1, describe_error(error).rstrip(".")
        delay: float | None = min(_LONGEST_DELAY, _FIRST_DELAY * 2.0 ** min(it.tries, 60))
        if tries >= self._pace.tries:
            delay = None
            _LOG.error(
                "The envelope %s of %s was put aside, as the broker has refused it %d times: %s. "
                "Outbox.release() lets it be tried again.", it.id, it.channel, tries, why,
            )  # fmt: skip
        self._no_broker = why
        self._ended.refused.append(Refused(it.number, why, delay))

    async def _settled(self) -> bool:
        ended, self._ended = self._ended, Ended()
        if await self._in_database(self._rows.settle, self._me, ended) is None:
            self._ended = ended  # What the broker has is not handed over again if we can help it.
            return False
        if not ended.refused and not ended.others:
            self._no_broker = None
        return True

    async def _in_database(self, work: Callable[..., Any], *args: Any) -> Any:
        """Return what something gives that is done in the database; None if that failed."""
        found = await self._loop.run_in_executor(self._thread, _tried, work, *args)
        if isinstance(found, UnavailableError):
            self._no_database = str(found)
            self._failures += 1
            if self._failures == 1:
                _LOG.warning("%s It is tried again until it works.", found)
            return None
        self._failures, self._no_database = 0, None
        return True if found is None else found

    def _until_next(self) -> float:
        """Return when to look again, if nobody wakes us."""
        now = time.monotonic()
        ends = [it.until - now for it in self._rests.values()]
        return max(0.0, min([self._pace.every, *(it for it in ends if it > 0)]))

    async def _leave(self) -> None:
        """Write down what is known, and free the rest: others need not wait for it."""
        try:
            await self._in_database(self._rows.settle, self._me, self._ended)
            await self._in_database(self._rows.give_back, self._me)
        finally:
            self._thread.shutdown(wait=False)


@dataclass(frozen=True, slots=True)
class _Rest:
    """How long a channel is left alone, after how many failures."""

    failures: int
    until: float


def _tried(work: Callable[..., Any], *args: Any) -> Any:
    try:
        return work(*args)
    except UnavailableError as error:
        return error


def _rest(failures: int) -> float:
    return min(_LONGEST_REST, _FIRST_REST * 2.0 ** min(failures - 1, 60))


async def _any_of(seconds: float, *several: asyncio.Event) -> None:
    """Wait for one of several, or until so many seconds have passed."""
    waiting = [asyncio.ensure_future(it.wait()) for it in several]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for it in waiting:
            it.cancel()
