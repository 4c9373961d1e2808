"""Keeps what a transport hands over, and waits for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from heliograph.relay.transports import Arrived, Done, Gap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeVar

    from heliograph.relay.transports import Verdict

    T = TypeVar("T")

LIMIT = 20.0
"""Seconds within which everything comes that comes at all."""


async def until(condition: Callable[[], Any]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(LIMIT):
        while not condition():  # noqa: ASYNC110 - nobody tells when it changes.
            await asyncio.sleep(0.01)


@dataclass
class Watched:
    """Who is told how a transport does.

    Attributes:
        told: True for each time that it was connected, and why it was not.
    """

    told: list[bool | str] = field(default_factory=list)

    def connected(self) -> None:
        """Keep that it is connected."""
        self.told.append(True)

    def disconnected(self, reason: str) -> None:
        """Keep why it is not."""
        self.told.append(reason)


@dataclass
class Heard:
    """What was handed over, in its order.

    Attributes:
        all: The envelopes, and the gaps between them.
    """

    all: list[Arrived | Gap] = field(default_factory=list)

    async def hear(self, arrived: Arrived) -> None:
        """Keep an envelope."""
        self.all.append(arrived)

    async def miss(self, gap: Gap) -> None:
        """Keep a gap."""
        self.all.append(gap)

    @property
    def data(self) -> list[bytes | None]:
        """The bytes of each envelope; None for a gap."""
        return [it.data if isinstance(it, Arrived) else None for it in self.all]

    @property
    def positions(self) -> list[str]:
        """The position of each envelope."""
        return [it.position for it in self.all if isinstance(it, Arrived)]

    @property
    def gaps(self) -> list[Gap]:
        """The gaps."""
        return [it for it in self.all if isinstance(it, Gap)]

    async def first(self, number: int) -> list[bytes | None]:
        """Wait for that many; return what `data` has then."""
        await until(lambda: len(self.all) >= number)
        return self.data


@dataclass
class Worked:
    """What a group was given, and what it answers.

    Attributes:
        answers: What it says to one envelope after the other; then each is done.
        all: The envelopes and the tries.
    """

    answers: Sequence[Verdict] = ()
    all: list[tuple[bytes, int]] = field(default_factory=list)

    async def work(self, arrived: Arrived) -> Verdict:
        """Keep it, and answer."""
        number = len(self.all)
        self.all.append((arrived.data, arrived.tries))
        return self.answers[number] if number < len(self.answers) else Done()

    async def first(self, number: int) -> list[tuple[bytes, int]]:
        """Wait for that many."""
        await until(lambda: len(self.all) >= number)
        return self.all
