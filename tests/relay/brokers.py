"""The brokers that faults happen to, by name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from tests.relay.nats_server import nats_server
from tests.relay.redis_server import server

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager


class Broker(Protocol):
    """A broker in a process of its own, that keeps what it has stored."""

    @property
    def url(self) -> str:
        """Where it is."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...

    def start_again(self) -> None:
        """Start it with what it has stored."""
        ...


BROKERS: dict[str, Callable[[], AbstractContextManager[Broker]]] = {
    "NATS": nats_server,
    # Otherwise they acknowledge, while the disk is slow, what they write up to two seconds later.
    "Redis": partial(server, "redis", "--appendfsync", "always"),
    "Valkey": partial(server, "valkey", "--appendfsync", "always"),
}
"""What runs each."""
