"""Finds the transport for a URL. The libraries of brokers are imported for those who use them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from heliograph import ArgumentError

if TYPE_CHECKING:
    from heliograph.relay.transports import Transport

_KINDS = {
    "memory": ("memory", "MemoryTransport", ""),
    "nats": ("nats", "NatsTransport", "nats"),
    "tls": ("nats", "NatsTransport", "nats"),
    "redis": ("redis", "RedisTransport", "redis"),
    "rediss": ("redis", "RedisTransport", "redis"),
    "valkey": ("redis", "RedisTransport", "redis"),
    "valkeys": ("redis", "RedisTransport", "redis"),
    "unix": ("redis", "RedisTransport", "redis"),
}


def transport_for(url: str, options: dict[str, Any]) -> Transport:
    """Return the transport for a URL.

    Args:
        url: Such as ``"nats://127.0.0.1:4222"``.
        options: What is handed to the transport besides.

    Raises:
        ArgumentError: If there is none for it, or its library is not installed.
    """
    scheme = url.partition("://")[0] if "://" in url else ""
    if scheme not in _KINDS:
        several = ", ".join(f"{it}://" for it in _KINDS)
        msg = f"The URL of a relay begins with one of {several}; this one does not."
        raise ArgumentError(msg)
    module, name, extra = _KINDS[scheme]
    try:
        found = import_module(f"heliograph.relay.{module}.transport")
    except ImportError as error:
        msg = f"{scheme}:// needs a library: pip install 'heliograph[{extra}]'. {error}."
        raise ArgumentError(msg) from error
    make = getattr(found, name)
    try:
        made: Transport = make(url, **options)
    except ArgumentError:
        raise
    except TypeError as error:
        msg = f"{scheme}:// has no such option: {error}."
        raise ArgumentError(msg) from error
    return made
