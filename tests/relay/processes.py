"""Relays that meet in one process over the embedded transport, as several processes do."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from heliograph import Namespace, Signal
from heliograph.relay import Relay, UnavailableError, resynced
from heliograph.relay.memory.transport import MemoryTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    from heliograph.relay.channels import Channel
    from heliograph.relay.transports import Receipt, Watching


def new_url() -> str:
    """Return a place where nobody has been yet."""
    return f"memory://{uuid4().hex}"


def until(condition: Callable[[], Any], within: float = 60.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, "It has not become so."
        time.sleep(0.002)


def declared(name: str = "changed") -> Signal[...]:
    """Return a signal of its own, as the module that declares it gives each process one."""

    def stub(sender: Any, *, n: int, note: str = "") -> None:
        """A number has changed."""

    return Namespace("shop").declare(name=name)(stub)


@dataclass
class Process:
    """A relay with a signal, and what was heard.

    Attributes:
        relay: The relay.
        signal: The signal.
        heard: The numbers that a receiver was called with, and what it was told of gaps.
    """

    relay: Relay
    signal: Signal[...]
    heard: list[Any] = field(default_factory=list)

    def hear(self, _: object, *, n: int) -> None:
        """Keep a number."""
        self.heard.append(n)

    def miss(self, _: object, *, signal: object, reason: str, lost: int | None) -> None:
        """Keep how many are missing."""
        self.heard.append(("missing", lost))

    @property
    def missed(self) -> int:
        """How many it knows to be missing."""
        return self.relay.health().missed


def process(
    url: str, mode: str = "broadcast", *, app: str = "shop", name: str = "changed", **options: Any
) -> Process:
    """Return a process whose signal crosses, and is heard where it arrives by itself."""
    made = Process(Relay(url, app=app, **options), declared(name))
    getattr(made.relay, mode)(made.signal)
    if mode != "durable":
        made.relay.connect(made.signal, made.hear, scope="each")
    resynced.connect(made.miss, made.relay)
    return made


class Broker(MemoryTransport):
    """A broker that can be away: as the embedded one is when it is there.

    Attributes:
        problem: What it fails with; None while it is there.
        log: What it was asked for.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.problem: Exception | None = None
        self.log: list[str] = []

    def _check(self, what: str) -> None:
        self.log.append(what)
        if self.problem is not None:
            raise self.problem

    def go(self, problem: Exception | None = None) -> None:
        """Be away from now on."""
        self.problem = problem or UnavailableError("the line was cut.")

    def come(self) -> None:
        """Be there again."""
        self.problem = None

    async def open(self, watching: Watching) -> None:
        """Connect, if it is there."""
        self._check("open")
        await super().open(watching)

    async def prepare(self, channel: Channel) -> None:
        """Make a channel, if it is there."""
        self._check("prepare")
        await super().prepare(channel)

    async def publish(self, channel: Channel, data: bytes) -> None:
        """Hand over, if it is there."""
        self._check("publish")
        await super().publish(channel, data)

    async def store(self, channel: Channel, envelope_id: str, data: bytes) -> Receipt:
        """Store, if it is there."""
        self._check("store")
        return await super().store(channel, envelope_id, data)


def with_broker(url: str, mode: str = "broadcast", **options: Any) -> tuple[Process, Broker]:
    """Return a process, and its broker, which can be away."""
    made = Process(Relay(url, app="shop", **options), declared())
    broker = Broker(url)
    made.relay.running.transport = broker  # Before a signal crosses.
    getattr(made.relay, mode)(made.signal)
    if mode != "durable":
        made.relay.connect(made.signal, made.hear, scope="each")
    resynced.connect(made.miss, made.relay)
    return made, broker
