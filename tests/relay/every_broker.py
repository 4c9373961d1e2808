"""The brokers that every test of a transport runs on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from heliograph.relay.memory.transport import MemoryTransport
from heliograph.relay.nats.transport import NatsTransport
from heliograph.relay.redis.transport import RedisTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from heliograph.relay.transports import Transport

BROKERS: dict[str, Callable[[pytest.FixtureRequest], Callable[[], Transport]]] = {
    "memory": lambda _: partial(MemoryTransport, f"memory://{uuid4()}"),
    "nats": lambda request: partial(NatsTransport, request.getfixturevalue("nats_url")),
    "valkey": lambda request: partial(RedisTransport, request.getfixturevalue("valkey_url")),
    "redis": lambda request: partial(RedisTransport, request.getfixturevalue("redis_url")),
}
"""Each gives what makes one more transport to the same broker: another process, so to speak."""
