"""Look: what a broker has of a program, for people and tools that receive nothing of it."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar

from heliograph.relay.envelopes import Envelope, read
from heliograph.relay.errors import EnvelopeError, UnavailableError
from heliograph.relay.limits import Limits
from heliograph.relay.loops import ClientLoop
from heliograph.relay.places import transport_for

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence

    from heliograph.relay.channels import Channel
    from heliograph.relay.transports import Arrived, Backlog, DeadLetter, Gap

    Tell = Callable[[Channel, Arrived | Gap], None]

T = TypeVar("T")

_PATIENCE = 10.0
"""Seconds that a broker has for each answer."""

_CLOSING = 1.0
"""Seconds that it has to take leave."""

_ANYTHING = Limits(message_bytes=64 * 1024 * 1024, depth=200, hops=1_000_000)
"""What can be looked at: more than any program takes."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter, and where it lies.

    Attributes:
        channel: The channel of its signal.
        letter: What the broker has of it.
    """

    channel: Channel
    letter: DeadLetter

    @property
    def name(self) -> str:
        """What names it in its program."""
        return f"{self.channel.signal}/{self.letter.key}"

    @property
    def envelope(self) -> Envelope | None:
        """What was to be worked on; None if it is no envelope."""
        try:
            return opened(self.letter.data)
        except EnvelopeError:
            return None


class Look:
    """Looks at what a broker has of a program, over a connection of its own.

    Nothing is received by it, and nothing sent. A context manager: it is connected inside.

    Args:
        url: The broker.
        app: What all processes of the program call it together.
        channels: What crosses; by default the channels of which the broker stores something.
        options: What is handed to the transport.

    Attributes:
        app: What all processes of the program call it together.
        broker: The URL without what is secret in it.
        channels: What crosses.
        problem: Why the broker is not there; None while it is.
        note: Called when the broker goes away, with the reason, and with None when it is there.

    Raises:
        ArgumentError: If there is no transport for the URL.
    """

    def __init__(
        self, url: str, app: str, channels: Iterable[Channel] | None = None, **options: Any
    ) -> None:
        self._transport = transport_for(url, options)
        self.app: str = app
        self.broker: str = without_secrets(url)
        self.channels: Sequence[Channel] = () if channels is None else tuple(channels)
        self.problem: str | None = "nobody has looked yet"
        self._finds_channels = channels is None
        self._loop = ClientLoop("heliograph-relay-look")
        self.note: Callable[[str | None], None] | None = None

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            UnavailableError: If the broker cannot be reached.
            RefusedError: If it refuses us, or is no such broker.
        """
        self._loop.start()
        try:
            self._ask(self._transport.open(self))
            if self._finds_channels:
                self.channels = self._ask(self._transport.channels(self.app))
        except BaseException as error:
            self.problem = str(error)
            self._leave()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    def _leave(self) -> None:
        try:
            self._ask(self._transport.close(_CLOSING))
        finally:
            self._loop.stop()

    def _ask(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run(_in_time(work, self.broker)).result()

    def connected(self) -> None:
        """Take note that the broker is there."""
        self._note(None)

    def disconnected(self, reason: str) -> None:
        """Take note that the broker is not there."""
        self._note(reason)

    def _note(self, problem: str | None) -> None:
        self.problem = problem
        if self.note is not None:
            self.note(problem)

    def backlog(self, channel: Channel) -> Sequence[Backlog]:
        """Return how much each group of a durable channel has to do.

        Raises:
            RelayError: If the broker does not say so.
        """
        return self._ask(self._transport.backlog(channel))

    def dead_letters(self, most: int) -> list[Letter]:
        """Return what groups have put aside: the oldest of each channel.

        Raises:
            RelayError: If the broker does not say so.
        """
        return [
            Letter(channel, it)
            for channel in self.channels
            if channel.mode == "durable"
            for it in self._ask(self._transport.dead_letters(channel, most))
        ]

    def revive(self, letters: Iterable[Letter]) -> int:
        """Let the groups of dead letters work on them once more; return how many there were.

        Raises:
            RelayError: If the broker does not take them.
        """
        return sum(
            self._ask(self._transport.revive(channel, keys))
            for channel, keys in _by_channel(letters).items()
        )

    def forget(self, letters: Iterable[Letter]) -> int:
        """Remove dead letters for good; return how many there were.

        Raises:
            RelayError: If the broker does not do so.
        """
        return sum(
            self._ask(self._transport.forget(channel, keys))
            for channel, keys in _by_channel(letters).items()
        )

    def last(self, channel: Channel, most: int) -> Sequence[Arrived]:
        """Return the last envelopes that are stored of a channel, the oldest first.

        Raises:
            RelayError: If the broker does not say so.
        """
        return self._ask(self._transport.last(channel, most))

    def follow(self, channel: Channel, after: str | None, tell: Tell) -> None:
        """Be told of what crosses, in the thread of the connection, until the end of the block.

        Args:
            channel: The channel.
            after: The position after which to begin, where it is stored; None for what comes.
            tell: Called for each envelope, and where some may be missing. It returns at once.

        Raises:
            RelayError: If the broker does not tell.
        """

        async def hear(it: Arrived | Gap) -> None:
            tell(channel, it)

        if channel.mode == "broadcast":
            self._ask(self._transport.listen(channel, hear, hear))
        else:
            self._ask(self._transport.follow(channel, after, hear, hear))


async def _in_time(work: Coroutine[Any, Any, T], broker: str) -> T:
    try:
        async with asyncio.timeout(_PATIENCE):
            return await work
    except TimeoutError:
        msg = f"{broker} has not answered for {_PATIENCE:g} seconds."
        raise UnavailableError(msg) from None


def _by_channel(letters: Iterable[Letter]) -> dict[Channel, list[str]]:
    found: defaultdict[Channel, list[str]] = defaultdict(list)
    for it in letters:
        found[it.channel].append(it.letter.key)
    return found


def without_secrets(url: str) -> str:
    """Return the URL of a broker without names, passwords and options."""
    scheme, _, rest = url.partition("://")
    # NATS takes several servers, with commas between them; elsewhere a password may have one.
    rest = re.sub("[^,]*@", "", rest) if scheme in {"nats", "tls"} else rest.rpartition("@")[2]
    return f"{scheme}://{rest.partition('?')[0]}"


opened: Callable[[bytes], Envelope] = partial(read, limits=_ANYTHING)
"""Return the envelope in some bytes, with limits beyond those of any program."""
