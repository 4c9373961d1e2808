"""Which server a URL names, and by what kind of connection it is spoken to."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from redis.asyncio.connection import Connection, parse_url

from heliograph import ArgumentError

if TYPE_CHECKING:
    import asyncio
    from weakref import WeakSet


def settings_of(url: str, *, insecure: bool) -> dict[str, Any]:
    """Return what redis-py has to know of a URL.

    Raises:
        ArgumentError: If it is none, or would let passwords be read on the way.
    """
    scheme, separator, rest = url.partition("://")
    scheme = {"valkey": "redis", "valkeys": "rediss"}.get(scheme, scheme)
    try:
        found: dict[str, Any] = {"protocol": 2, **parse_url(scheme + separator + rest)}
    except ValueError:  # Its text may have a part of the password.
        msg = (
            "The URL of the relay cannot be read. It is redis://user:password@host:port/database, "
            "with %40 and the like for special characters; or rediss://, unix://, valkey:// or "
            "valkeys://."
        )
        raise ArgumentError(msg) from None
    host = found.get("host", "localhost")
    if scheme == "redis" and not insecure and not _is_here(host):
        msg = (
            f"On the way to {host}, everybody could read the password and the payloads: use "
            "rediss://, or pass insecure=True if nobody else is on that way."
        )
        raise ArgumentError(msg)
    return {"connection_class": Connection, **found}


def _is_here(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def kept(kind: type[Any], writers: WeakSet[asyncio.StreamWriter]) -> type[Any]:
    """Return a kind of connection that tells what it writes to, for the children of a fork."""

    class Kept(kind):  # type: ignore[misc] # It is one of three.
        async def _connect(self) -> None:
            await super()._connect()
            writers.add(self._writer)

    return Kept
