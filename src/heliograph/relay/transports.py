"""Transport: what a broker has to do for a relay, and the values that are handed over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from typing import TypeAlias

    from heliograph.relay.channels import Channel, Group


@dataclass(frozen=True, slots=True)
class Arrived:
    """What a broker hands over.

    Attributes:
        data: The bytes of an envelope, of anybody who can write to the broker; empty if the
            broker has lost them.
        position: Where it stands in what the broker stores: `Transport.follow` can go on after it.
        tries: Which try it is, from 1 on; those of processes that died count.
    """

    data: bytes
    position: str = ""
    tries: int = 1


@dataclass(frozen=True, slots=True)
class Gap:
    """Something may have been missed.

    Attributes:
        reason: Why, in a few words.
        lost: How many envelopes, if the broker knows.
    """

    reason: str
    lost: int | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a broker says of an envelope that it has stored.

    Attributes:
        id: The id of the envelope.
        position: Where it stands; "" if the broker does not say.
        duplicate: Whether the broker says that it had it already.
    """

    id: str
    position: str = ""
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """The work is done: never again."""


@dataclass(frozen=True, slots=True)
class Again:
    """Once more, after *delay* seconds, in this process or another one."""

    delay: float


@dataclass(frozen=True, slots=True)
class Dead:
    """No more tries: it is put aside, with the reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An envelope that was put aside.

    Attributes:
        key: What names it at its broker.
        group: Which group could not work on it.
        reason: Why.
        at: Seconds since the epoch.
        data: The bytes of the envelope.
    """

    key: str
    group: str
    reason: str
    at: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much a group of a durable channel has to do.

    Attributes:
        group: Its name.
        waiting: Envelopes that nobody works on yet.
        running: Envelopes that processes work on, or will try again.
        dead: Dead letters.
    """

    group: str
    waiting: int
    running: int
    dead: int


if TYPE_CHECKING:
    Verdict: TypeAlias = Done | Again | Dead
    Hear: TypeAlias = Callable[[Arrived], Awaitable[None]]
    Miss: TypeAlias = Callable[[Gap], Awaitable[None]]
    Work: TypeAlias = Callable[[Arrived], Awaitable[Verdict]]


class Watching(Protocol):
    """Who is told how a transport does, on its loop. The calls return at once."""

    def connected(self) -> None:
        """Take note that the broker is there, for the first time or again."""
        ...

    def disconnected(self, reason: str) -> None:
        """Take note that it is not."""
        ...


class Transport(Protocol):
    """A broker. All coroutines run on one loop, which no receiver ever blocks.

    It connects again by itself, for ever, and what listens, follows and consumes goes on then.
    A broker that is silent is noticed within 15 seconds, however the line was cut.
    """

    async def open(self, watching: Watching) -> None:
        """Connect. It may be called again after it has failed.

        Raises:
            UnavailableError: If the broker cannot be reached.
            RefusedError: If it refuses us, or is no such broker.
        """
        ...

    async def close(self, within: float) -> None:
        """Take in nothing more, wait for the work that is under way, and disconnect.

        Work that is not done *within* these seconds is handed back: another process gets it.
        """
        ...

    def abandon(self) -> None:
        """Let go of the connections in a process that was forked, without a word to the broker."""
        ...

    async def prepare(self, channel: Channel) -> None:
        """Make what the broker needs for a channel, if it is not there."""
        ...

    async def publish(self, channel: Channel, data: bytes) -> None:
        """Hand over an envelope of a broadcast channel.

        Raises:
            UnavailableError: If the broker is away: nothing was handed over.
        """
        ...

    async def store(self, channel: Channel, envelope_id: str, data: bytes) -> Receipt:
        """Store an envelope of a replay or durable channel, and wait until the broker has it.

        Another try with the same id is no harm.

        Raises:
            UnavailableError: If the broker did not answer. It may have stored it.
            FullError: If there is no room. It has not stored it.
            RefusedError: If it never will.
        """
        ...

    async def listen(self, channel: Channel, hear: Hear, miss: Miss) -> None:
        """Hear what is published from now on, one by one and in order, until it is closed.

        *miss* is called after whatever may have been missed, before what comes after it.
        """
        ...

    async def follow(self, channel: Channel, after: str | None, hear: Hear, miss: Miss) -> None:
        """Hear what is stored, one by one and in order, until it is closed.

        Args:
            channel: A replay channel.
            after: The position after which to begin; "" for the beginning, None for the end.
            hear: Called for each one.
            miss: Called where the broker has no more what comes after the position.
        """
        ...

    async def consume(self, channel: Channel, group: Group, work: Work) -> None:
        """Let a group work on what is stored, from its first envelope on, until it is closed.

        What *work* does not answer, as its process has died, is given to another one after the
        patience of the group. While *work* runs, the broker is told so.
        """
        ...

    async def channels(self, app: str) -> Sequence[Channel]:
        """Return the channels of a program that something is stored of, by name."""
        ...

    async def backlog(self, channel: Channel) -> Sequence[Backlog]:
        """Return how much each group has to do."""
        ...

    async def last(self, channel: Channel, most: int) -> Sequence[Arrived]:
        """Return the last envelopes that are stored, the oldest first."""
        ...

    async def dead_letters(self, channel: Channel, most: int) -> Sequence[DeadLetter]:
        """Return what was put aside, the oldest first."""
        ...

    async def revive(self, channel: Channel, keys: Sequence[str]) -> int:
        """Let the groups of dead letters work on them once more, and on nothing else.

        Returns:
            How many of them there were.
        """
        ...

    async def forget(self, channel: Channel, keys: Sequence[str]) -> int:
        """Remove dead letters for good; return how many of them there were."""
        ...
