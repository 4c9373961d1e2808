"""Room: keeps a stream as small as its channel says, without dropping what a group has to do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from heliograph.relay.errors import FullError
from heliograph.relay.redis.connecting import checked, pairs, text
from heliograph.relay.redis.positions import order
from heliograph.relay.redis.streams import MARK, key_of

if TYPE_CHECKING:
    from heliograph.relay.channels import Channel
    from heliograph.relay.redis.connecting import Lines

_MEASURED = 1.0
"""Seconds after which the size of a stream is measured again, and what is old is dropped."""

_FULL = 0.2
"""Seconds for which a stream that was full is taken for full."""

_OVERHEAD = 100
"""About how many bytes an entry takes besides its data."""


class Room:
    """Measures and trims the stream of one channel, now and then, while it is added to.

    The server says how large a stream is (``MEMORY USAGE``); until it is asked again, what this
    process has added counts.

    Args:
        lines: The connections.
        channel: The channel.
    """

    def __init__(self, lines: Lines, channel: Channel) -> None:
        self._lines, self._channel = lines, channel
        self._key = key_of(channel.name)
        self._used = 0
        self._measured = self._full = float("-inf")

    async def make(self, size: int) -> None:
        """Make room for an envelope.

        Raises:
            FullError: If there is none, as groups have to work on what is there.
        """
        now = time.monotonic()
        if now < self._full + _FULL:
            raise FullError(self._why("some group has not"))
        size += _OVERHEAD
        if now >= self._measured + _MEASURED or self._used + size > self._channel.keep_bytes:
            self._measured = now
            await self._trim(size)
        self._used += size

    async def _trim(self, size: int) -> None:
        seconds, _ = await self._lines.ask("TIME")
        oldest = f"{max(0, int((int(seconds) - self._channel.keep) * 1000))}-0"
        if self._channel.mode == "durable":
            await self._trim_done(oldest, size)
        else:
            await self._trim_old(oldest, size)

    async def _trim_old(self, oldest: str, size: int) -> None:
        await self._lines.ask("XTRIM", self._key, "MINID", oldest)
        await self._measure()
        most = self._channel.keep_bytes
        if self._used + size > most:
            length = await self._lines.ask("XLEN", self._key)
            # A tenth less, so that it is not trimmed again by the next one.
            await self._lines.ask(
                "XTRIM", self._key, "MAXLEN", int(length * 0.9 * most / (self._used + size))
            )
            await self._measure()

    async def _trim_done(self, oldest: str, size: int) -> None:
        done, slowest = await self._done()
        await self._lines.ask("XTRIM", self._key, "MINID", min(done, oldest, key=order))
        await self._measure()
        if self._used + size > self._channel.keep_bytes:
            await self._lines.ask("XTRIM", self._key, "MINID", done)
            await self._measure()
        if self._used + size > self._channel.keep_bytes:
            self._full = time.monotonic()
            raise FullError(self._why(slowest))

    async def _measure(self) -> None:
        self._used = await self._lines.ask("MEMORY USAGE", self._key) or 0

    async def _done(self) -> tuple[str, str]:
        """Return the id below which all groups are done, and in words which one has done least."""
        answer = await self._lines.ask("XINFO GROUPS", self._key)
        groups = [it for it in map(pairs, answer) if it["name"] != MARK]
        asked = [("XPENDING", self._key, it["name"]) for it in groups]
        answers = checked(await self._lines.together(asked))
        done = [
            (_done_by(group, pending), f"the group {group['name']!r} has not")
            for group, pending in zip(groups, answers, strict=True)
        ]
        return min(done, key=lambda it: order(it[0]), default=("0-0", "no group has"))

    def _why(self, who: str) -> str:
        return (
            f"There is no room for more of {self._channel}: {self._channel.keep_bytes:,} bytes are "
            f"kept, and {who} done what is in them. Let a process work on it, or raise "
            "keep_bytes."
        )


def _done_by(group: dict[str, Any], pending: Any) -> str:
    count, first, *_ = pending
    if count:
        return str(text(first))
    milliseconds, sequence = order(group["last-delivered-id"])
    return f"{milliseconds}-{sequence + 1}"
