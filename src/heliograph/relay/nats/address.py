"""NatsAddress: which NATS servers a URL names, and how they may be spoken to."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from heliograph import ArgumentError

_PORT = 4222
_FORM = "nats://user:password@host:port, or tls://… for an encrypted line"


@dataclass(frozen=True, slots=True)
class NatsAddress:
    """Servers of one cluster, and who we are there.

    Attributes:
        hosts: Each server's name and port.
        user: Our name there, if we have one.
        password: What belongs to it.
        token: What stands for both, if the URL has only one word before the ``@``.
        encrypted: Whether the line has to be encrypted.
    """

    hosts: tuple[tuple[str, int], ...]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    encrypted: bool = False

    def __str__(self) -> str:
        scheme = "tls" if self.encrypted else "nats"
        return f"{scheme}://" + ",".join(url_of(*it).partition("//")[2] for it in self.hosts)


def address_of(url: str, *, insecure: bool = False, encrypted: bool = False) -> NatsAddress:
    """Read a URL: several servers are separated by commas.

    Args:
        url: The URL. Names and passwords in it are percent-encoded where they have to be.
        insecure: Whether passwords and payloads may cross a network as plain text.
        encrypted: Whether the line is encrypted, whatever the URL says.

    Raises:
        ArgumentError: If it names no NATS server, or one that we may not speak to in plain text.
            No message shows what stands before the ``@``.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in {"nats", "tls"}:
        msg = f"The URL of a NATS server begins with nats:// or tls://: {_FORM}."
        raise ArgumentError(msg)
    parts = [it.removeprefix(f"{scheme}://").rpartition("@") for it in rest.split(",")]
    hosts = tuple(_host(it) for _, _, it in parts)
    encrypted = encrypted or scheme == "tls"
    abroad = next((name for name, _ in hosts if not _is_loopback(name)), None)
    if abroad is not None and not (encrypted or insecure):
        msg = (
            f"What is sent to {abroad!r} could be read and changed on its way: use tls://…, or "
            "Relay(…, insecure=True) in a network that you trust."
        )
        raise ArgumentError(msg)
    user, password, token = _credentials({who for who, _, _ in parts if who})
    return NatsAddress(hosts, user, password, token, encrypted)


def url_of(host: str, port: int) -> str:
    """Return how the client library wants to have a server named."""
    return f"nats://[{host}]:{port}" if ":" in host else f"nats://{host}:{port}"


def _credentials(found: set[str]) -> tuple[str | None, str | None, str | None]:
    if not found:
        return None, None, None
    if len(found) > 1:
        msg = "The servers of one URL have one name and password: write them once."
        raise ArgumentError(msg)
    name, colon, password = found.pop().partition(":")
    if not colon:
        return None, None, unquote(name)
    return unquote(name), unquote(password), None


def _host(text: str) -> tuple[str, int]:
    netloc = ""
    host: str | None = None
    port = 0
    with suppress(ValueError):
        parts = urlsplit(f"//{text}")
        netloc, host, port = parts.netloc, parts.hostname, parts.port or _PORT
    if not host or text.rstrip("/") != netloc or any(it.isspace() for it in text):
        msg = f"The URL of the NATS server has no host and port that can be read: {_FORM}."
        raise ArgumentError(msg)
    return host, port


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
